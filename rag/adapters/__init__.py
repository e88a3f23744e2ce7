"""Implementations of the seams. Only `rag.build` imports them; each imports its heavy library when used."""
