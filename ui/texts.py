"""Every word the page says, in one place. Plain text: `ui.render` escapes it. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence

TITLE = "paperchat"
TAGLINE = "Ask the abstracts. Every sentence is cited and checked."
PLACEHOLDER = "Ask about the papers"
BOX_LABEL = "Your question"
SEND, STOP, STOPPING, RETRY, CLEAR = "Send", "Stop", "Stopping…", "Ask again", "Clear"
THEME_TOGGLE = "Switch between light and dark"
SKIP_TO_BOX = "Skip to the question box"
CHAT_LABEL = "Conversation"

# Pages, and the list of conversations.
PAGES_LABEL = "Pages"
PAGES = (("ask", "Ask"), ("papers", "Papers"), ("evaluation", "Evaluation"), ("settings", "Settings"))
SIDE, SIDE_OPEN = "Conversations", "Show conversations"
NEW = "New conversation"
FIND = "Search conversations"
NO_CONVERSATIONS = "Conversations appear here and are still here tomorrow."
NOTHING_FOUND = "No conversation holds these words."
HISTORY_OFF = "History is off: what you ask now is kept only until you close the page."
RENAME, DELETE = "Rename", "Delete"
DELETE_ASK = "Delete this conversation? It cannot be brought back."
TODAY, YESTERDAY, THIS_WEEK = "Today", "Yesterday", "This week"
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)
YES, NO = "Delete", "Keep"
GONE = "This conversation is no longer there."

START_HEADING = "What would you like to know?"
START_BODY = (
    "Answers come only from the abstracts in this collection. "
    "Each sentence carries the number of its source and says how well that source supports it."
)
LEGEND = (
    ("supported", "✓", "its source supports it"),
    ("weak", "~", "only weakly supported"),
    ("quoted", "❝", "the source’s own words"),
)

# While an answer is written.
SEARCHING = "Searching the collection…"
READING = "Reading {count}…"
BEING_CHECKED = "Being checked against the abstracts"
STOPPED_EARLY = "Stopped before anything was written."

# About an answer.
INCOMPLETE = "incomplete"
INCOMPLETE_NOTE = "Cut off while it was written: this is what had been checked by then."
INCOMPLETE_EMPTY = "Cut off before anything was written. Ask again to get an answer."
STILL_WRITING = "Being written in another window. Open the conversation again in a moment."
TOOLS = "This answer"
COPY, COPIED, EDIT = "Copy", "Copied", "Edit question"
THUMBS = {1: "Good answer", -1: "Bad answer"}
COMMENT = "What was good or wrong?"
SAVE, SAVED = "Save", "Saved"
NOT_KEPT = "History is off, so this cannot be kept."
NEXT = "Ask on"
EDITING = "Sending replaces this question and everything after it."
EDITING_STOP = "Keep it"
EXPORT = "Export"
EXPORTS = (
    *(("markdown", "Conversation as Markdown"), ("json", "Conversation as JSON")),
    *(("bibtex", "Cited papers as BibTeX"), ("ris", "Cited papers as RIS")),
)
NOTHING_TO_EXPORT = "There is nothing to export yet. Ask something first."

# Why an answer is as it is.
WHY = "Why this answer"
FILTERED = "Narrowed to papers"
TIMES, TOKENS, MODEL, INDEX = "Time:", "Tokens:", "Model:", "Index:"
RETRIEVED = "Papers that were found"
WHY_COLUMNS = (
    ("final", "Place in the final order"),
    ("meaning", "Place when papers are ordered by meaning (vectors)"),
    ("words", "Place when papers are ordered by shared words (BM25)"),
    ("paper", "Title and date"),
    ("use", "Was its evidence read, and was it cited?"),
)
READ_AS, NOT_READ = "read as", "not read"
WHY_NOT = "Why not this paper?"
WHY_NOT_HINT = "Title, DOI or id"
WHY_NOT_LOOK = "Look it up"
SEARCHED_FOR = "Searched for:"
QUOTED_NOTE = "The model’s own words could not be supported; these are the {sources}’ own sentences."
QUOTED_ONLY = "These are the {sources}’ own sentences."
RECORDED_ONLY = "Counted and looked up in the collection’s records, not read out of abstracts."
RECORDED = "from the records"
ABSTRACTS, DIGESTS = "abstracts", "digests"
QUOTES_HEADING = "In the sources’ own words:"
NEAREST = "The nearest papers in the collection:"
STOPPED = "stopped"
STOPPED_TITLE = "You stopped this answer; it may be incomplete"
WEAKLY_SUPPORTED = "weakly supported"
WITHHELD = {
    "supported": "kept back",
    "weak": "only weakly supported",
    "unsupported": "not supported",
}
MODES = {"generated": "written and checked", "quoted": "quoted", "refused": "not answered"}
VERDICTS = {
    "supported": ("✓", "Supported by the cited source"),
    "weak": ("~", "Only weakly supported by the cited source"),
    "quoted": ("❝", "Quoted word for word from the cited source"),
    "recorded": ("≡", "From the collection’s records"),
    "unsupported": ("✗", "Not supported by the cited source"),
}
WRONG_HOST = "This page is opened as localhost or 127.0.0.1 only. Use that address."
WRONG_ORIGIN = "Pages of other origins are not let in. Open this page itself."
NOTHING_HERE = "There is nothing here."
NO_ADDRESS = "A file is uploaded, not named by its address."
OTHER_TAB = "This tab was opened by another login. Load the page again."
TOO_MANY_PASSWORDS = "Too many wrong passwords. Try again in a minute."
UNEXPECTED_ERROR = (
    "Something went wrong that should not have. Ask again; if it happens again, the program’s log says why."
)

# The source panel.
SOURCES = "Sources"
SOURCES_EMPTY = "The papers behind an answer appear here. Choose a number in an answer to see its evidence."
SOURCES_NONE = "Nothing in the collection was used for this answer."
SOURCES_FOR = "for"
BACK = "Back to the answer"
CITED, NOT_CITED = "cited", "not cited"
DIGEST = "Digest, not the abstract"
DIGEST_TITLE = "We wrote this summary; these are not the authors’ words"
ABSTRACT = "Abstract"
DIGEST_HEADING = "Digest"
NO_ABSTRACT = "The source gives no abstract."
RANK_TITLES = {
    "meaning": "Place when papers are ordered by meaning (vectors)",
    "words": "Place when papers are ordered by shared words (BM25)",
    "final": "Place in the final order",
}
RANK_ABSENT = "–"
OPEN_PAPER = "Open the paper in a new tab"

# Adding papers.
ADD_PAPERS = "Add papers"
DROP_LABEL = "Drop files here or choose them: any format paperchat reads"
PASTE_LABEL = "Or paste papers here"
PASTE_HINT = (
    "BibTeX, RIS, JSON lines, or plain text: a title, its abstract on the lines below, an empty line before the next"
)
PASTE_ADD = "Add what I pasted"
PASTE_NOTHING = "There is nothing in the box. Paste papers into it first."
INGESTING = "Reading the papers: {papers} so far"
REPORT_HEADING = "Added to the collection"
REPORT_COUNTS = (
    ("read", "read"),
    ("new", "new"),
    ("updated", "updated"),
    ("unchanged", "unchanged"),
    ("duplicates", "duplicates"),
)
REJECTED = "rejected"

DELETE_PAPERS = "Delete chosen papers"
DELETE_PAPERS_ASK = "Delete the chosen papers from the collection? Their files are not touched."
SHELF_FIND = "Search by title, author, venue, year or id"
SHELF_COLUMNS = (("date", "Date"), ("title", "Title"), ("who", "Authors"), ("venue", "Venue"))
SHELF_EMPTY = "There are no papers yet. Add some above: drop a file in any format paperchat reads."
SHELF_NOTHING = "No paper matches. Use fewer words, or another year."
YEARS = "Papers a year; choose a bar to see its papers only"
ASK_ABOUT = "Ask about this paper"
ABOUT_QUESTION = "What does “{title}” find?"
PAGE_BACK, PAGE_ON = "Earlier", "Further"

# The map of the collection.
VIEWS_LABEL, VIEWS = "How the papers are shown", (("list", "List"), ("map", "Map"))
MAP_BY_LABEL, MAP_BY = "Colour by", (("topic", "Topic"), ("year", "Year"))
MAP_STAGES = {
    "wait": "The map can be drawn once the index is open…",
    "read": "Reading the vectors of the papers…",
    "place": "Placing papers that are alike near each other…",
    "name": "Finding out what each group is about…",
}
MAP_NONE = "A map needs at least five papers. Add some above."
MAP_HINT = (
    "Papers whose abstracts are alike stand near each other; left, right, up and down mean nothing by themselves. "
    "Point at a paper to read its title, choose it to read on."
)
MAP_UNDATED = "no date"
MAP_TOPIC_UNNAMED = "other"
MAP_PAPERS_NONE = "No paper on the map matches."
MAP_CLOSE = "Close"
MAP_GONE = "This paper is no longer in the collection."

# Evaluation.
EVALUATION = "Compare two settings"
EVALUATION_NOTE = (
    "Both answer the same questions, one after the other and in turn with everyone else’s, "
    "with the language model of your settings."
)
COMPARE_SIDES = ("A", "B")
COMPARE_SETTING = "Setting {side}"
COMPARE_K, COMPARE_K_HINT = "Papers to read", "as started"
COMPARE_PROFILE, COMPARE_ORDERING, COMPARE_SUPPORT, COMPARE_ANSWERS = "Search", "Order", "How sure", "Answers"
COMPARE_ANSWERS_CHOICES = (("Written by the model", ""), ("Quotes only", "quotes"))
COMPARE_QUESTIONS = "Questions"
COMPARE_HINT = "One a line, or JSON lines with “question”; at most {most}"
COMPARE_FILE = "Take them from a file"
COMPARE_START, COMPARE_STOP = "Compare", "Stop"
COMPARE_EXPORT = "Save the comparison"
COMPARE_NONE = "There is no question yet. Type one a line."
COMPARE_NO_QUESTION = "Line {line} holds no “question”. Give a question a line, or JSON lines with “question”."
COMPARE_SAME = "Both settings are the same: what differs is chance and time."
COMPARE_WAITING = "not yet"
COMPARE_STOPPED = "Stopped: what was answered by then is below."
COMPARE_DONE = "Done."
COMPARE_ONLY = "only {side}"
COMPARE_PAPERS = "Papers it read"
COMPARE_SUMMARY = "In all"
COMPARE_ROWS = {
    "generated": "written and checked",
    "quoted": "quoted",
    "refused": "not answered",
    "failed": "failed",
    "sentences": "sentences shown",
    "supported": "of them supported",
    "withheld": "sentences withheld",
    "papers": "papers read, on average",
    "seconds": "median time",
}
REPORTS = "Reports"
REPORTS_NOTE = "What “paperchat eval” has measured: its figures, from the JSON file of a report."
REPORTS_NONE = "There is no report in {folder} yet. Run one of the “paperchat eval” commands, or open a file."
REPORTS_NO_FOLDER = "Open the JSON file of a report."
REPORT_FILE = "Open a file"
REPORT_TOO_LARGE = "This file is too large for a report. Choose the JSON file of a report."
REPORT_EMPTY = "This report holds no figures."
REPORT_VALUE, REPORT_QUESTIONS = "Value, 95 % interval", "Questions"
REPORT_KINDS = {
    "answers": "Answers",
    "retrieval": "Retrieval",
    "comparison": "Two retrieval reports",
    "refusal": "Refusals",
    "judge": "Answers before a judge",
    "support": "Support check",
    "followups": "Follow-up questions",
    "context-size": "Size of the context",
    "order": "Order of the papers",
    "position": "Position of the gold paper",
    "hard-negatives": "Hard negatives",
}
REPORT_FACTS = {
    "made": "Made",
    "reader": "Reader",
    "models": "Language model",
    "judge": "Judge",
    "questions": "Questions",
    "threshold": "Threshold",
    "baseline": "Baseline",
    "measure_meaning": "Measure",
    "auc": "AUC",
    "false_accepts": "False claims called supported",
    "device": "Device",
}

# Settings.
SETTINGS = "Settings"
SETTINGS_NOTE = "Kept for you; a change applies to your next question."
LOGGED_IN, LOG_OUT = "You are logged in as {user}.", "Log out"
SET_K, SET_K_INFO = "Papers to read", "Whose evidence an answer may draw on. 0 leaves it as paperchat was started."
SET_PROFILE = "How thoroughly to search"
SET_PROFILE_INFO = "Best weighs the words of the 50 nearest papers, Fast those of 10: sooner, and a little less exact."
PROFILE_CHOICES = (("As started", ""), ("Best", "best"), ("Fast", "fast"))
SET_SUPPORT = "How sure a sentence must be"
SET_SUPPORT_INFO = (
    "Strict shows only what an abstract clearly carries; lenient also what it carries weakly, and marks it."
)
SUPPORT_CHOICES = (("As started", ""), ("Strict", "strict"), ("Lenient", "lenient"))
SET_ORDERING = "Order of the papers before the model"
SET_ORDERING_INFO = "Models read beginning and end best. Automatic chooses by the number of papers."
ORDERING_CHOICES = (
    *(("As started", ""), ("Automatic", "auto"), ("Best first", "score"), ("Best last", "reverse")),
    ("Best at both ends", "reorder"),
)
SET_QUOTES = "Quotes only"
SET_QUOTES_INFO = "Answers are the abstracts’ own sentences; no language model writes. Quick, and never reworded."
SET_HISTORY = "Keep my conversations"
SET_HISTORY_INFO = "On this machine only. Off: what you ask is forgotten when you close the page."
SET_MODEL = "Language model"
SET_MODEL_INFO = (
    "“bundled”, a folder, a name on the hub, or the address of a server that speaks OpenAI’s protocol. "
    "A model in this process needs memory for all its weights; a server needs to be running. Empty: as started."
)
SET_MODEL_HINT = "as started"
TEST_MODEL = "Test this model"
TESTING = "Loading it and letting it write a few words…"
KEPT = "Kept. It applies to your next question."
KEPT_AS_STARTED = "Kept: everything as paperchat was started."
FEEDBACK = "Feedback"
FEEDBACK_NOTE = "Answers you rated, with your comments, as questions that paperchat can be measured with."
FEEDBACK_EXPORT = "Save as evaluation set"
WHY_NOT_UNKNOWN = "The collection holds no paper of that name, so no question can find it."
WHY_NOT_NEAREST = "The nearest titles:"
WHY_NOT_BEST = "Its nearest sentence:"
WHY_NOT_EMPTY = "Type a title, a DOI or an id."

# The status line.
SAMPLES_NOTE = "sample digests only"
NOT_READY = "Not ready:"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 paper`, `90 papers`, `12,345 papers`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def ahead(number: int) -> str:
    """Place in the queue for the model."""
    return f"{number} ahead of you" if number else "You are next"


def withheld(number: int, weak: bool) -> str:
    """How many sentences were kept back, and why; `weak` where some had a little support."""
    reason = "not supported, or only weakly, by the abstracts" if weak else "not supported by the abstracts"
    return f"{count(number, 'sentence')} withheld: {reason}"


def cite_label(number: int, title: str) -> str:
    """What a citation chip is called aloud."""
    return f"Source {number}: {title}"


def rename(title: str) -> str:
    """What the button is called aloud."""
    return f"Rename “{title}”"


def delete(title: str) -> str:
    """What the button is called aloud."""
    return f"Delete “{title}”"


def without_filter(shown: str) -> str:
    """What removing a filter does."""
    return f"Ask again without {shown}"


def timings(retrieve: str, first: str, total: str) -> str:
    """Where the time went."""
    words = f", first word after {first}" if first else ""
    return f"papers found after {retrieve}{words}, {total} in all"


def tokens(prompt: int, new: int) -> str:
    """What the model read and wrote."""
    return f"{prompt:,} read, {new:,} written"


def not_used(number: int) -> str:
    """Heading of the list of papers that were found but not read."""
    return f"{count(number, 'paper')} found but not read"


def and_more(number: int) -> str:
    """Last line of a list that was cut."""
    return f"and {number:,} more"


def seconds(milliseconds: float) -> str:
    """`0.4 s`, `12 s`."""
    value = milliseconds / 1000
    return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"


def tested(name: str, device: str, took: float) -> str:
    """A model works."""
    return f"{name} works, on {device}: loaded and wrote within {took:.1f} s."


def in_year(year: str, number: int) -> str:
    """What a bar of the chart stands for."""
    return f"{year}: {count(number, 'paper')}"


def map_label(papers: int, groups: Sequence[str]) -> str:
    """What the map is called aloud."""
    return (
        f"Map of {count(papers, 'paper')} in {count(len(groups), 'topic')}: {'; '.join(groups)}. "
        "Choose a topic to have its papers listed."
    )


def map_sample(drawn: int, total: int) -> str:
    """Said where not all papers are drawn."""
    return f"{drawn:,} of {total:,} papers are drawn, picked by chance; the list holds all of them."


def map_papers(shown: int, found: int, words: str) -> str:
    """Heading of a list of papers beside the map."""
    return f"{words}: {count(found, 'paper')}" if shown == found else f"{words}: {shown:,} of {found:,} papers"


def map_found(search: str) -> str:
    """What papers were searched for."""
    return f"Found for “{search}”"


def years_between(first: str, last: str) -> str:
    """A range of years, as short as it can be said."""
    return first if first == last else f"{first}–{last}"


def between(low: str, high: str) -> str:
    """An interval."""
    return f"{low} to {high}"


def comparing(done: int, total: int, side: str, stage: str) -> str:
    """How far a comparison has come."""
    return f"Question {done:,} of {total:,}, setting {side}{': ' + stage if stage else ''}"


def too_many(most: int, given: int) -> str:
    """Only some of the questions are asked."""
    return f"The first {most} of {given:,} questions are compared."


def held_back(number: int) -> str:
    """Sentences that were not shown."""
    return f"{count(number, 'sentence')} withheld"


def overlap(share: float) -> str:
    """How alike two lists of papers are."""
    return f"{share:.0%} of the papers that either read were read by both"


def choose(title: str) -> str:
    """What the box in front of a paper is called aloud."""
    return f"Choose “{title}”"


def shown(first: int, last: int, total: int) -> str:
    """Which part of a list is shown."""
    return f"{first:,}–{last:,} of {total:,}"


def deleted(number: int) -> str:
    """Papers are gone."""
    return f"Deleted {count(number, 'paper')}."


def port_busy(host: str, port: int, free: int | None) -> str:
    """The address is taken."""
    example = f", for example --port {free}" if free else ""
    return f"Port {port} on {host} is already in use. Choose another with --port{example}."


def address_unusable(host: str, reason: str) -> str:
    """The machine has no such address."""
    return f"The page cannot listen on {host} ({reason}). Choose another with --host, for example 127.0.0.1."


# `paperchat tune`
TUNE_EXAMPLES = "{examples} examples to train on, {held_out} held out."
TUNE_NOT_IN_INDEX = " {count} questions left out: the index lacks a gold paper of theirs."
TUNE_UNANSWERABLE = " {count} unanswerable questions left out (--abstain trains on them)."
TUNE_TOO_LONG = " {count} examples left out: they are too long."
TUNE_SELF = " {count} targets are the model's own answers."
TUNE_ERRORS = " {count} examples that {adapter} answers wrongly come twice."
TUNE_STOPPING = "Stopping after this step; Ctrl-C again stops at once and loses the steps since the last checkpoint."
TUNE_STOPPED = (
    "Stopped after step {step} of {steps}. The adapter so far is in {folder} and can be used. "
    "Run the same command with --resume to go on."
)
TUNE_LOSS = "Loss on held-out answers: {before:.3f} -> {after:.3f}."
TUNE_TABLE = f"{'held-out examples':<48} {'untuned':>8} {'tuned':>8}"
TUNE_MEASURES = {
    "answered": "answers with a sentence",
    "verbatim": "sentences word for word from the evidence",
    "supported": "sentences that the check supports",
    "cited": "sentences with a citation",
    "cites_gold": "citations of a paper that answers",
    "right": "answers with a supported sentence of such a paper",
    "seconds": "seconds an answer (median)",
}
TUNE_DONE = "The adapter is in {folder}. Use it with: paperchat chat --adapter {folder}"
