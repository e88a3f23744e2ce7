"""Read papers from files and write them to the index."""
