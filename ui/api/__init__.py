"""The HTTP API: OpenAI's chat completions over the pipeline, search, ingest, health and metrics."""
