"""Questions into examples: the prompt the reader would really see, and the answer it should have written.

Retrieval, evidence and prompt are those of `rag.pipeline`. What is changed on the way: gold sentences that were not
found are put in for the weakest others, and the number of sentences varies, because a reader trained on one number
reads others worse (Jin et al., section 5).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rag import prompt, reasoning
from rag.errors import UsageError
from rag.evidence import PaperEvidence
from rag.injection import statement_spans
from rag.order import Ordering, prompt_order
from rag.pipeline import Pipeline, Search
from rag.protocols import PromptStyle
from rag.rerank import DEPTH
from rag.retrieve import RetrieverName
from rag.tuning.examples import Example
from rag.tuning.questions import Item, Place
from rag.types import Chunk, Context, Evidence, NumberedPassage, ScoredPassage

Negatives = Literal["mixed", "hybrid", "lexical", "dense", "random"]
Method = Literal["implicit", "reasoning"]
Targets = Literal["written", "quoted", "self"]
MIX: tuple[RetrieverName, ...] = ("hybrid", "lexical", "dense")
# What a reader that is able to shall say where no passage answers.
ABSTAIN = "The passages do not say."
RANDOM_PAPERS = 8

Scored = tuple[ScoredPassage, Evidence]


@dataclass(frozen=True, slots=True)
class Plan:
    """How examples are made.

    Attributes:
        method: `implicit`: the answer alone; `reasoning`: first which passages matter.
        targets: `written` answers where there are some, the evidence `quoted`, or `self`: what the model
            writes of its own where that is right, else the written answer (`rag.tuning.own_words`).
        negatives: Where passages that do not answer come from; `mixed`: each of our retrievers in turn.
        passages: Evidence sentences in a prompt; one of these numbers is drawn for each example.
        abstain: Unanswerable questions are trained on, too.
        style: The prompt.
        ordering: Of papers in the prompt.
        seed: Of everything that is drawn.
    """

    method: Method = "implicit"
    targets: Targets = "written"
    negatives: Negatives = "mixed"
    passages: tuple[int, ...] = (1, 3, 5)
    abstain: bool = False
    style: PromptStyle = PromptStyle(example=False)
    ordering: Ordering = "auto"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Questions that became no example, and targets that the model wrote itself."""

    unanswerable: int = 0
    not_in_index: int = 0
    self_written: int = 0


def prepare(
    items: Sequence[Item],
    pipelines: Mapping[RetrieverName, Pipeline],
    plan: Plan,
    bar: Callable[[Iterable[Item]], Iterable[Item]] = iter,
) -> tuple[list[Example], Skipped]:
    """An example for every question that can be one.

    Args:
        items: The questions.
        pipelines: By retriever (`MIX`), over the index that holds the gold papers.
        plan: How.
        bar: Wraps the loop in a progress bar.

    Raises:
        UsageError: The index holds none of the gold papers.
    """
    examples, unanswerable, missing = [], 0, 0
    for item in bar(items):
        if not item.answer and not plan.abstain:
            unanswerable += 1
            continue
        rng = random.Random(f"{plan.seed}\0{item.id}")
        found = _found(item, pipelines, plan, rng)
        gold = _gold(item, pipelines["hybrid"], found)
        if gold is None:
            missing += 1
            continue
        examples.append(_example(item, found, gold, pipelines, plan, rng))
    if missing and not examples:
        raise UsageError(
            f"The index holds the gold papers of none of the {missing} questions. Ingest the papers that the "
            "questions were written over, or give their --index."
        )
    if not examples:
        raise UsageError("None of the questions has an answer to train on. Add some, or --abstain for refusals.")
    return examples, Skipped(unanswerable, missing)


def _found(item: Item, pipelines: Mapping[RetrieverName, Pipeline], plan: Plan, rng: random.Random) -> Search:
    # The number is drawn in every case, so that the other draws do not depend on the negatives.
    drawn = rng.choice(MIX)
    use = "hybrid" if plan.negatives == "random" else drawn if plan.negatives == "mixed" else plan.negatives
    text = pipelines["hybrid"].standalone(item.question, item.history)
    return pipelines[use].search(text, DEPTH)


def _gold(item: Item, pipeline: Pipeline, found: Search) -> dict[Place, Scored] | None:
    """The gold sentences with the passages they are of; `None` where the index lacks one."""
    wanted = list(dict.fromkeys(paper_id for paper_id, _ in item.places))
    ranked = {passage.paper.id: passage for passage in found.ranked}
    records = pipeline.index.catalog.get([paper_id for paper_id in wanted if paper_id not in ranked])
    # A paper that was not found ranks behind those that were.
    for rank, (paper, _) in enumerate(records.values(), start=len(found.ranked) + 1):
        ranked[paper.id] = ScoredPassage(Chunk(paper, 0, len(paper.abstract)), 0.0, rank)
    if any(paper_id not in ranked for paper_id in wanted):
        return None
    unscored = [ranked[paper_id] for paper_id in wanted if paper_id not in found.evidence]
    evidence = found.evidence | _scored(pipeline, found, unscored)
    gold: dict[Place, Scored] = {}
    for paper_id, sentence in item.places:
        passage = ranked[paper_id]
        spans = statement_spans(passage.paper.abstract)
        if not 0 <= sentence < len(spans):
            return None
        scored = {e.start: e for e in evidence[paper_id].sentences}
        gold[paper_id, sentence] = passage, scored[spans[sentence][0]]
    return gold


def _scored(pipeline: Pipeline, found: Search, passages: Sequence[ScoredPassage]) -> dict[str, PaperEvidence]:
    return pipeline.evidence.of(found.question, passages) if passages else {}


def _example(
    item: Item,
    found: Search,
    gold: Mapping[Place, Scored],
    pipelines: Mapping[RetrieverName, Pipeline],
    plan: Plan,
    rng: random.Random,
) -> Example:
    count = rng.choice(plan.passages)
    others = _others(item, found, pipelines["hybrid"], plan, rng)
    gold_spans = {(passage.paper.id, e.start) for passage, e in gold.values()}
    chosen = list(gold.values())
    for passage, evidence in others:
        if len(chosen) < count and (passage.paper.id, evidence.start) not in gold_spans:
            chosen.append((passage, evidence))
    context = numbered(found.question.text, chosen, plan.ordering)
    numbers = {passage.paper.id: passage.number for passage in context.passages}
    answering = tuple(sorted({numbers[paper_id] for paper_id, _ in item.places}))
    return Example(
        item.id,
        item.kind,
        context,
        answering,
        tuple(prompt.messages(context, len(chosen), plan.style)),
        _target(item, gold, numbers, context, answering, plan),
        plan.style,
    )


def _others(item: Item, found: Search, pipeline: Pipeline, plan: Plan, rng: random.Random) -> list[Scored]:
    """Sentences that may stand beside the gold ones, the likeliest to be read first."""
    if plan.negatives == "random":
        ids = rng.sample(_ids(pipeline), min(RANDOM_PAPERS, len(_ids(pipeline))))
        records = pipeline.index.catalog.get([i for i in ids if i not in item.gold])
        passages = [
            ScoredPassage(Chunk(paper, 0, len(paper.abstract)), 0.0, len(found.ranked) + rank)
            for rank, (paper, _) in enumerate(records.values(), start=1)
        ]
        scored = _scored(pipeline, found, passages)
        pairs = [(p, scored[p.paper.id].best) for p in passages if p.paper.id in scored]
    else:
        context = pipeline.context(found)
        pairs = [(passage.passage, e) for passage in context.passages for e in passage.evidence]
        # Beyond what the reader would be given, each further paper's best sentence.
        given = {passage.paper.id for passage in context.passages}
        rest = [p for p in found.ranked if p.paper.id in found.evidence and p.paper.id not in given]
        pairs.sort(key=lambda pair: -pair[1].score)
        pairs += [(p, found.evidence[p.paper.id].best) for p in rest]
    # An unanswerable question's near miss stays; so do other sentences of a gold paper, the hardest of all.
    return pairs


def _ids(pipeline: Pipeline) -> list[str]:
    from rag.filters import NONE

    return sorted(pipeline.index.catalog.matching(NONE))


def numbered(text: str, chosen: Sequence[Scored], ordering: Ordering) -> Context:
    """A context of exactly these sentences, its papers numbered by rank."""
    passages = {passage.paper.id: passage for passage, _ in chosen}
    ranked = sorted(passages.values(), key=lambda passage: passage.rank)
    positions = {p.paper.id: place for place, p in enumerate(prompt_order(ranked, ordering), start=1)}
    return Context(
        text,
        tuple(
            NumberedPassage(
                number,
                replace(passage, rank=number),
                tuple(sorted((e for p, e in chosen if p.paper.id == passage.paper.id), key=lambda e: e.start)),
                positions[passage.paper.id],
            )
            for number, passage in enumerate(ranked, start=1)
        ),
    )


def _target(
    item: Item,
    gold: Mapping[Place, Scored],
    numbers: Mapping[str, int],
    context: Context,
    answering: Sequence[int],
    plan: Plan,
) -> str:
    lines = []
    for stated in item.answer:
        cited = list(dict.fromkeys(numbers[paper_id] for paper_id, _ in stated.evidence))
        marks = "".join(f"[{number}]" for number in cited)
        if plan.targets == "quoted" or not stated.text:
            quoted = [(gold[place][1].text, numbers[place[0]]) for place in stated.evidence]
            lines += [f"{prompt.line(text, context.by_number())} [{number}]" for text, number in quoted]
        else:
            lines.append(f"{prompt.line(stated.text, context.by_number())} {marks}")
    answer = " ".join(dict.fromkeys(lines)) or ABSTAIN
    if plan.method == "reasoning":
        return f"{reasoning.reason(context, answering)}\n{reasoning.ANSWER} {answer}"
    return answer
