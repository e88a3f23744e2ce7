"""Settings to working parts: the one place that knows which implementation stands behind a seam."""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from rag.config import BUNDLED, Config, without_password
from rag.errors import IndexMismatchError, ModelError, PaperIndexError
from rag.index import MANIFEST, Index, Manifest, check_count, check_manifest, locked, read_manifest, write_manifest
from rag.order import Ordering
from rag.pipeline import Pipeline
from rag.protocols import Catalog, Embedder, Generator, PromptStyle, QuestionFit, TermIndex, Trainable
from rag.retrieve import HybridRetriever, RetrieverName
from rag.support import SupportChecker

log = logging.getLogger(__name__)

CATALOG = "papers.sqlite"
TERMS = "terms"
REBUILD_BATCH = 5000


def embedding_name(config: Config) -> str:
    """Name of the configured embedding model, without loading it."""
    from rag.adapters.embedder import BUNDLED_NAME

    return BUNDLED_NAME if config.embedding_model == BUNDLED else config.embedding_model


def build_embedder(config: Config, *, whole_tokens: bool = False, unmoved: bool = False) -> Embedder:
    """The embedding model, loaded.

    Args:
        config: Settings.
        whole_tokens: Leave token vectors as the model makes them, to fit a projection on.
        unmoved: Read questions as the model reads abstracts.

    Raises:
        ModelError: It cannot be found or loaded.
    """
    from rag.adapters.embedder import TransformersEmbedder

    return TransformersEmbedder(config.embedding_model, config.device, whole_tokens=whole_tokens, unmoved=unmoved)


def build_question_fit(config: Config) -> QuestionFit:
    """The embedding model, its reading of questions open for fitting.

    Raises:
        ModelError: It cannot be found or loaded.
    """
    from rag.adapters import question_fit
    from rag.adapters.embedder import TransformersEmbedder

    return question_fit.QuestionFit(TransformersEmbedder(config.embedding_model, "cpu", unmoved=True))


def build_generator(config: Config) -> Generator:
    """The language model with its adapter: in this process, or a client of the server that `model` addresses.

    Raises:
        ModelError: It cannot be found, loaded or reached, or the adapter is not for it.
    """
    if config.model.startswith(("http://", "https://")):
        if config.adapter not in ("auto", "none", ""):
            raise ModelError(
                f"The adapter {config.adapter!r} cannot be put into a model on a server. Load it in the server, or "
                "set --adapter to none."
            )
        from rag.adapters.server import ServerGenerator

        return ServerGenerator(config.model, config.server_model, config.server_key)
    from rag.adapters.local import LocalGenerator

    return LocalGenerator(config.model, config.device, config.cache, config.adapter)


def build_trainable(config: Config, style: PromptStyle) -> Trainable:
    """The language model without an adapter, to be trained for prompts of this style.

    Raises:
        ModelError: It is on a server, or cannot be found or loaded.
    """
    from rag.adapters.local import LocalGenerator

    if config.model.startswith(("http://", "https://")):
        raise ModelError("A model on a server cannot be trained from here. Set --model to a folder or 'bundled'.")
    generator = LocalGenerator(config.model, config.device, config.cache)
    generator.style = style
    return generator


def adapter_name(config: Config) -> str:
    """Name of the adapter in use, without loading a model; empty where there is none.

    Raises:
        ModelError: There is no such adapter, or it is for another model.
    """
    from rag.adapters import lora

    found = lora.find(config.adapter, _model_name(config))
    return found.name if found else ""


def adapter_digest(config: Config) -> str:
    """First digits of the SHA-256 of the adapter's weights, which its name does not tell; empty where there is none.

    Raises:
        ModelError: There is no such adapter, or it is for another model.
    """
    from rag.adapters import lora

    found = lora.find(config.adapter, _model_name(config))
    return sha256((found.folder / lora.WEIGHTS).read_bytes()).hexdigest()[:12] if found else ""


def _model_name(config: Config) -> str:
    from rag.adapters import bundled

    return bundled.NAME if config.model == BUNDLED else config.model.rstrip("/").rpartition("/")[2]


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
        PaperIndexError: A store is damaged, or lacks what the records say it has.
    """
    manifest = read_manifest(config.index)
    check_manifest(config.index, manifest, embedding_name(config))
    if config.chroma_url and not manifest.chroma_url:
        url = without_password(config.chroma_url)
        raise IndexMismatchError(
            f"The index in {config.index} holds its vectors itself, not on a Chroma server. Run 'paperchat reindex "
            f"--index {config.index} --chroma-url {url}' to move them, or leave --chroma-url out."
        )
    if config.chroma_url:  # the server may have moved
        manifest = replace(manifest, chroma_url=config.chroma_url)
    index = open_stores(config.index, manifest)
    index.check()
    return index


def create_index(config: Config, dimension: Callable[[], int], chunking: Callable[[], str]) -> Index:
    """The existing index, or a new empty one. `dimension` and `chunking` are called only for a new one.

    Raises:
        PaperIndexError: It cannot be opened or made.
    """
    if (config.index / MANIFEST).exists():
        return open_index(config)
    if config.index.exists() and not config.index.is_dir():
        raise PaperIndexError(f"{config.index} is a file, not a folder. Give another --index folder.")
    manifest = new_manifest(config, dimension(), chunking())  # fails before a folder is made
    try:
        config.index.mkdir(parents=True, exist_ok=True)
        (config.index / manifest.stores).mkdir(exist_ok=True)
    except OSError as error:
        raise _cannot_write(config.index, error) from error
    index = open_stores(config.index, manifest)
    try:
        write_manifest(config.index, manifest)
    except OSError as error:
        raise _cannot_write(config.index, error) from error
    return index


def new_manifest(config: Config, dimension: int, chunking: str) -> Manifest:
    """The identity of an index that does not exist yet, with stores of its own."""
    name = secrets.token_hex(4)
    return Manifest(
        embedding_model=embedding_name(config),
        dimension=dimension,
        chunking=chunking,
        stores=f"stores-{name}",
        chroma_url=config.chroma_url,
        # On a server the collections of several indexes lie side by side.
        collection=f"paperchat-{name}" if config.chroma_url else "chunks",
    )


def _cannot_write(folder: Path, error: OSError) -> PaperIndexError:
    return PaperIndexError(
        f"The index folder {folder} cannot be written ({error.strerror}). "
        "Check its permissions or give another --index folder."
    )


def open_catalog(config: Config) -> Catalog:
    """The records alone: quick, free of the vector store's import, and of any version that holds records.

    Raises:
        IndexMissingError: There is no index.
    """
    from rag.adapters.catalog import SqliteCatalog

    return SqliteCatalog(config.index / read_manifest(config.index).stores / CATALOG)


def open_stores(folder: Path, manifest: Manifest) -> Index:
    """The index of `folder` whose stores `manifest` names; they are made where they are missing.

    Raises:
        PaperIndexError: One of them cannot be opened.
    """
    from rag.adapters.catalog import SqliteCatalog
    from rag.adapters.chroma import ChromaStore

    stores = folder / manifest.stores
    vectors = ChromaStore(manifest.collection, stores / "chroma", manifest.chroma_url)
    catalog = SqliteCatalog(stores / CATALOG)
    return Index(folder, manifest, vectors, _open_terms(folder, stores, catalog), catalog)


def _open_terms(folder: Path, stores: Path, catalog: Catalog) -> TermIndex:
    """The term index; one that is damaged or lacks papers is built again from the records.

    Raises:
        PaperIndexError: It cannot be built, or another process is writing.
    """
    from rag.adapters.lexical import TantivyIndex

    def opened() -> TermIndex:
        terms = TantivyIndex(stores / TERMS)
        check_count(terms.count, lambda: catalog.counts().papers, f"The term index in {stores / TERMS}")
        return terms

    try:
        return opened()
    except PaperIndexError as error:
        log.warning("building the term index again from the records: %s", error)
    with locked(folder):
        with suppress(PaperIndexError):  # another process has built it meanwhile
            return opened()
        new = stores / f"{TERMS}.new"
        shutil.rmtree(new, ignore_errors=True)
        terms = TantivyIndex(new)
        papers = catalog.papers()
        while part := list(islice(papers, REBUILD_BATCH)):
            terms.upsert(part)
        shutil.rmtree(stores / TERMS, ignore_errors=True)
        new.rename(stores / TERMS)
        return opened()


def remove_stores(folder: Path, manifest: Manifest) -> None:
    """Deletes the stores that `manifest` names, on a Chroma server too."""
    if manifest.chroma_url:
        from rag.adapters.chroma import ChromaStore

        ChromaStore(manifest.collection, folder, manifest.chroma_url).drop()
    if manifest.stores:
        shutil.rmtree(folder / manifest.stores, ignore_errors=True)
        return
    # Format 1 kept its stores beside the manifest.
    for name in ("chroma", "terms"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in folder.glob(f"{CATALOG}*"):
        path.unlink(missing_ok=True)


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
    return Pipeline(config, index, embedder, build_retriever(config, index, embedder, use), generator)


def build_retriever(config: Config, index: Index, embedder: Embedder, use: RetrieverName = "hybrid") -> HybridRetriever:
    """Retrieval as configured, before papers are reranked by their evidence."""
    return HybridRetriever(index, embedder, candidates=config.candidates, dense_weight=config.dense_weight, use=use)


def llama_index_retriever(config: Config, pipeline: Pipeline | None = None) -> Any:
    """Our retrieval as a LlamaIndex `BaseRetriever`; `pipeline` shares what is loaded already."""
    from rag.adapters.llama_index import PaperchatRetriever

    return PaperchatRetriever(pipeline or build_pipeline(config, generate=False), config.k)


def llama_index_reorder(ordering: Ordering = "reorder") -> Any:
    """The paper's order as a LlamaIndex `BaseNodePostprocessor`."""
    from rag.adapters.llama_index import PaperchatReorder

    return PaperchatReorder(ordering=ordering)


def llama_index_chat_engine(config: Config, pipeline: Pipeline | None = None) -> Any:
    """The whole pipeline as a LlamaIndex chat engine, one a conversation; `pipeline` may be shared by many."""
    from rag.adapters.llama_index import PaperchatChatEngine

    return PaperchatChatEngine(pipeline or build_pipeline(config))
