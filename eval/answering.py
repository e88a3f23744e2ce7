"""`eval answers`: asks, or takes answers made earlier, scores them and writes the report folder."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval import indexes, question_files
from eval.alce import Checker, Entails
from eval.answers import Answer, evaluate, folded, gold_of, read_jsonl, table
from eval.datasets import beir_file
from eval.selective import Decision, measure
from rag import batch, build
from rag.config import Config, settings, without_password
from rag.errors import IndexMissingError, UsageError
from rag.files import whole_text

ASKED = "asked.json"
"""What the answers in a report folder were made with, so that others are not added to them."""
ANSWERS = "answers.jsonl"
QUESTIONS = "questions.jsonl"
# Settings that change no answer; those of the server and all secrets are left out as well.
IRRELEVANT = frozenset({"host", "port", "cache", "device", "log_format"})
REFUSALS = ("precision", "recall", "f1", "wrong_refusals")


@dataclass(frozen=True)
class Options:
    """What is to be measured.

    Attributes:
        questions: JSON lines with `id`, `kind`, `question`, `history`, `gold` and `facts`, or a BEIR folder.
        report: Folder to write.
        answers: Made earlier by `paperchat ask --input`; `None`: ask now.
        generate: The language model writes; else the abstracts are quoted.
        citations: Measure citation recall and precision, which needs the embedding model.
        fresh: Ask again although the folder holds answers.
        own_index: The index of the settings is asked, also where the questions are a folder with a corpus.
    """

    questions: Path
    report: Path
    answers: Path | None = None
    generate: bool = True
    citations: bool = True
    fresh: bool = False
    own_index: bool = False


def run(options: Options, config: Config) -> dict[str, Any]:
    """Measures and writes `answers.json`, `answers.md`, `questions.tsv` and `report.html`.

    Raises:
        SourceError: A file of a BEIR folder is not in its format.
        UsageError: A file cannot be read or written, or the folder holds answers made otherwise.
        PaperIndexError: There is no index to ask.
        ModelError: A model cannot be loaded.
    """
    source = options.questions.expanduser()
    questions = question_files.read(source)
    if source.is_dir() and not options.own_index and (options.answers is None or options.citations):
        config = indexes.ingested(beir_file(source, "corpus"), config, tqdm).config
    given = options.answers or _ask(questions, options, config)
    answers = read_answers(given)
    _check_asked(questions, answers, given)
    entails: Entails | None = Checker(build.build_checker(config)) if options.citations else None
    abstracts = _abstracts(answers, config) if options.citations else {}
    result = evaluate(questions, answers, entails, abstracts)
    result |= {
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "questions_file": str(options.questions),
        "answers_file": str(given),
        "models": sorted({str(answer["model"]) for answer in answers if "model" in answer}),
        "refusal": refusals(questions, answers),
    }
    if options.citations:
        result["passages"] = _premises(answers, abstracts)
    _write(result, options.report)
    return result


def read_answers(path: Path) -> list[dict[str, Any]]:
    """Answers as `paperchat ask --input` writes them.

    Raises:
        UsageError: The file cannot be read, or a line is no answer.
    """
    answers = read_jsonl(path)
    for number, answer in enumerate(answers, start=1):
        needed = (
            {"id"} if "error" in answer else {"id", "mode", "answer", "sentences", "citations", "retrieved", "timings"}
        )
        if missing := sorted(needed - answer.keys()):
            raise UsageError(f"{path}, answer {number} has no {missing[0]!r}. Give what 'paperchat ask --input' wrote.")
    return answers


def refusals(questions: Sequence[Mapping[str, Any]], answers: Sequence[Answer]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of refusals with intervals, as far as there are refusals and unanswerable questions."""
    by_id = {str(answer["id"]): answer for answer in answers}
    rows = []
    for question in questions:
        answer = by_id.get(str(question["id"]), {})
        refused = answer.get("mode") == "refused"
        name, answerable = str(question["id"]), bool(gold_of(question))
        score = float(answer.get("coverage", 0.0))
        rows.append(Decision(name, name, str(question["kind"]), answerable, score, refused, refused, is_right=False))
    return {name: found for name, found in measure(rows).items() if name in REFUSALS}


def _ask(questions: Sequence[Mapping[str, Any]], options: Options, config: Config) -> Path:
    """Answers what the folder does not hold yet; a run that was cut short goes on."""
    output, listed = options.report / ANSWERS, options.questions.expanduser()
    try:
        options.report.mkdir(parents=True, exist_ok=True)
        if listed.is_dir():
            listed = options.report / QUESTIONS
            with whole_text(listed) as file:
                file.writelines(json.dumps(question, ensure_ascii=False) + "\n" for question in questions)
        if options.fresh:
            output.unlink(missing_ok=True)
            (options.report / ASKED).unlink(missing_ok=True)
        made_with = _made_with(options, config)
        if output.exists():
            _check_same(options.report, made_with)
        with whole_text(options.report / ASKED) as file:
            file.write(json.dumps(made_with, indent=1) + "\n")
    except OSError as error:
        raise UsageError(f"{options.report} cannot be written ({error.strerror}). Check the folder.") from error
    if output.exists():
        _check_asked(questions, read_answers(output), output)
    asked, pipeline = batch.read_questions(listed), partial(build.build_pipeline, config, generate=options.generate)
    batch.answer_all(pipeline, asked, output, partial(tqdm, desc="Answering", unit="question"))
    return output


def _check_asked(questions: Sequence[Mapping[str, Any]], answers: Sequence[Answer], given: Path) -> None:
    """Answers are found by the id of their question; under the same id the same has to have been asked."""
    asked = {str(question["id"]): question["question"].strip() for question in questions if "question" in question}
    for answer in answers:
        name = str(answer["id"])
        if "question" in answer and answer["question"].strip() != asked.get(name, answer["question"].strip()):
            raise UsageError(
                f"{given} answers another question under the id {name!r}. Give another --report folder, or --fresh to "
                "ask again."
            )


def _made_with(options: Options, config: Config) -> dict[str, Any]:
    chosen = {
        s.name: getattr(config, s.name)
        for s in settings()
        if not (s.metadata["secret"] or s.name in IRRELEVANT or s.name.startswith("api_"))
    } | {"model": without_password(config.model)}
    catalog = build.open_catalog(config)
    return {
        **{name: str(value) if isinstance(value, Path) else value for name, value in chosen.items()},
        "generate": options.generate,
        "revision": catalog.counts().revision,
    }


def _check_same(folder: Path, made_with: Mapping[str, Any]) -> None:
    try:
        before = json.loads((folder / ASKED).read_text(encoding="utf-8"))
        changed = sorted(name for name in made_with if before.get(name) != made_with[name])
    except (OSError, ValueError, AttributeError):
        changed = ["what they were made with"]
    if changed:
        raise UsageError(
            f"{folder / ANSWERS} holds answers made otherwise ({', '.join(changed)} changed or is unknown). Give "
            "another --report folder, --fresh to ask again, or --answers to score what is there."
        )


def _abstracts(answers: Sequence[Answer], config: Config) -> dict[str, str]:
    """Whole abstracts of the cited papers, from the index, where it has them under the same title."""
    cited = {c["paper_id"]: c["title"] for answer in answers for c in answer.get("citations", ())}
    try:
        records = build.open_catalog(config).get(sorted(cited))
    except IndexMissingError:
        return {}
    return {i: p.abstract for i, (p, _) in records.items() if folded(p.title) == folded(cited[i])}


def _premises(answers: Sequence[Answer], abstracts: Mapping[str, str]) -> dict[str, int]:
    cited = [c["paper_id"] for answer in answers for c in answer.get("citations", ())]
    whole = sum(paper_id in abstracts for paper_id in cited)
    return {"abstracts": whole, "evidence": len(cited) - whole}


def _write(result: Mapping[str, Any], folder: Path) -> None:
    from eval.answer_report import answer_report, per_question_table
    from eval.report import write_html

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("answers.json", json.dumps(result, ensure_ascii=False, indent=1)),
            ("answers.md", table(result)),
            ("questions.tsv", per_question_table(result)),
        ):
            with whole_text(folder / name) as file:
                file.write(text)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}). Check the --report folder.") from error
    write_html(answer_report(result), folder / "report.html")
