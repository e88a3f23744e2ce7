"""Words that mean the opposite of each other, in the language of abstracts."""

from __future__ import annotations

from functools import lru_cache

_PAIRS = """
increase increases increased increasing rise rises rose risen rising grow grows grew growing raise raises raised gain
gains gained add adds | decrease decreases decreased decreasing reduce reduces reduced reducing reduction drop drops
dropped fall falls fell falling decline declines declined lower lowers lowered shrink shrinks cut cuts loss lost;
higher high highest larger large largest greater greatest more most above up upper big bigger | lower low lowest
smaller small smallest fewer fewest less least below under little down;
improve improves improved improving improvement better best outperform outperforms outperformed superior exceeds
surpass surpasses enhance enhances beats win wins | degrade degrades degraded degradation worse worst worsen worsens
underperform underperforms inferior harm harms hurt hurts deteriorate deteriorates;
faster fast fastest quick quickly accelerate accelerates accelerated | slower slow slowest slowly slows slowed;
easy easier easily simple simpler simplify simplifies simplicity | hard harder difficult difficulty complex
complicated complexity challenging;
cheap cheaper inexpensive | expensive costly;
before prior precede precedes earlier | after following later;
first | last;
with including include includes included | without excluding exclude excludes excluded;
able can possible succeed succeeds succeeded success successful successfully | unable cannot impossible fail fails
failed failure unsuccessful;
allow allows allowed enable enables | prevent prevents prevented prohibit;
support supports confirm confirms agree agrees consistent | contradict contradicts refute refutes disagree
inconsistent;
benefit benefits helpful beneficial effective useful advantage | harmful detrimental ineffective useless disadvantage;
similar same alike identical close comparable | different differ differs distinct dissimilar;
all every everything always both entire whole | none no never neither;
many much numerous large abundant | few little rare scarce hardly;
automatic automatically automated | manual manually hand;
online | offline;
supervised | unsupervised;
static statically | dynamic dynamically;
public publicly open | private proprietary closed;
global globally | local locally;
strong strongly stronger strongest robust | weak weakly weaker weakest fragile;
positive positively | negative negatively;
maximum maximal maximize maximizes maximise maximizing | minimum minimal minimize minimizes minimise minimizing;
long longer longest | short shorter shortest;
old older oldest elderly | young younger youngest;
early earlier | late later;
present presence | absent absence;
significant significantly considerable considerably dramatic dramatically substantial strongly | slight slightly
insignificant negligible marginal;
accept accepted accepts | reject rejected rejects;
linear | nonlinear quadratic exponential;
known | unknown;
stable | unstable;
secure | insecure vulnerable;
safe | unsafe dangerous;
survive survived survives alive survivors | die died dies dead deceased death;
centralized centralised | decentralized decentralised distributed;
indoor indoors | outdoor outdoors;
optimal exact | suboptimal approximate;
male men man | female women woman;
child children | adult adults;
like likes liked prefer prefers | dislike dislikes disliked;
prospective prospectively | retrospective retrospectively;
rare rarely seldom | common often frequent frequently;
encrypted | unencrypted;
real | simulated simulation synthetic;
general universal | specific special;
complete completely full fully | partial partially partly;
sufficient enough suffices adequate | insufficient inadequate;
active | passive;
horizontal | vertical;
necessary required requires require needs | unnecessary optional;
previous existing | novel new proposed;
forward | backward back;
deep | shallow;
sparse | dense;
broad wide | narrow;
"""

_SIDES = [
    (frozenset(left.split()), frozenset(right.split()))
    for left, right in (pair.split("|") for pair in _PAIRS.split(";") if pair.strip())
]


@lru_cache(maxsize=16_384)
def opposite(word: str) -> frozenset[str]:
    """The words that say the opposite of `word`."""
    found: frozenset[str] = frozenset()
    for left, right in _SIDES:
        if word in left:
            found |= right
        if word in right:
            found |= left
    return found
