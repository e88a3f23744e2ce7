r"""LaTeX text, as BibTeX files have it, without its markup: `The {BERT} of \emph{L{\"o}we}` is `The BERT of Löwe`.

What `normalize.clean` resolves in any text (`\%`, `\alpha`, `$…$`) is left to it.
"""

from __future__ import annotations

import re

from ingest.normalize import latex_letters, unbraced

# Braces are structure in a formula, protection elsewhere.
_MATH = re.compile(r"((?<!\\)\$[^$]+(?<!\\)\$)")
_STYLE = re.compile(
    # What is cited or noted is no part of the text, of a link its words are.
    r"~?\\(?:cite[a-z]*|footnote|label)\*?(?:\[[^\[\]]*\])*\s*\{[^{}]*\}|\\href\s*\{[^{}]*\}"
    r"|\\(?:ensuremath|url|uppercase)(?=\s*\{)"
    r"|\\(?:emph|underline|enquote|mbox|text(?:bf|it|tt|rm|sc|sf|md|up|sl|normal|superscript|subscript))(?=\s*\{)"
    r"|\\(?:em|it|bf|rm|sc|sf|tt|sl|itshape|bfseries)(?![A-Za-z])\s*"
)
_SIGNS = {
    "textendash": "–", "textemdash": "—", "textquoteright": "’", "textquoteleft": "‘", "textquotedblleft": "“",
    "textquotedblright": "”", "textquotesingle": "'", "textasciitilde": "~", "textdegree": "°", "textregistered": "®",
    "texttrademark": "™", "textgreater": ">", "textless": "<", "textmu": "μ", "textunderscore": "_",
    "textbackslash": "\\", "textasciicircum": "^", "textcopyright": "©", "texttimes": "×", "textbar": "|",
    "textellipsis": "…",
}  # fmt: skip
_SIGN = re.compile(r"\\(text[a-z]{2,14})(?![A-Za-z])(?:\{\}|\s+(?=\w))?")
# As a formula, so that what follows does not run into it: \ensuremath{\Lambda}CDM.
_ENSURED = re.compile(r"\\ensuremath\s*\{([^{}$]+)\}")
_QUOTED = re.compile(r"``([^`]{1,300}?)''")
# A tie between words ("about ~5" is an approximation), a thin space, a forced line break.
_SPACE = re.compile(r"(?<=\S)~(?=\S)|\\[,;: ]|\\\\(?=\s|$)")


def plain(text: str) -> str:
    """The text without style commands and protecting braces; formulas keep theirs."""
    return "".join(part if place % 2 else _plain(part) for place, part in enumerate(_MATH.split(text)))


def _plain(text: str) -> str:
    text = _ENSURED.sub(r"$\1$", latex_letters(text))
    text = _SPACE.sub(" ", _STYLE.sub("", text))
    text = _SIGN.sub(lambda match: _SIGNS.get(match[1], match[0]), text)
    return unbraced(_QUOTED.sub(r"“\1”", text))


def untied(text: str) -> str:
    r"""A name with spaces for its ties, `J.~A. Doe`; `\~n` is a letter, and braces tell groups from people."""
    return re.sub(r"(?<!\\)~", " ", text)


def address(text: str) -> str:
    r"""A link or a DOI: `\url{https://x.org/a\_b}` is `https://x.org/a_b`."""
    text = re.sub(r"\\url\s*(?=\{)|\\(?=[_%&#$~])", "", text.replace(r"\textasciitilde", "~"))
    return re.sub(r"[{}]", "", text).strip()
