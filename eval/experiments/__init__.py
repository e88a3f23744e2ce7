"""The experiments of "Long-Context LLMs Meet RAG" (Jin et al., arXiv 2410.05983) on any data and any reader.

    Task (Item*) -> Trial* (one context each) -> Row* (what the reader made of it) -> analysis -> report

One experiment a file: `context_size`, `hard_negatives`, `order`, `position`. `command.run` runs one.
"""
