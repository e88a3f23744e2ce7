"""What a person or a program touches: the command line and the chat page."""
