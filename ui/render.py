"""From answers to HTML: pure functions, every foreign text escaped. Knows nothing of Gradio.

The page's script finds things by class and by these attributes: `data-turn` (which answer of the
conversation), `data-n` (number of a source), `data-from`/`data-to` (a span of the abstract, in characters).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from rag.filters import NONE, Filters
from rag.types import (
    Answer,
    Checked,
    Context,
    Draft,
    Event,
    Finished,
    IndexIdentity,
    NumberedPassage,
    Queued,
    Retrieved,
    ScoredPassage,
    Sentence,
    Timings,
    Verdict,
)
from ui import cards, texts, tools, why
from ui.formulas import rendered


@dataclass(frozen=True, slots=True)
class Writing:
    """An answer while it is written: what the page knows of it so far."""

    question: str
    stage: str = texts.SEARCHING
    standalone_question: str = ""
    context: Context | None = None
    retrieved: tuple[ScoredPassage, ...] = ()
    filters: Filters = NONE
    sentences: tuple[Sentence, ...] = ()
    withheld: tuple[Sentence, ...] = ()
    draft: str = ""
    answer: Answer | None = None

    def after(self, event: Event) -> Writing:
        """The state once `event` has happened."""
        match event:
            case Retrieved():
                read = texts.count(len(event.context.passages), "paper")
                return replace(
                    self,
                    stage=texts.READING.format(count=read),
                    standalone_question=event.standalone_question,
                    context=event.context,
                    retrieved=event.retrieved,
                    filters=event.filters,
                )
            case Queued():
                return replace(self, stage=texts.ahead(event.ahead))
            case Draft():
                return replace(self, stage="", draft=event.text)
            case Checked(shown=True):
                return replace(self, stage="", draft="", sentences=(*self.sentences, event.sentence))
            case Checked():
                return replace(self, stage="", draft="", withheld=(*self.withheld, event.sentence))
            case Finished():
                return replace(self, stage="", draft="", answer=event.answer)

    def so_far(self) -> Answer:
        """What has been checked up to now, as an answer that was cut off."""
        quoted = bool(self.sentences) and all(sentence.quoted or sentence.recorded for sentence in self.sentences)
        return self.answer or Answer(
            id="",
            question=self.question,
            standalone_question=self.standalone_question or self.question,
            mode="quoted" if quoted else "generated",
            sentences=self.sentences,
            context=self.context or Context(self.question, ()),
            retrieved=self.retrieved,
            refusal=None,
            withheld=self.withheld,
            timings=Timings(0.0, None, 0.0),
            model="",
            index=IndexIdentity("", "", 0, 0, 0),
            stopped=True,
            filters=self.filters,
        )


def user_message(text: str) -> str:
    """What the user typed, to be shown literally."""
    return lines(text)


def error_message(message: str, turn: int) -> str:
    """One sentence that says what went wrong."""
    return (
        f'<div class="pc-answer pc-failed" data-turn="{turn}" role="alert"><p class="pc-error">{lines(message)}</p>'
        f"{tools.toolbar(None, turn)}</div>"
    )


def nothing_written(turn: int, message: str = texts.STOPPED_EARLY) -> str:
    """A question that was stopped or cut off before there was anything to show."""
    return (
        f'<div class="pc-answer" data-turn="{turn}"><p class="pc-stage">{escape(message)}</p>'
        f"{tools.toolbar(None, turn)}</div>"
    )


def writing(state: Writing, turn: int) -> str:
    """An answer in progress: finished sentences, the unchecked draft in grey, and what is awaited.

    What is withheld is told at the end: below a text that still grows it would be pushed down by every line.
    """
    if state.answer is not None:
        return answer(state.answer, turn)
    body = _body(state.sentences, state.context, turn, state.draft)
    # What stands above the text is there from the beginning: it must not push the text down in the end.
    above = _above(state.so_far(), turn)
    stage = f'<p class="pc-stage">{escape(state.stage)}</p>' if state.stage else ""
    return f'<div class="pc-answer pc-writing" data-turn="{turn}" aria-busy="true">{above}{body}{stage}</div>'


def answer(value: Answer, turn: int, *, incomplete: bool = False, thumb: int = 0, comment: str = "") -> str:
    """A finished answer with its marks, its footer and its tools; `incomplete` where it was cut off."""
    body = _refusal(value) if value.refusal is not None else _body(value.sentences, value.context, turn)
    note = f'<p class="pc-note pc-cut" role="note">{escape(texts.INCOMPLETE_NOTE)}</p>' if incomplete else ""
    return (
        f'<div class="pc-answer pc-{escape(value.mode)}" data-turn="{turn}" aria-busy="false">'
        f"{_above(value, turn)}{note}{body}"
        f"{_withheld(value.withheld)}{_footer(value, turn, incomplete)}{tools.toolbar(value, turn, thumb, comment)}"
        f"{why.panel(value, turn)}{tools.next_questions(value)}</div>"
    )


def _above(value: Answer, turn: int) -> str:
    """What the question was taken to be, and whose words the answer is."""
    note = f'<p class="pc-note">{escape(_quoted_note(value))}</p>' if value.mode == "quoted" else ""
    return f"{_searched_for(value.question, value.standalone_question)}{why.filters(value, turn)}{note}"


def writing_sources(state: Writing, turn: int) -> str:
    """What the panel shows while the answer is written. Apart from the answer, as it changes less often."""
    if state.answer is not None:
        return answer_sources(state.answer, turn)
    if state.context is None:
        return cards.NO_SOURCES
    return cards.sources(state.question, state.context, state.retrieved, state.sentences, turn, final=False)


def answer_sources(value: Answer, turn: int) -> str:
    """What the panel shows for a finished answer; hidden in the conversation."""
    return cards.sources(value.question, value.context, value.retrieved, value.sentences, turn, final=True)


def _body(sentences: Sequence[Sentence], context: Context | None, turn: int, draft: str = "") -> str:
    """What was written, as running text, and what was quoted, as a list."""
    passages = context.by_number() if context else {}
    written = [_sentence(s, passages, turn) for s in sentences if not (s.quoted or _is_listed(s))]
    quoted = [_sentence(s, passages, turn) for s in sentences if s.quoted or _is_listed(s)]
    if draft.strip():
        written.append(_draft(draft))
    text = f'<p class="pc-text">{" ".join(written)}</p>' if written else ""
    heading = (
        f'<p class="pc-quotes-head">{escape(texts.QUOTES_HEADING)}</p>'
        if written and quoted and not _recorded(sentences)
        else ""
    )
    quotes = "".join(f"<li>{quote}</li>" for quote in quoted)
    return f'{text}{heading}<ul class="pc-quotes">{quotes}</ul>' if quotes else text


def _recorded(sentences: Sequence[Sentence]) -> bool:
    return any(sentence.recorded for sentence in sentences)


def _is_listed(sentence: Sentence) -> bool:
    return sentence.recorded and bool(sentence.lead)


def _quoted_note(value: Answer) -> str:
    if _recorded(value.sentences):
        return texts.RECORDED_ONLY
    # Where the model was not asked, nothing of its own was found wanting; and a digest is not an abstract.
    words = texts.QUOTED_NOTE if value.withheld else texts.QUOTED_ONLY
    digest = any(passage.paper.kind == "digest" for passage in value.cited)
    return words.format(sources=texts.DIGESTS if digest else texts.ABSTRACTS)


def _refusal(value: Answer) -> str:
    refusal = value.refusal
    assert refusal is not None
    nearest = "".join(f"<li>{cards.title(paper)} {cards.when(paper)}</li>" for paper in refusal.nearest)
    papers = f'<p>{escape(texts.NEAREST)}</p><ul class="pc-nearest">{nearest}</ul>' if nearest else ""
    return f'<div class="pc-help"><p class="pc-refusal">{lines(refusal.message)}</p>{papers}</div>'


def _sentence(sentence: Sentence, passages: dict[int, NumberedPassage], turn: int) -> str:
    return _marked_up(
        sentence, "".join(_chip(sentence, passages[n], turn) for n in sentence.citations if n in passages)
    )


def plain_sentence(sentence: Sentence, passages: Mapping[int, NumberedPassage]) -> str:
    """A sentence with its marks, where its numbers open nothing."""
    numbers = "".join(f'<span class="pc-cited-number">[{n}]</span>' for n in sentence.citations if n in passages)
    return _marked_up(sentence, numbers)


def _marked_up(sentence: Sentence, chips: str) -> str:
    kind = "quoted" if sentence.quoted else "recorded" if sentence.recorded else sentence.support.verdict.value
    text = f"“{rendered(sentence.text)}”" if sentence.quoted else rendered(sentence.text)
    lead = f'<span class="pc-lead">{escape(sentence.lead)}:</span> ' if sentence.lead else ""
    hedge = ""
    if sentence.support.verdict is Verdict.WEAK:
        hedge = f' <span class="pc-hedge">{escape(texts.WEAKLY_SUPPORTED)}</span>'
    # The last word stays with its marks when the line breaks.
    return (
        f'<span class="pc-s pc-s-{escape(kind)}">{lead}<span class="pc-words">{text}</span> '
        f'<span class="pc-marks">{chips}{_verdict(kind, sentence.support.score)}</span>{hedge}</span>'
    )


def _chip(sentence: Sentence, passage: NumberedPassage, turn: int) -> str:
    label = escape(texts.cite_label(passage.number, passage.paper.title))
    span = cards.support_span(sentence, passage)
    place = f' data-from="{span[0]}" data-to="{span[1]}"' if span else ""
    return (
        f'<button type="button" class="pc-cite" data-turn="{turn}" data-n="{passage.number}"{place} '
        f'aria-controls="pc-cards" aria-label="{label}" title="{label}">[{passage.number}]</button>'
    )


def _verdict(kind: str, score: float) -> str:
    mark, words = texts.VERDICTS[kind]
    label = escape(words if kind in ("quoted", "recorded") else f"{words} ({score:.2f} of 1)")
    return (
        f'<span class="pc-verdict pc-v-{escape(kind)}" role="img" aria-label="{label}" title="{label}">'
        f"{escape(mark)}</span>"
    )


def _draft(text: str) -> str:
    label = escape(texts.BEING_CHECKED)
    return (
        f'<span class="pc-draft" role="group" aria-live="off" aria-label="{label}" title="{label}">'
        f"{escape(text)}</span>"
    )


def _searched_for(asked: str, standalone: str) -> str:
    if not standalone or standalone.strip() == asked.strip():
        return ""
    return f'<p class="pc-searched">{escape(texts.SEARCHED_FOR)} <q>{escape(standalone)}</q></p>'


def _withheld(sentences: Sequence[Sentence]) -> str:
    if not sentences:
        return ""
    weak = any(s.support.verdict is Verdict.WEAK for s in sentences)
    rows = "".join(
        f"<li><s>{rendered(s.text)}</s> <span>{escape(texts.WITHHELD[s.support.verdict.value])}"
        f"{': ' + escape(s.support.reason) if s.support.reason else ''}</span></li>"
        for s in sentences
    )
    return (
        f'<details class="pc-withheld"><summary>{escape(texts.withheld(len(sentences), weak))}</summary>'
        f"<ul>{rows}</ul></details>"
    )


def _footer(value: Answer, turn: int, incomplete: bool) -> str:
    mode = texts.RECORDED if _recorded(value.sentences) else texts.MODES[value.mode]
    parts = [mode, *(() if incomplete else _times(value.timings))]
    if value.model and value.mode == "generated":
        parts.append(value.model)
    stopped = ""
    if incomplete:
        title = escape(texts.INCOMPLETE_NOTE)
        stopped = f'<span class="pc-badge pc-stopped" title="{title}">{escape(texts.INCOMPLETE)}</span> '
    elif value.stopped:
        stopped = (
            f'<span class="pc-badge pc-stopped" title="{escape(texts.STOPPED_TITLE)}">{escape(texts.STOPPED)}</span> '
        )
    number = len(value.context.passages)
    sources = ""
    if number:
        sources = (
            f'<button type="button" class="pc-show" data-turn="{turn}" aria-controls="pc-cards">'
            f"{escape(texts.count(number, 'source'))}</button> "
        )
    return f'<p class="pc-foot">{stopped}{sources}<span>{escape(" · ".join(parts))}</span></p>'


def _times(timings: Timings) -> list[str]:
    first = timings.first_token_ms
    times = [f"first word {texts.seconds(first)}"] if first is not None else []
    return [*times, f"{texts.seconds(timings.total_ms)} in total"]


def lines(text: str) -> str:
    """Text with its line breaks kept."""
    return "<br>".join(escape(line) for line in text.strip().splitlines())
