"""Questions that a collection answers and questions that it does not, and what becomes of them.

Unanswerable questions come from three places: questions written as such (`gold` empty, a query labelled
`unanswerable`, a file of them), and questions whose gold papers are left out of the index while they are asked.
The last kind makes a refusal test of any collection with judgements, and a hard one: what is left is the nearest
there is. Another paper may then answer it all the same, which no one has judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from eval import datasets
from eval.answers import folded, gold_of, is_gold, read_jsonl
from eval.datasets import Progress
from eval.selective import Decision
from eval.trec import numbered_lines
from rag.batch import turns
from rag.config import Config
from rag.errors import UsageError
from rag.index import Index
from rag.pipeline import Pipeline
from rag.protocols import Catalog, TermIndex, VectorStore
from rag.types import Answer, Turn

NEVER = -1.0
"""A threshold below every score: everything is answered that no rule refuses. The score of what no rule answers."""
ALWAYS = 2.0
"""The score of what is told from the records (counts, dates, authors), whatever the threshold: the highest one."""


@dataclass(frozen=True)
class Case:
    """A question to ask.

    Attributes:
        id: Its own.
        group: The question it was made from.
        kind: For tables.
        text: The question.
        gold: Ids or titles of papers that answer it; empty: unanswerable.
        history: Earlier turns.
        left_out: Ids or titles of papers that are not there while it is asked.
    """

    id: str
    group: str
    kind: str
    text: str
    gold: frozenset[str]
    history: tuple[Turn, ...] = ()
    left_out: frozenset[str] = frozenset()


def from_questions(path: Path) -> list[Case]:
    """Cases of a question file (`id`, `question`, `gold`, perhaps `kind` and `history`).

    Raises:
        UsageError: It cannot be read, or a line is no such question.
    """
    cases = []
    for number, row in enumerate(read_jsonl(path), start=1):
        try:
            name = str(row.get("id", number))
            asked, history = str(row["question"]), turns(row.get("history") or [])
            cases.append(Case(name, name, str(row.get("kind", "")), asked, gold_of(row), history))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                f'{path}, question {number}: it lacks something ({error}). It needs "question" and "gold", a list of '
                "paper ids or titles, empty where no paper answers."
            ) from error
    return cases


def from_beir(folder: Path, split: str | None, progress: Progress, cache: Path) -> tuple[list[Case], Path]:
    """Cases of a BEIR folder, and its corpus: judged queries, and those labelled `unanswerable`.

    Raises:
        UsageError: There is no such folder or split.
        SourceError: A file is not in its format.
    """
    dataset = datasets.load(str(folder), split, cache, progress)
    assert dataset.corpus is not None
    gold = {q: frozenset(d for d, v in judged.items() if v > 0) for q, judged in dataset.qrels.items()}
    cases = [Case(q, q, "answerable", text, gold[q]) for q, text in dataset.queries.items() if gold[q]]
    rows = (json.loads(line) for _, line in numbered_lines(datasets.beir_file(folder, "queries")))
    labelled = [(str(row["_id"]), row["text"]) for row in rows if row.get("label") == datasets.UNANSWERABLE]
    cases += [Case(q, q, "unanswerable", text, frozenset()) for q, text in labelled if not gold.get(q)]
    return cases, dataset.corpus


def unanswerable(path: Path) -> list[Case]:
    """Cases of a JSON lines file of questions (`text` or `question`) that no paper of the collection answers.

    Raises:
        UsageError: It cannot be read, or a line has neither.
    """
    cases = []
    for number, row in enumerate(read_jsonl(path), start=1):
        text = row.get("question", row.get("text"))
        if not isinstance(text, str):
            raise UsageError(f'{path}, question {number}: it has neither "question" nor "text". Give it one.')
        name = f"{path.stem}-{row.get('_id', row.get('id', number))}"
        cases.append(Case(name, name, path.stem, text, frozenset()))
    return cases


def without_gold(cases: Sequence[Case]) -> list[Case]:
    """Each answerable case once more, its gold papers left out."""
    return [
        replace(case, id=f"{case.id} without gold", kind="gold left out", gold=frozenset(), left_out=case.gold)
        for case in cases
        if case.gold
    ]


def sampled(cases: Sequence[Case], count: int) -> list[Case]:
    """`count` of the answerable ones and `count` of the others, drawn by hash of their ids; in their order."""
    chosen: set[str] = set()
    for answerable in (True, False):
        ids = sorted((case.id for case in cases if bool(case.gold) is answerable), key=datasets.hashed)
        chosen.update(ids[:count])
    return [case for case in cases if case.id in chosen]


# --- an index with papers left out --------------------------------------------------------------


class _Store:
    """A store of an index, seen without some papers; everything else of it is as it was."""

    def __init__(self, store: Any, hidden: _Hidden) -> None:
        self._store = store
        self._hidden = hidden

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@dataclass
class _Hidden:
    papers: frozenset[str] = frozenset()
    chunks: int = 0


class _Vectors(_Store):
    def query(self, vector: Any, k: int, *more: Any, **named: Any) -> list[tuple[str, str, float]]:
        hits = self._store.query(vector, k + self._hidden.chunks, *more, **named)
        return [hit for hit in hits if hit[1] not in self._hidden.papers][:k]


class _Terms(_Store):
    def query(self, text: str, k: int, *more: Any, **named: Any) -> list[tuple[str, float]]:
        hits = self._store.query(text, k + len(self._hidden.papers), *more, **named)
        return [hit for hit in hits if hit[0] not in self._hidden.papers][:k]


class _Catalog(_Store):
    def get(self, paper_ids: Sequence[str], *more: Any, **named: Any) -> dict[str, Any]:
        known = [paper_id for paper_id in paper_ids if paper_id not in self._hidden.papers]
        found: dict[str, Any] = self._store.get(known, *more, **named)
        return found


class PartialIndex(Index):
    """An index from which papers can be left out for a while; nothing is written.

    They are found neither by meaning nor by words. Only how rare a word is still counts them.
    """

    def __init__(self, index: Index) -> None:
        self._whole = index
        self._hidden = _Hidden()
        stores = (index.vectors, index.terms, index.catalog)
        vectors, terms, catalog = (kind(s, self._hidden) for kind, s in zip(_KINDS, stores, strict=True))
        super().__init__(
            index.folder,
            index.manifest,
            cast(VectorStore, vectors),
            cast(TermIndex, terms),
            cast(Catalog, catalog),
        )

    @contextmanager
    def without(self, paper_ids: Iterable[str]) -> Iterator[None]:
        """Leaves papers out while the block runs."""
        hidden = frozenset(paper_ids)
        records = self._whole.catalog.get(sorted(hidden))
        self._hidden.papers, self._hidden.chunks = hidden, sum(len(chunks) for _, chunks in records.values())
        try:
            yield
        finally:
            self._hidden.papers, self._hidden.chunks = frozenset(), 0


_KINDS = (_Vectors, _Terms, _Catalog)


# --- asking -------------------------------------------------------------------------------------


def decided(
    cases: Sequence[Case], index: PartialIndex, pipeline: Pipeline, threshold: float, progress: Progress
) -> list[Decision]:
    """Asks every case and tells what the threshold makes of it.

    Args:
        cases: What to ask.
        index: What `pipeline` searches.
        pipeline: It refuses by rule only (`refuse_below` = `NEVER`), so that every question has an answer to judge.
        threshold: Below it, a question counts as refused.
        progress: See `eval.datasets`.

    Raises:
        UsageError: A gold paper that is to be left out is not in the index.
        GenerationError: The model failed.
    """
    ids = _ids_of(index, {name for case in cases for name in case.left_out})
    decisions = []
    for case in progress("Asking", cases, len(cases)):
        with index.without(paper_id for name in case.left_out for paper_id in ids[name]):
            answer = pipeline.ask(case.text, case.history)
        by_rule = answer.refusal is not None  # no threshold did it
        recorded = any(sentence.recorded for sentence in answer.sentences)
        score = NEVER if by_rule else ALWAYS if recorded else answer.coverage
        decisions.append(
            Decision(
                case.id,
                case.group,
                case.kind,
                is_answerable=bool(case.gold),
                score=score,
                is_refused=by_rule or score < threshold,
                by_rule=by_rule,
                is_right=_cites(answer, case.gold),
            )
        )
    return decisions


def forced(config: Config) -> Config:
    """The same settings for a pipeline that answers whatever no rule refuses."""
    return replace(config, refuse_below=NEVER)


def _cites(answer: Answer, gold: frozenset[str]) -> bool:
    return any(is_gold(p.paper.id, p.paper.title, gold) for p in answer.cited)


def _ids_of(index: Index, wanted: set[str]) -> Mapping[str, list[str]]:
    """Ids of the papers with each of these ids or titles."""
    found: dict[str, list[str]] = {name: [] for name in wanted}
    if not wanted:
        return found
    titles: dict[str, set[str]] = {}
    for name in wanted:
        titles.setdefault(folded(name), set()).add(name)
    for paper in index.catalog.papers():
        for name in ({paper.id} & wanted) | titles.get(folded(paper.title), set()):
            found[name].append(paper.id)
    missing = sorted(name for name, papers in found.items() if not papers)
    if missing:
        raise UsageError(
            f"{len(missing)} gold papers are not in the index {index.folder}, as {missing[0]!r}. "
            "Give the --index that the questions were written over."
        )
    return found
