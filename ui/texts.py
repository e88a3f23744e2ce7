"""Every word the page says, in one place. Plain text: `ui.render` escapes it. Standard library only."""

from __future__ import annotations

TITLE = "paperchat"
TAGLINE = "Ask the abstracts. Every sentence is cited and checked."
PLACEHOLDER = "Ask about the papers"
BOX_LABEL = "Your question"
SEND, STOP, STOPPING, RETRY, CLEAR = "Send", "Stop", "Stopping…", "Ask again", "Clear"
THEME_TOGGLE = "Switch between light and dark"
SKIP_TO_BOX = "Skip to the question box"
CHAT_LABEL = "Conversation"

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
DROP_LABEL = "Drop files here, in any format paperchat reads"
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


def port_busy(host: str, port: int, free: int | None) -> str:
    """The address is taken."""
    example = f", for example --port {free}" if free else ""
    return f"Port {port} on {host} is already in use. Choose another with --port{example}."


def address_unusable(host: str, reason: str) -> str:
    """The machine has no such address."""
    return f"The page cannot listen on {host} ({reason}). Choose another with --host, for example 127.0.0.1."
