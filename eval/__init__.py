"""Measurements. Never imports `ui`; its command is mounted on `paperchat` as an entry point."""
