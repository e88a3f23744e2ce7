"""A comparison of two settings as markup. Pure functions, as in `ui.render`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rag.types import Answer, NumberedPassage
from ui import cards, render, texts
from ui.compare import MOST, Compared, Comparison, Outcome
from ui.formulas import rendered
from ui.preferences import MAX_PAPERS


def form() -> str:
    """Two settings, the questions, and the button that begins."""
    sides = "".join(_side(side) for side in texts.COMPARE_SIDES)
    return (
        f'<form class="pc-compare" data-do="compare"><div class="pc-sides">{sides}</div>'
        f'<div class="pc-asked"><label for="pc-compare-questions">{escape(texts.COMPARE_QUESTIONS)}</label>'
        f'<textarea id="pc-compare-questions" name="questions" rows="5" maxlength="100000" '
        f'placeholder="{escape(texts.COMPARE_HINT.format(most=MOST))}"></textarea>'
        f'<div class="pc-compare-foot"><button type="submit" class="pc-tool pc-primary">{escape(texts.COMPARE_START)}'
        f'</button><label class="pc-file"><span>{escape(texts.COMPARE_FILE)}</span> <input type="file" '
        f'id="pc-compare-file" name="file" accept=".txt,.jsonl,.json,text/plain"></label></div></div></form>'
    )


def _side(side: str) -> str:
    selects = (
        ("profile", texts.COMPARE_PROFILE, texts.PROFILE_CHOICES),
        ("ordering", texts.COMPARE_ORDERING, texts.ORDERING_CHOICES),
        ("support", texts.COMPARE_SUPPORT, texts.SUPPORT_CHOICES),
        ("answers", texts.COMPARE_ANSWERS, texts.COMPARE_ANSWERS_CHOICES),
    )
    fields = "".join(
        f'<label><span>{escape(label)}</span> <select name="{name}">'
        + "".join(f'<option value="{escape(value)}">{escape(words)}</option>' for words, value in choices)
        + "</select></label>"
        for name, label, choices in selects
    )
    return (
        f'<div class="pc-setting" role="group" aria-label="{escape(texts.COMPARE_SETTING.format(side=side))}" '
        f'data-side="{side}"><h3><span class="pc-side-letter" aria-hidden="true">{side}</span>'
        f"{escape(texts.COMPARE_SETTING.format(side=side))}</h3>"
        f'<label><span>{escape(texts.COMPARE_K)}</span> <input type="number" name="k" min="1" max="{MAX_PAPERS}" '
        f'placeholder="{escape(texts.COMPARE_K_HINT)}"></label>{fields}</div>'
    )


def progress(done: int, total: int, words: str) -> str:
    """How far it has come, and the button that stops it."""
    share = round(100 * done / total) if total else 0
    return (
        f'<div class="pc-comparing"><p role="status">{escape(words)}</p><div class="pc-map-bar" role="progressbar" '
        f'aria-label="{escape(texts.EVALUATION)}" aria-valuenow="{share}" aria-valuemin="0" aria-valuemax="100">'
        f'<span style="width:{share}%"></span></div>'
        f'<button type="button" class="pc-tool pc-stop-tool" data-do="halt">{escape(texts.COMPARE_STOP)}</button></div>'
    )


def finished(words: str) -> str:
    """Said at its end, with the way to take it along."""
    return (
        f'<div class="pc-comparing"><p role="status">{escape(words)}</p>'
        f'<button type="button" class="pc-tool" data-do="compare-export">{escape(texts.COMPARE_EXPORT)}</button></div>'
    )


def results(value: Comparison) -> str:
    """The sums, then question by question the two answers beside each other."""
    rows = "".join(_row(row, number) for number, row in enumerate(value.rows, start=1))
    return f'<div class="pc-compared">{_summary(value)}<ol class="pc-compared-rows">{rows}</ol></div>'


def _summary(value: Comparison) -> str:
    sides = [value.summary(side) for side in (0, 1)]
    rows = "".join(
        f'<tr><th scope="row">{escape(words)}</th>'
        + "".join(f'<td class="pc-number-cell">{escape(_number(name, side[name]))}</td>' for side in sides)
        + "</tr>"
        for name, words in texts.COMPARE_ROWS.items()
        if any(side[name] for side in sides)
    )
    if not rows:
        return ""
    heads = "".join(f'<th scope="col" class="pc-number-cell">{side}</th>' for side in texts.COMPARE_SIDES)
    share = value.shared()
    note = f'<p class="pc-quiet">{escape(texts.overlap(share))}</p>' if share is not None else ""
    return (
        f'<table class="pc-figures pc-compared-sums"><caption>{escape(texts.COMPARE_SUMMARY)}</caption>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>{note}"
    )


def _number(name: str, value: float) -> str:
    if name == "seconds":
        return texts.seconds(value * 1000)
    return f"{value:.1f}" if name == "papers" else f"{value:,.0f}"


def _row(row: Compared, number: int) -> str:
    if not any(row.outcomes):
        return ""
    read = [set(outcome.papers) if outcome else set() for outcome in row.outcomes]
    both = all(row.outcomes)
    cells = "".join(
        _outcome(outcome, side, frozenset(read[place] - read[1 - place]) if both else frozenset())
        for place, (outcome, side) in enumerate(zip(row.outcomes, texts.COMPARE_SIDES, strict=True))
    )
    return f'<li value="{number}"><h3>{escape(row.question)}</h3><div class="pc-pair">{cells}</div></li>'


def _outcome(outcome: Outcome | None, side: str, alone: frozenset[str]) -> str:
    label = escape(texts.COMPARE_SETTING.format(side=side))
    if outcome is None:
        inside = f'<p class="pc-quiet">{escape(texts.COMPARE_WAITING)}</p>'
    elif outcome.answer is None:
        inside = f'<p class="pc-error">{render.lines(outcome.error)}</p>'
    else:
        inside = _answer(outcome.answer, side, alone)
    return (
        f'<div class="pc-one" role="group" aria-label="{label}"><span class="pc-side-letter" aria-hidden="true">'
        f"{side}</span>{inside}</div>"
    )


def _answer(answer: Answer, side: str, alone: frozenset[str]) -> str:
    passages = answer.context.by_number()
    if answer.refusal is not None:
        body = f'<p class="pc-text">{render.lines(answer.refusal.message)}</p>'
    else:
        body = f'<p class="pc-text">{" ".join(render.plain_sentence(s, passages) for s in answer.sentences)}</p>'
    facts = [texts.MODES[answer.mode], texts.seconds(answer.timings.total_ms)]
    if answer.withheld:
        facts.append(texts.held_back(len(answer.withheld)))
    if answer.stopped:
        facts.append(texts.STOPPED)
    return f'{body}<p class="pc-quiet">{escape(" · ".join(facts))}</p>{_papers(answer, side, alone)}'


def _papers(answer: Answer, side: str, alone: frozenset[str]) -> str:
    """What it read; cited papers with the sentences that carry the answer, and which the other did not read."""
    cited = {passage.number for passage in answer.cited}
    rows = "".join(
        _paper(passage, answer, passage.number in cited, passage.paper.id in alone, side)
        for passage in sorted(answer.context.passages, key=lambda p: (p.number not in cited, p.number))
    )
    return f'<h4>{escape(texts.COMPARE_PAPERS)}</h4><ul class="pc-compared-papers">{rows}</ul>' if rows else ""


def _paper(passage: NumberedPassage, answer: Answer, cited: bool, alone: bool, side: str) -> str:
    badge = f' <span class="pc-badge pc-only">{escape(texts.COMPARE_ONLY.format(side=side))}</span>' if alone else ""
    said = _evidence(passage, answer) if cited else []
    quotes = "".join(f"<q>{rendered(text)}</q>" for text in said)
    kind = "" if cited else ' class="pc-read-only"'
    title = cards.title(passage.paper)
    return f'<li{kind}><span class="pc-number">{passage.number}</span> <span>{title}{badge}{quotes}</span></li>'


def _evidence(passage: NumberedPassage, answer: Answer) -> Sequence[str]:
    """The sentences of this paper that shown sentences rest on, each once, those that were quoted whole left out."""
    own = [s for s in answer.sentences if s.support.paper_id == passage.paper.id and not s.quoted]
    return list(dict.fromkeys(sentence.support.evidence for sentence in own if sentence.support.evidence))
