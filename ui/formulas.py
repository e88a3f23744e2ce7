r"""Formulas and code inside text, as MathML and `<code>`: pure, without a library, and nothing is ever run.

Between `$…$`, `$$…$$`, `\(…\)` and `\[…\]` everything has to be understood; what is not stays as it was written.
Ingest takes the dollars of short formulas away (`rag.text.readable`), so pieces that can be nothing else are found
without them too: `n^{1/3}`, `O(\sqrt{n})`, `s_i`.

The grammar is a list of what is allowed: letters, numbers, signs, scripts, fractions, roots, accents, and commands
that stand for one character or a name. There are no macros, no addresses, no styles, no environments, and every
element and character that comes out is ours or escaped. Time and depth are bounded by the length of a formula.
"""

from __future__ import annotations

import re
from html import escape

from ui.symbols import ACCENTS, ALPHABETS, FUNCTIONS, SPACES, SYMBOLS

LONGEST = 600
DEEPEST = 12

_SPAN = re.compile(
    r"(?<![\w`])`(?P<code>[^\s`](?:[^`\n]{0,200}[^\s`])?)`(?![\w`])"
    r"|\$\$(?P<display>[^$]{1,600})\$\$"
    r"|\\\[(?P<bracket>.{1,600}?)\\\]"
    r"|\\\((?P<paren>.{1,600}?)\\\)"
    r"|(?<![\\$\w])\$(?P<inline>[^$\n]{1,600})\$(?![\d$])",
    re.DOTALL,
)
# A price and a word, as in "$5 and $10".
_PRICE = re.compile(r"\d[\d.,]*\s*(?:[A-Za-z]{2,}|-)")
# What a formula holds no more of once its commands are taken out.
_PROSE = re.compile(r"(?<![A-Za-z])[A-Za-z]?[a-z]{3,}")
_COMMANDS = re.compile(r"\\[A-Za-z]+\s*(?:\{[^{}]*\})?")

_GROUP = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\}){0,20}\}){0,200}\}"
_COMMAND = "|".join(sorted(filter(str.isalpha, [*SYMBOLS, *FUNCTIONS]), key=len, reverse=True))
_SCRIPT = rf"[_^](?:{_GROUP}|(?:[A-Za-z0-9]|\d{{1,3}})(?![A-Za-z0-9_])|[Α-ωℓ∞*+](?!\w)|\\(?:{_COMMAND})(?![A-Za-z]))"
_LOOSE = re.compile(
    # A letter, a number, or what a bracket has closed, with scripts …
    rf"(?:(?<![\w\\^])(?:[A-Za-zΑ-ωℓ]|\d{{1,6}})|(?<=[)\]}}]))(?:{_SCRIPT}){{1,2}}"
    # … a fraction, a root, an accent …
    rf"|\\(?:(?:[dt]?frac|binom)\s?{_GROUP}\s?{_GROUP}|(?:sqrt|{'|'.join([*ACCENTS, *ALPHABETS])})\s?{_GROUP}"
    rf"|(?:{'|'.join(ALPHABETS)})\s[A-Za-z](?![A-Za-z])"
    # … or a command that stands for a sign or a name, with scripts too.
    rf"|(?:{_COMMAND})(?![A-Za-z]))(?:{_SCRIPT}){{0,2}}"
    # Words that are stressed in the old way.
    r"|\{\\(?:em|it|sl|bf|sc|rm|sf|tt)\s+(?P<words>[^{}\\$]{1,200})\}"
)
_PART = re.compile(
    r"\\[A-Za-z]+\*?|(?:log|ln|exp|max|min|sup|inf|arg|lim)(?![A-Za-z])|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL
)
_LARGE = frozenset("∑∏⋃⋂⨁⨂⋁⋀") | {"lim", "max", "min", "sup", "inf", "argmax", "argmin", "arg max", "arg min"}
_OPEN, _CLOSE = "([{⌈⌊⟨|‖/.", ")]}⌉⌋⟩|‖/."


class _NotUnderstoodError(Exception):
    """The formula is none, or says more than is allowed."""


def rendered(text: str) -> str:
    """Text as HTML: formulas and code where they are understood, everything else escaped."""
    if not any(char in text for char in "\\$^_`"):
        return escape(text)
    parts, place = [], 0
    for match in _SPAN.finditer(text):
        parts += [_loose(text[place : match.start()]), _span(match)]
        place = match.end()
    return "".join([*parts, _loose(text[place:])])


def _span(match: re.Match[str]) -> str:
    if match["code"] is not None:
        # `quoted' words are no code.
        return escape(match[0]) if "'" in match["code"] else f"<code>{escape(match['code'])}</code>"
    source = next(match[name] for name in ("display", "bracket", "paren", "inline") if match[name] is not None)
    if match["inline"] is not None and (_PRICE.match(source) or _PROSE.search(_COMMANDS.sub(" ", source))):
        return _loose(match[0])
    found = formula(source, display=match["display"] is not None or match["bracket"] is not None)
    return escape(match[0]) if found is None else found


def _loose(text: str) -> str:
    if not any(char in text for char in "\\^_"):
        return escape(text)
    parts, place = [], 0
    for match in _LOOSE.finditer(text):
        parts.append(escape(text[place : match.start()]))
        if match["words"] is not None:
            parts.append(f"<em>{escape(match['words'])}</em>")
        else:
            parts.append(formula(match[0]) or escape(match[0]))
        place = match.end()
    return "".join([*parts, escape(text[place:])])


def formula(source: str, *, display: bool = False) -> str | None:
    """LaTeX as MathML; `None` where it is not understood, whole."""
    if len(source) > LONGEST or not source.strip():
        return None
    try:
        inside = _Reader(source).all()
    except _NotUnderstoodError:
        return None
    return f'<math display="block">{inside}</math>' if display else f"<math>{inside}</math>"


class _Reader:
    """Reads one formula from left to right."""

    def __init__(self, source: str) -> None:
        self._parts = _PART.findall(source)
        self._place = 0
        self._depth = 0

    def all(self) -> str:
        inside = self._row("")
        if self._place < len(self._parts):
            raise _NotUnderstoodError
        return inside

    def _peek(self) -> str:
        while self._place < len(self._parts) and self._parts[self._place].isspace():
            self._place += 1
        return self._parts[self._place] if self._place < len(self._parts) else ""

    def _next(self) -> str:
        part = self._peek()
        self._place += 1
        return part

    def _row(self, end: str) -> str:
        """Everything up to `end`, which is taken too."""
        parts = []
        while part := self._peek():
            if part == end:
                break
            if part in ("}", r"\right"):
                raise _NotUnderstoodError
            parts.append(self._scripted())
        if end and self._next() != end:
            raise _NotUnderstoodError
        return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"

    def _scripted(self) -> str:
        """One thing with what stands above and below it."""
        part = self._peek()
        name = "<mrow></mrow>" if part in ("^", "_") else self._thing()
        below, above = "", ""
        while (sign := self._peek()) in ("^", "_", "'"):
            self._next()
            if sign == "'":
                above = f"<mrow>{above}<mo>′</mo></mrow>"
            elif sign == "^" and not above:
                above = self._thing()
            elif sign == "_" and not below:
                below = self._thing()
            else:
                raise _NotUnderstoodError
        is_large = any(f">{large}<" in name for large in _LARGE)
        if below and above:
            tag = "munderover" if is_large else "msubsup"
        elif below:
            tag = "munder" if is_large else "msub"
        elif above:
            tag = "mover" if is_large else "msup"
        else:
            return name
        return f"<{tag}>{name}{below}{above}</{tag}>"

    def _thing(self) -> str:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _NotUnderstoodError
        thing = self._one(self._next())
        self._depth -= 1
        return thing

    def _one(self, part: str) -> str:
        if part.startswith("\\"):
            return self._command(part[1:])
        if part == "{":
            return self._row("}")
        if part == "~":
            return '<mspace width="0.25em"></mspace>'
        if not part or part in '}^_$&#`"\\':
            raise _NotUnderstoodError
        if part[0].isdigit():
            return f"<mn>{escape(part)}</mn>"
        if part.isalpha():
            return f"<mi>{escape(part)}</mi>"
        return f"<mo>{escape(_sign(part))}</mo>"

    def _command(self, name: str) -> str:
        if name in SYMBOLS:
            char = SYMBOLS[name]
            return f"<mi>{char}</mi>" if char.isalpha() else f"<mo>{escape(char)}</mo>"
        if name in FUNCTIONS:
            return f"<mi>{FUNCTIONS[name]}</mi>"
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}em"></mspace>'
        if name in ("frac", "dfrac", "tfrac"):
            return f"<mfrac>{self._digit()}{self._digit()}</mfrac>"
        if name == "binom":
            over = f'<mfrac linethickness="0">{self._digit()}{self._digit()}</mfrac>'
            return f"<mrow><mo>(</mo>{over}<mo>)</mo></mrow>"
        if name == "sqrt":
            return self._root()
        if name in ACCENTS:
            return f'<mover accent="true">{self._thing()}<mo>{ACCENTS[name]}</mo></mover>'
        if name in ("underline", "underbrace"):
            return f"<munder>{self._thing()}<mo>{'_' if name == 'underline' else '⏟'}</mo></munder>"
        if name in ALPHABETS:
            return self._lettered(name)
        if name == "left":
            return self._fenced()
        raise _NotUnderstoodError

    def _digit(self) -> str:
        r"""An argument, of which a number gives its first digit only: `\frac12` is a half."""
        part = self._peek()
        if part.isdecimal() and len(part) > 1:
            self._parts[self._place : self._place + 1] = [part[0], part[1:]]
        return self._thing()

    def _root(self) -> str:
        if self._peek() != "[":
            return f"<msqrt>{self._thing()}</msqrt>"
        self._next()
        index = self._row("]")
        return f"<mroot>{self._thing()}{index}</mroot>"

    def _lettered(self, name: str) -> str:
        """Words in a formula, or letters of another alphabet."""
        if (first := self._next()) != "{":
            if len(first) != 1 or not first.isalpha():
                raise _NotUnderstoodError
            return f'<mi mathvariant="normal">{escape(ALPHABETS[name].get(first, first))}</mi>'
        letters = ""
        while self._place < len(self._parts):
            part = self._parts[self._place]
            self._place += 1
            if part == "}":
                shown = "".join(ALPHABETS[name].get(char, char) for char in letters)
                tag = "mtext" if " " in shown else "mi"
                return f'<{tag} mathvariant="normal">{escape(shown)}</{tag}>'
            if part.startswith("\\") or part in "{$^_":
                raise _NotUnderstoodError
            letters += part
        raise _NotUnderstoodError

    def _fenced(self) -> str:
        opening = self._fence(_OPEN)
        inside = self._row(r"\right")
        return f"<mrow>{opening}{inside}{self._fence(_CLOSE)}</mrow>"

    def _fence(self, allowed: str) -> str:
        part = self._next()
        sign = SYMBOLS.get(part[1:], part[1:]) if part.startswith("\\") else part
        if len(sign) != 1 or sign not in allowed:
            raise _NotUnderstoodError
        return "" if sign == "." else f"<mo>{escape(sign)}</mo>"


def _sign(char: str) -> str:
    return {"-": "−", "*": "∗", "'": "′"}.get(char, char)
