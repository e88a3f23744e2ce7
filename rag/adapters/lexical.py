"""BM25 over title and abstract with tantivy: incremental, on disk, committed atomically."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.adapters.native import is_panic
from rag.errors import PaperIndexError
from rag.text import searchable
from rag.types import Paper

ANALYZER = "abstracts"
WRITER_BYTES = 64 * 1024 * 1024
# A question of 100,000 characters is cut here; BM25 gains nothing from more distinct terms.
MAX_QUERY_TERMS = 256
# As tantivy has it: how soon a term's repetition stops to count.
K1 = 1.2


class TantivyIndex:
    """One document a paper, ranked by one text field: a title word counts as an abstract word.

    The title has a field of its own, which only finds papers by their titles.
    """

    def __init__(self, folder: Path) -> None:
        """Opens or creates the index in `folder`.

        Raises:
            PaperIndexError: The files are damaged or cannot be written.
        """
        import tantivy

        self._tantivy: Any = tantivy
        schema = (
            tantivy.SchemaBuilder()
            .add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
            .add_text_field("text", stored=False, tokenizer_name=ANALYZER, index_option="freq")
            .add_text_field("title", stored=False, tokenizer_name=ANALYZER, index_option="basic")
            .build()
        )
        self._analyzer: Any = (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(60))
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.stopword("english"))
            .filter(tantivy.Filter.stemmer("english"))
            .build()
        )
        self._folder = folder
        with self._errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._index: Any = tantivy.Index(schema, path=str(folder))
        self._index.register_tokenizer(ANALYZER, self._analyzer)

    def upsert(self, papers: Sequence[Paper]) -> None:
        """Adds or replaces papers in one commit."""
        with self._writer() as writer:
            for paper in papers:
                writer.delete_documents_by_term("id", paper.id)
                text = searchable(f"{paper.title} {paper.abstract}")
                writer.add_document(self._tantivy.Document(id=paper.id, text=text, title=searchable(paper.title)))

    def delete(self, paper_ids: Sequence[str]) -> None:
        """Removes papers in one commit."""
        with self._writer() as writer:
            for paper_id in paper_ids:
                writer.delete_documents_by_term("id", paper_id)

    @contextmanager
    def _writer(self) -> Iterator[Any]:
        with self._errors():
            writer = self._index.writer(WRITER_BYTES, 1)
            yield writer
            writer.commit()
            writer.wait_merging_threads()
            self._index.reload()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not (isinstance(error, ValueError | OSError) or is_panic(error)):
                raise
            raise PaperIndexError(
                f"The term index in {self._folder} cannot be used ({error}). Check the disk and the permissions; if it "
                "is damaged, it is built again from the records when the program starts anew."
            ) from error

    def query(self, text: str, k: int, among: Sequence[str] | None = None) -> list[tuple[str, float]]:
        """The `k` best as (paper id, BM25 score), best first; of the papers `among` only.

        Scores do not depend on `among`: rarity is that in the whole collection.
        """
        terms = self._terms(text)
        if not terms or k < 1 or (among is not None and not among):
            return []
        tantivy = self._tantivy
        query = tantivy.Query.boolean_query([(tantivy.Occur.Should, self._term("text", term)) for term in terms])
        if among is not None:
            one_of = tantivy.Query.term_set_query(self._index.schema, "id", list(among))
            within = tantivy.Query.const_score_query(one_of, 0.0)
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, within)])
        return self._hits(query, k)

    def holding(self, text: str, *, title: bool = False) -> list[str]:
        """Ids of all papers whose title or abstract (or `title`) holds every term of `text`, in any order."""
        tantivy = self._tantivy
        must = [(tantivy.Occur.Must, self._term("title" if title else "text", term)) for term in self._terms(text)]
        if not must:
            return []
        query = tantivy.Query.const_score_query(tantivy.Query.boolean_query(must), 0.0)
        return [paper_id for paper_id, _ in self._hits(query, max(1, self.count()))]

    def _term(self, field: str, term: str) -> Any:
        option = "freq" if field == "text" else "basic"
        return self._tantivy.Query.term_query(self._index.schema, field, term, index_option=option)

    def _hits(self, query: Any, k: int) -> list[tuple[str, float]]:
        with self._errors():
            searcher = self._index.searcher()
            hits = searcher.search(query, k, count=False).hits
            return [(searcher.doc(address).get_first("id"), float(score)) for score, address in hits]

    def document_frequency(self, text: str) -> list[tuple[str, int]]:
        """Distinct terms of `text` as indexed, with the number of papers that hold each."""
        with self._errors():
            searcher = self._index.searcher()
            return [(term, searcher.doc_freq("text", term)) for term in self._terms(text)]

    def highest(self, text: str) -> float:
        """The BM25 score that no document exceeds for `text`: every term it has in the collection, without end."""
        papers = self.count()
        held = (count for _, count in self.document_frequency(text) if count)
        return (K1 + 1) * sum(math.log(1 + (papers - count + 0.5) / (count + 0.5)) for count in held)

    def count(self) -> int:
        """Number of papers."""
        with self._errors():
            return int(self._index.searcher().num_docs)

    def _terms(self, text: str) -> list[str]:
        return list(dict.fromkeys(self._analyzer.analyze(searchable(text))))[:MAX_QUERY_TERMS]
