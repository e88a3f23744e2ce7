"""Pairs of a claim and the abstract that does or does not carry it, for training and for testing the support check.

    python -m eval.support_data --data ../shared/data --output generated.jsonl

makes training pairs out of abstracts by controlled changes. They hold sentences of abstracts, so they are made
where they are needed and never committed. Written pairs (`eval/support_pairs/`) hold claims in the authors' own
words and name their abstract by its id only.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from eval.answers import read_jsonl
from eval.support_changes import FALSE, TRUE, compress, entity, third_person
from rag.errors import UsageError
from rag.text import sentence_spans, terms

WRITTEN = Path(__file__).parent / "support_pairs"
# Fields of the test pairs: no generated pair comes from them.
TEST_VENUES = frozenset(f"arXiv cs.{field}" for field in "CR CY HC NI RO SD SE".split())
# Of the generated pairs.
TRUE_SHARE = 0.4
CORPORA = ("arxiv_cs", "pubmedqa", "scitldr")
DATA = Path(__file__).parent.parent.parent / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim about an abstract.

    Attributes:
        id: Of the pair.
        paper: Id of the abstract.
        title: Its title, or empty.
        evidence: The abstract.
        claim: The sentence to be checked.
        kind: How the claim came about: a way of saying the same, or of saying something else.
        supported: Does the abstract say it?
    """

    id: str
    paper: str
    title: str
    evidence: str
    claim: str
    kind: str
    supported: bool


def written(name: str, data: Path = DATA) -> list[Pair]:
    """The pairs of `eval/support_pairs/NAME.jsonl` with their abstracts.

    Raises:
        UsageError: The abstracts are not under `data`.
    """
    rows = read_jsonl(WRITTEN / f"{name}.jsonl")
    papers = _papers(data, {row["paper"] for row in rows})
    return [
        Pair(
            row["id"], row["paper"], papers[row["paper"]]["title"], papers[row["paper"]]["text"], row["claim"],
            row["kind"], row["supported"],
        )
        for row in rows
    ]  # fmt: skip


def scifact(data: Path = DATA, longest: int = 220) -> list[Pair]:
    """SciFact's training claims (Wadden et al. 2020), each against every short abstract it cites."""
    documents = {str(row["_id"]): row for row in read_jsonl(data / "scifact" / "corpus.jsonl")}
    pairs = []
    for row in read_jsonl(data / "scifact" / "queries.jsonl"):
        for paper in row["cited_doc_ids"] if row["split"] == "train" else ():
            found = documents.get(paper)
            if found is None or len(found["text"].split()) > longest:
                continue
            label = row["evidence"].get(paper, {}).get("label", "NOT_ENOUGH_INFO")
            name, kind = f"scifact-{row['_id']}-{paper}", label.lower()
            pairs.append(Pair(name, paper, found["title"], found["text"], row["text"], kind, label == "SUPPORT"))
    return pairs


def generated(data: Path = DATA, per_corpus: int = 200, each: int = 2, seed: int = 0) -> list[Pair]:
    """Training pairs by controlled changes of real sentences.

    True and false ones are reworded alike, so that a synonym tells nothing.

    Args:
        data: Folder of the shared data sets.
        per_corpus: Abstracts from each.
        each: Pairs from each abstract.
        seed: Of the generator.
    """
    rng = random.Random(seed)
    held = {row["paper"] for path in WRITTEN.glob("*.jsonl") for row in read_jsonl(path)}
    pairs: list[Pair] = []
    made: Counter[str] = Counter()
    for corpus in CORPORA:
        papers = _draw(data / corpus, per_corpus, held)
        spoken = {p["_id"]: {text: set(terms(text)) for text in _sentences(p["text"])} for p in papers}
        for paper in papers:
            sentences, near = list(spoken[paper["_id"]]), _nearest(paper["_id"], spoken)
            found = (_pair(paper, sentences, near, made, rng) for _ in range(each))
            pairs += [pair for pair in found if pair]
    return list({pair.claim: pair for pair in pairs}.values())


def _pair(
    paper: Mapping[str, Any],
    sentences: Sequence[str],
    near: Sequence[str],
    made: Counter[str],
    rng: random.Random,
) -> Pair | None:
    """One more pair on a paper; of the ways to be false, those come first that are rarest so far."""
    if rng.random() < TRUE_SHARE:
        kind, changed = _true(sentences, rng)
    elif found := _false(sentences, near, made, rng):
        kind, changed = found
    else:
        return None
    supported = kind in ("reworded", "merged")
    for change in TRUE:
        if rng.random() < 0.6:
            changed = change(changed, rng)
    if len(terms(changed)) < 4 or (not supported and changed in paper["text"]):
        return None
    made[kind] += 1
    return Pair(f"g{made.total():05d}", paper["_id"], paper["title"], paper["text"], changed, kind, supported)


def _true(sentences: Sequence[str], rng: random.Random) -> tuple[str, str]:
    text = rng.choice(sentences)
    others = [sentence for sentence in sentences if sentence != text]
    if others and rng.random() < 0.2:
        other = third_person(compress(rng.choice(others), rng), rng)
        return "merged", f"{compress(text, rng).rstrip('.')}, and {other}"
    return "reworded", text


def _false(
    sentences: Sequence[str], near: Sequence[str], made: Counter[str], rng: random.Random
) -> tuple[str, str] | None:
    for kind in sorted([*FALSE, "entity", "unstated"], key=lambda name: (made[name], rng.random())):
        if kind == "unstated":
            return kind, rng.choice(near)
        change = entity(near) if kind == "entity" else FALSE[kind]
        for text in rng.sample(list(sentences), len(sentences)):
            if changed := change(text, rng):
                return kind, changed
    return None


def _nearest(paper: str, spoken: Mapping[str, Mapping[str, set[str]]], count: int = 5) -> list[str]:
    """The sentences of other abstracts that share most words with this one: plausible here, but not said."""
    mine: set[str] = set().union(*spoken[paper].values())
    others = [(text, held) for name, texts in spoken.items() if name != paper for text, held in texts.items()]
    ranked = sorted(others, key=lambda other: -len(mine & other[1]) / (8 + len(other[1])))
    return [text for text, _ in ranked[:count]]


def _sentences(text: str) -> list[str]:
    return [text[a:b] for a, b in sentence_spans(text) if 8 <= len(text[a:b].split()) <= 45]


def _draw(folder: Path, count: int, without: Collection[str]) -> list[dict[str, Any]]:
    """The first by hash, so that every field and year is among them."""
    kept = (
        row
        for row in _rows(folder)
        if row["_id"] not in without
        and row.get("venue") not in TEST_VENUES
        and 60 <= len(row["text"].split()) <= 180
        and len(_sentences(row["text"])) >= 3
    )
    return sorted(kept, key=lambda row: hashlib.sha256(f"support {row['_id']}".encode()).digest())[:count]


def _papers(data: Path, wanted: Collection[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for corpus in ("arxiv_cs", "pubmedqa"):
        if len(found) < len(wanted):
            found |= {row["_id"]: row for row in _rows(data / corpus) if row["_id"] in wanted}
    if missing := sorted(set(wanted) - set(found)):
        raise UsageError(f"{data} lacks {len(missing)} of the abstracts, {missing[0]} first. Give --data the folder.")
    return found


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    packed = folder / "corpus.jsonl.gz"
    try:
        with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else _plain(folder) as lines:
            for line in lines:
                yield json.loads(line)
    except OSError as error:
        raise UsageError(f"{folder} cannot be read ({error.strerror}). Give --data the folder of data sets.") from error


def _plain(folder: Path) -> TextIO:
    return (folder / "corpus.jsonl").open(encoding="utf-8")


def main() -> None:
    """Writes generated pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with arguments.output.open("w", encoding="utf-8") as lines:
        for pair in generated(arguments.data, seed=arguments.seed):
            lines.write(json.dumps(asdict(pair), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
