"""`paperchat search`: one query to the screen, many to a TREC run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from rag import build, trec
from rag.asked import nothing_meets
from rag.config import Config
from rag.errors import UsageError
from rag.filters import Filters
from rag.pipeline import Pipeline
from rag.retrieve import RetrieverName
from rag.serialize import passage_to_dict
from ui.printing import print_filters, print_json, say


def _pipeline(config: Config, retriever: str) -> Pipeline:
    if retriever not in ("hybrid", "dense", "lexical"):
        raise UsageError(f"Unknown retriever {retriever!r}. Choose one of hybrid, dense, lexical.")
    return build.build_pipeline(config, generate=False, use=cast(RetrieverName, retriever))


def run(config: Config, query: str, k: int, retriever: str, filters: Filters | None, as_json: bool) -> None:
    """Prints ranked papers with the sentence that bears most on the query."""
    pipeline = _pipeline(config, retriever)
    found = pipeline.search(query, k, filters)
    rows = []
    for passage in found.ranked:
        evidence = found.evidence.get(passage.paper.id)
        rows.append(passage_to_dict(passage, evidence.best.text if evidence else ""))
    if as_json:
        print_json(rows)
        return
    print_filters(found.filters)
    if nothing := nothing_meets(found.filters, pipeline.index):
        say(nothing.message)
    for row in rows:
        ranks = f"meaning {row['dense_rank'] or '–'}, words {row['lexical_rank'] or '–'}"
        say(f"{row['rank']:>3}. {row['title']}  ({ranks})\n     {row['best_sentence']}")


def run_file(
    config: Config, queries: Path, output: Path, k: int, retriever: str, filters: Filters | None, as_json: bool
) -> None:
    """Writes a TREC run; the run appears under its name only when it is complete."""
    from tqdm import tqdm

    asked = list(_queries(queries))
    pipeline = _pipeline(config, retriever)
    rankings = (
        (query_id, trec.descending([(p.paper.id, p.score) for p in pipeline.search(text, k, filters).ranked]).items())
        for query_id, text in tqdm(asked, desc="Searching", unit="query")
    )
    trec.write_run(output, rankings, "paperchat")
    if as_json:
        print_json({"queries": len(asked), "output": str(output)})


def _queries(path: Path) -> Iterator[tuple[str, str]]:
    number = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                number += 1  # the error below names it
                if line.strip():
                    query = json.loads(line)
                    yield str(query["_id"]), str(query["text"])
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f'{path}, line {number}: not a query ({error}). A line looks like {{"_id": "1", "text": "..."}}.'
        ) from error
