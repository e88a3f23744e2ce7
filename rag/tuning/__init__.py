"""RAG fine-tuning after Jin et al. (arXiv 2410.05983): documents and question in, a cited answer out."""
