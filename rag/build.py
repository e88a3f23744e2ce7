"""Settings to working parts: the one place that knows which implementation stands behind a seam."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from rag.config import BUNDLED, Config
from rag.errors import PaperIndexError
from rag.index import MANIFEST, Index, Manifest, check_model, read_manifest, write_manifest
from rag.pipeline import Pipeline
from rag.protocols import Catalog, Embedder, Generator
from rag.retrieve import HybridRetriever, RetrieverName
from rag.support import SupportChecker

log = logging.getLogger(__name__)

CATALOG = "papers.sqlite"


def embedding_name(config: Config) -> str:
    """Name of the configured embedding model, without loading it."""
    from rag.adapters.embedder import BUNDLED_NAME

    return BUNDLED_NAME if config.embedding_model == BUNDLED else config.embedding_model


def build_embedder(config: Config) -> Embedder:
    """The embedding model, loaded.

    Raises:
        ModelError: It cannot be found or loaded.
    """
    from rag.adapters.embedder import TransformersEmbedder

    return TransformersEmbedder(config.embedding_model, config.device)


def build_generator(config: Config) -> Generator:
    """The language model: in this process, or a client of the server that `model` addresses.

    Raises:
        ModelError: It cannot be found, loaded or reached.
    """
    if config.model.startswith(("http://", "https://")):
        from rag.adapters.server import ServerGenerator

        return ServerGenerator(config.model, config.server_model, config.server_key)
    from rag.adapters.local import LocalGenerator

    return LocalGenerator(config.model, config.device, config.cache)


def bundled_is_converted(config: Config) -> bool:
    """Does the converted copy of the bundled language model exist?"""
    from rag.adapters.bundled import is_converted

    return is_converted(config.cache)


def bundled_folder(config: Config) -> Path:
    """Folder of the converted bundled language model; converts it where that has not been done."""
    from rag.adapters.bundled import ensure_converted

    return ensure_converted(config.cache)


def bundled_gguf() -> Path:
    """The packaged GGUF file the bundled language model comes from."""
    from rag.adapters.bundled import gguf_path

    return gguf_path()


def build_checker(config: Config) -> SupportChecker:
    """The support checker alone, with its embedding model."""
    return SupportChecker(build_embedder(config))


def open_index(config: Config) -> Index:
    """The existing index.

    Raises:
        IndexMissingError: There is none.
        IndexMismatchError: Another embedding model or version built it.
    """
    manifest = read_manifest(config.index)
    check_model(config.index, manifest, embedding_name(config))
    return _open(config.index, manifest)


def create_index(config: Config, dimension: Callable[[], int]) -> Index:
    """The existing index, or a new empty one. `dimension` is called only for a new one."""
    if (config.index / MANIFEST).exists():
        return open_index(config)
    if config.index.exists() and not config.index.is_dir():
        raise PaperIndexError(f"{config.index} is a file, not a folder. Give another --index folder.")
    manifest = Manifest(embedding_name(config), dimension())  # fails before a folder is made
    try:
        config.index.mkdir(parents=True, exist_ok=True)
        write_manifest(config.index, manifest)
    except OSError as error:
        raise PaperIndexError(
            f"The index folder {config.index} cannot be written ({error.strerror}). "
            "Check its permissions or give another --index folder."
        ) from error
    return _open(config.index, manifest)


def open_catalog(config: Config) -> Catalog:
    """The records alone: quick, and free of the vector store's import.

    Raises:
        IndexMissingError: There is no index.
    """
    from rag.adapters.catalog import SqliteCatalog

    read_manifest(config.index)
    return SqliteCatalog(config.index / CATALOG)


def _open(folder: Path, manifest: Manifest) -> Index:
    from rag.adapters.catalog import SqliteCatalog
    from rag.adapters.chroma import ChromaStore
    from rag.adapters.lexical import TantivyIndex

    return Index(
        folder,
        manifest,
        ChromaStore(folder / "chroma"),
        TantivyIndex(folder / "terms"),
        SqliteCatalog(folder / CATALOG),
    )


def build_pipeline(
    config: Config,
    on_stage: Callable[[str], None] = log.info,
    *,
    generate: bool = True,
    use: RetrieverName = "hybrid",
) -> Pipeline:
    """Everything that answers a question, loaded.

    Args:
        config: Settings.
        on_stage: Told what is being loaded, in words for the reader.
        generate: `False` leaves the language model out; answers are then quoted.
        use: Which retrievers.
    """
    on_stage("Opening the index")
    index = open_index(config)
    on_stage("Loading the embedding model")
    embedder = build_embedder(config)
    generator = None
    if generate:
        on_stage("Loading the language model")
        generator = build_generator(config)
    on_stage("Ready")
    return assemble(config, index, embedder, generator, use)


def assemble(
    config: Config,
    index: Index,
    embedder: Embedder,
    generator: Generator | None,
    use: RetrieverName = "hybrid",
) -> Pipeline:
    """A pipeline from parts that are loaded already."""
    retriever = HybridRetriever(
        index, embedder, candidates=config.candidates, dense_weight=config.dense_weight, use=use
    )
    return Pipeline(config, index, embedder, retriever, generator)
