"""The commands of LaTeX that a formula may hold, and the characters they stand for."""

from __future__ import annotations

import string
from collections.abc import Mapping
from types import MappingProxyType

SYMBOLS: Mapping[str, str] = {
    **dict(zip(
        "alpha beta gamma delta epsilon varepsilon eps zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho"
        " varrho sigma varsigma tau upsilon phi varphi chi psi omega".split(),
        "αβγδεεεζηθϑικλμνξπϖρϱσςτυφϕχψω",
        strict=True,
    )),
    **dict(zip(
        "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(), "ΓΔΘΛΞΠΣΥΦΨΩ", strict=True
    )),
    **dict(zip(
        "ell hbar imath jmath partial nabla infty emptyset varnothing forall exists nexists in notin ni subset supset"
        " subseteq supseteq subsetneq cup cap setminus wedge land vee lor neg lnot top bot vdash models oplus otimes"
        " odot".split(),
        "ℓℏıȷ∂∇∞∅∅∀∃∄∈∉∋⊂⊃⊆⊇⊊∪∩∖∧∧∨∨¬¬⊤⊥⊢⊨⊕⊗⊙",
        strict=True,
    )),
    **dict(zip(
        "leq le leqslant geq ge geqslant neq ne equiv approx sim simeq cong propto ll gg prec succ preceq succeq mid"
        " parallel perp pm mp times div cdot ast star circ bullet".split(),
        "≤≤≤≥≥≥≠≠≡≈∼≃≅∝≪≫≺≻⪯⪰∣∥⊥±∓×÷⋅∗⋆∘∙",
        strict=True,
    )),
    **dict(zip(
        "to rightarrow longrightarrow leftarrow leftrightarrow Rightarrow implies Leftarrow Leftrightarrow iff mapsto"
        " uparrow downarrow hookrightarrow rightsquigarrow".split(),
        "→→⟶←↔⇒⟹⇐⇔⟺↦↑↓↪⇝",
        strict=True,
    )),
    **dict(zip(
        "sum prod coprod int oint bigcup bigcap bigoplus bigotimes bigvee bigwedge".split(), "∑∏∐∫∮⋃⋂⨁⨂⋁⋀", strict=True
    )),
    **dict(zip(
        "lceil rceil lfloor rfloor langle rangle lbrace rbrace vert lvert rvert Vert lVert rVert".split(),
        "⌈⌉⌊⌋⟨⟩{}|||‖‖‖",
        strict=True,
    )),
    **dict(zip("ldots dots cdots vdots ddots prime dagger ddagger degree colon backslash Re Im aleph".split(),
               "……⋯⋮⋱′†‡°:\\ℜℑℵ", strict=True)),
    "{": "{", "}": "}", "%": "%", "$": "$", "#": "#", "&": "&", "_": "_", "|": "‖",
}  # fmt: skip
FUNCTIONS: Mapping[str, str] = {
    **{name: name for name in (
        "log ln lg exp sin cos tan arcsin arccos arctan sinh cosh tanh cot det dim gcd hom ker lim max min sup inf deg"
        " arg Pr mod"
    ).split()},
    "argmax": "arg max", "argmin": "arg min", "bmod": "mod",
}  # fmt: skip
ACCENTS: Mapping[str, str] = {
    "hat": "^", "widehat": "^", "tilde": "~", "widetilde": "~", "bar": "¯", "overline": "¯", "vec": "→",
    "overrightarrow": "→", "dot": "˙", "ddot": "¨", "check": "ˇ", "breve": "˘",
}  # fmt: skip
SPACES: Mapping[str, str] = {
    ",": "0.17", ":": "0.22", ">": "0.22", ";": "0.28", " ": "0.33", "!": "0", "quad": "1", "qquad": "2",
    "displaystyle": "0", "textstyle": "0", "limits": "0", "nolimits": "0", "big": "0", "Big": "0", "bigl": "0",
    "bigr": "0", "Bigl": "0", "Bigr": "0", "bigg": "0", "Bigg": "0",
}  # fmt: skip


def _alphabet(capitals: int, small: int, digits: int = 0, **others: str) -> dict[str, str]:
    """Letters of a mathematical alphabet; `others` were in Unicode before the alphabet was."""
    found = {char: chr(capitals + place) for place, char in enumerate(string.ascii_uppercase)}
    found |= {char: chr(small + place) for place, char in enumerate(string.ascii_lowercase)}
    if digits:
        found |= {char: chr(digits + place) for place, char in enumerate(string.digits)}
    return found | others


_PLAIN: Mapping[str, str] = MappingProxyType({})
_DOUBLE = _alphabet(0x1D538, 0x1D552, 0x1D7D8, C="ℂ", H="ℍ", N="ℕ", P="ℙ", Q="ℚ", R="ℝ", Z="ℤ")
_SCRIPT = _alphabet(0x1D49C, 0x1D4B6, B="ℬ", E="ℰ", F="ℱ", H="ℋ", I="ℐ", L="ℒ", M="ℳ", R="ℛ", e="ℯ", g="ℊ", o="ℴ")
_FRAKTUR = _alphabet(0x1D504, 0x1D51E, C="ℭ", H="ℌ", I="ℑ", R="ℜ", Z="ℨ")
_BOLD = _alphabet(0x1D400, 0x1D41A, 0x1D7CE)
_TYPEWRITER = _alphabet(0x1D670, 0x1D68A, 0x1D7F6)

ALPHABETS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys("text textrm mathrm mathit mathsf textsf textit mbox operatorname".split(), _PLAIN),
    **dict.fromkeys(("mathbf", "textbf", "boldsymbol", "bm"), _BOLD),
    **dict.fromkeys(("mathcal", "mathscr"), _SCRIPT),
    "mathbb": _DOUBLE, "mathfrak": _FRAKTUR, "mathtt": _TYPEWRITER, "texttt": _TYPEWRITER,
}  # fmt: skip
"""What the letters of a command's argument become; nothing: they stay as they are."""
