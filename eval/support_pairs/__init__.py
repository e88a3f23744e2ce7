"""Claims over real abstracts, written for this project: for training and for testing the support check."""
