"""Style sheet and script of the chat page."""
