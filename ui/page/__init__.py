"""The chat page: Gradio components and events, one module a concern. What they show is made by pure functions."""
