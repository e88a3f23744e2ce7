"""What kind of question it is: decides how much evidence is taken, from how many papers, and the reply's shape."""

# ruff: noqa: E501  # a form of question is read on one line
from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from rag import collection
from rag.text import terms, words


class Kind(StrEnum):
    """How a question wants to be answered."""

    SMALL_TALK = "small_talk"
    LISTING = "listing"
    COMPARISON = "comparison"
    OVERVIEW = "overview"
    NUMBER = "number"
    FACT = "fact"
    COLLECTION = "collection"


SMALL_TALK = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hallo|good (?:morning|day|afternoon|evening)"
    r"|thanks?(?: (?:you|so much|very much|a lot|again))*|bye|goodbye|ok(?:ay)?|cool|great|nice"
    r"|perfect|awesome|wow|interesting|sure|yes|no|got it|i see"
    r"|(?:that|this) (?:makes sense|was (?:very )?helpful|helps|is (?:very )?helpful)|how are you(?: doing)?(?: today)?"
    r"|(?:who|what) are you|what can (?:you do|i ask)(?: you| for me)?|how can you help(?: me)?|help(?: me)?"
    r"|there|paperchat|again)(?:\W+|$))+$",
    re.IGNORECASE,
)
# Asked for papers in so many words, whatever else the question says of them.
_PAPERS = re.compile(
    r"^\W*((please )?(list|find|show me|give me)|which|what|(are|is) there|i('m| am) looking for"
    r"|(do|have) you (have|got))"
    r" ((all|any|some|the|more|other) )*"
    r"(papers|studies|articles|publications|(works?|anything)(?= (on|about|that|for|with)\b))\b",
    re.IGNORECASE,
)
# A question for works without that opening: "papers where robots learn", "which works deal with", "who wrote about".
# "Which works best" asks for no work.
_WORKS = re.compile(
    r"^\W*((please )?(list|find|get|show|give)( me| us)?|(i|we)('d like| would like| need| want| am after|'m after))"
    r" ((all|any|every|everything|the|some|other|more|recent) )*(everything|papers|works?|studies|articles|publications"
    r"|research|those)(?= (about|on|that|which|who|where|with|dealing|concerning|of|for|in|by|from|using|studying)\b)"
    r"|^\W*(all|any|every|the|some|recent|other)? ?(papers?|works?|studies|articles|publications|research)"
    r" (about|on|that|which|where|with|dealing|concerning|studying|treating|using|handling|describing|proposing|by)\b"
    r"|^\W*(every|any)thing (about|on|aimed|for|that|which|where|with|dealing|concerning|of|in|using)\b"
    r"|\bwhich works (?!(best|better|well|worse|faster|fine|more|most|less|good|in|when|if|as|for|only|because|and|or|with"
    r"|without|at|to|than|out|here|there|now|today)\b)\w+"
    r"|\b(which|what) (other )?(authors|researchers|teams|(research )?groups) \w+"
    r"|\bwhat (do|have) (you|we) (have|got|hold)( here)? (on|about|concerning|for)\b"
    r"|\bwho (else )?(has |have )?(wrote|written|writes|published|publishes|works|worked|studies|studied|looked|looks)"
    r" (about|on|into|at)\b",
    re.IGNORECASE,
)
_LISTING = re.compile(
    r"^\W*(list|enumerate|give me (a list|all|some)|show me (all|some|the))\b"
    r"|\b(which|what) (\w+ ){0,3}(papers|works(?= (on|about|that|by)\b)|studies|articles|surveys|abstracts)\b"
    # "Which methods prune attention" lists; "which models was it tested on" asks for a fact.
    r"|\b(which|what) (?!(?:do|does|did|can|could|makes?|is|are|was|were|will|would|should|causes?|if|happens)\b)"
    r"(\w+ ){0,2}(methods|approaches|benchmarks|datasets|techniques|systems|frameworks|models)"
    r" (?!(did|does|do|was|were|is|are|has|had|have|can|could|should|would|of|in|on)\b)"
    r"|^\W*(any |all |the )?(papers?|works?|studies|articles|systems|methods) (on|about|that|which|for|built|using)\b"
    r"|\bgive me (the |all |any )?(\w+ )?(papers|works|studies)\b|\ball of them\b|^\W*anything (on|about|aimed|for)\b"
    r"|^\W*who (built|made|uses|used|tried|develops|developed|trained|trains|applies|applied|works)\b"
    r"|\bwhat('s| is| are)? there (on|about)\b|\bwho (has|have) (proposed|studied|worked|looked|searched|written)\b"
    r"|\b(any|all( of)? the) (papers|works|studies)\b|^\W*some (papers|works|studies)\b"
    r"|\bare there (any |several )?(papers|works|studies)\b",
    re.IGNORECASE,
)
_OVERVIEW = re.compile(
    r"^\W*((please|can you|could you) )*(give|write|show|offer)( (me|us))? (an?|the) ((short|brief|quick|general) )?"
    r"(overview|summary|survey|introduction|picture)\b"
    r"|\boverview (of|on|over)\b|^\W*((please|can you|could you) )*(summari[sz]e|sum up|outline)\b"
    r"|\bwhat (is|do we|do people|do researchers|do (the|these) (papers|abstracts)) (already |currently )?"
    r"(known?|say) (about|of|on)\b"
    r"|^\W*(what('s| is) )?(the )?(current )?(state of the art|latest|recent work|current work|progress) (in|of|on|for)"
    r"\b"
    r"|^\W*tell me (more )?about\b"
    r"|\bwhat has been (done|tried|proposed|studied|found|learn(ed|t)|written) (on|about|in|for|to|with)\b"
    r"|\bwhat are (the )?(main|current|recent|different|common|typical|usual|open|big) (\w+ )?(approach|idea|method|way"
    r"|trend|direction|challenge|problem|theme|topic|finding|strateg|technique|line)\w*\b"
    r"|\bhow (do|does) (papers|researchers|others|authors|the (papers|field|community)) \w+"
    r"|^\W*(an? |the )?((short|brief|quick|general) )?(overview|summary|survey|review)\b"
    r"|\bwhat('s| is) (new|going on|happening|known|out there|the (latest|news|status|situation)) (in|on|about|with|for)\b"
    r"|\bwhat (approaches|techniques|methods|ideas|ways|strategies|directions|efforts|attempts) (are|exist|have been"
    r"|were|do (people|researchers))\b"
    r"|\bwhat (are|do|have) (people|researchers|authors|scientists|groups) (doing|trying|tried|working|say|said|think)"
    r" \w+"
    r"|^\W*(please )?(explain|describe|review|sketch) (the |current |recent |existing )*(research|work|works|literature"
    r"|progress|field|efforts)\b"
    r"|\b(up to (speed|date) (on|with)|walk me through|where do i (start|begin)|get me started)\b"
    r"|\bwhere (does|do) (the )?(research|work|field|things) (on|in|about|for) .+ stand\b"
    r"|\bgive (me |us )?an account of\b|\bwhat are (the )?(\w+ )?(ways|approaches|methods) (to|of|for)\b"
    r"|\bwhat are the (main |common )?(themes|topics|trends|lines of work|directions|open questions)\b"
    r"|\bhow has .+ (developed|evolved|changed|progressed)\b"
    r"|\b(across|throughout|among) (the|these|those|all) (papers|abstracts|studies|works|collection)\b"
    r"|^\W*(ideas|approaches|methods|techniques) (people |researchers |that )?(have |has )?(been )?(tried|proposed|used)\b",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"^\W*(compare|contrast)\b|\bhow (do|does|did|is|are)\b.*\b(compare|differ)\b"
    r"|\b(comparison|contrast) (of|between)\b"
    r"|\b(compared (to|with)|versus|vs\.?|(?<!temporal )(?<!finite )differences? (between|in|of|from|to)|different from"
    r"|as opposed to|in common|rather than the)\b"
    r"|\bthe two\b|\bboth .+ and\b|\beach (of (the|these|those|them)|side|one|method|approach|paper|do|does|use|cost)\b"
    r"|\bor the (one|other)\b"
    r"|\b(stack|stacks|stacked|measure|measures|hold|holds) up (against|to|next to)\b|^\W*what sets .+ apart from\b|\bpart ways\b"
    r"|\bpros and cons of .+ (against|over)\b|\b(similarities|trade-?offs?) (and|between|among)\b"
    r"|\b(advantages?|benefits?) of ([\w-]+ ){1,4}over\b"
    r"|\bwhich (one )?(\w+ )?(better|worse|faster|slower|cheaper|safer|stronger|simpler)\b[^?]*[,:] .+ or\b"
    r"|^\W*(is|are) [^?,]{2,40} or .+\b(better|worse|faster|slower|cheaper|safer|stronger|simpler)\b"
    r"|^\W*is it (better|worse|faster|cheaper|safer|simpler) to .+ or\b|^\W*should (i|we|one) (use|choose|take|pick) .+ or\b"
    r"|\b(is|are|was|were) .+ unlike\b|\bwhat distinguishes .+ (from|and)\b",
    re.IGNORECASE,
)
# "How large language models" and "what is number theory" ask for no number: something else stands behind these.
_NO_NOUN = (
    r"(?= (?:an?|the|this|that|these|those|is|are|was|were|do|does|did|can|could|should|will|would|must|has|have|had|of"
    r"|to|they|we|you|it|in|on|for|from|at|by|with|per|and|or|than|between|when|over|after|before|beforehand|compared"
    r"|achieved|reached|reported|obtained)\b|\W*$|,)"
)
_NUMBER = re.compile(
    rf"\bhow (?:(?:many|much|often|far)\b|(?:large|big|long|fast|few|small|high|low)\b{_NO_NOUN})|\bby how\b"
    r"|\bby what (?:factor|percent\w*|margin|amount|share|number|fraction|proportion|ratio)\b"
    r"|\b(?:what|which)(?:'s the)? (?:is the |was the |are the )?(?:(?!is |are )\w+ ){0,2}(?:percentage|percent|share|number"
    r"|factor|fraction|proportion|size|accuracy|rate|score|scores|speed-?up|cost|gain|gains|margin|amount|count|reduction)\b"
    + _NO_NOUN
    + r"|\b(?:what|which)(?:'s| is| was)? (?:the )?(?:\w+ )?(?:f1|bleu|rouge|(?-i:mAP)|wer|auc|auroc|perplexity)(?:-?score)?\b"
    r"|\bhow old\b",
    re.IGNORECASE,
)
# A question word further in than this does not open the question.
OPENING = 25
_PERCENT = re.compile(r"\b(percent|percentage|proportion|share|fraction)\b", re.IGNORECASE)
_COUNTED = re.compile(
    r"\bhow many ((?:[\w-]+ ){0,4}?[\w-]+)(?= (?:did|do|does|are|is|were|was|have|has|can|will|would"
    r"|of|in|on|for|from|to|per|get|got|make|made|go|went|used)\b|\W*$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A standalone question, read."""

    text: str
    kind: Kind

    @property
    def wants_number(self) -> bool:
        """Is the answer a number? "How many" deep inside a question asks for something else."""
        before = [self.text[: match.start()] for match in _NUMBER.finditer(self.text)]
        return any(len(b) < OPENING or b.rstrip().endswith((",", "and", ";")) for b in before)

    @property
    def wants_percentage(self) -> bool:
        """Is it a share or a rate?"""
        return bool(_PERCENT.search(self.text))

    @property
    def counted(self) -> frozenset[str]:
        """Stems of what "how many ..." counts; empty for other questions."""
        match = _COUNTED.search(self.text)
        return frozenset(terms(match[1])) if match else frozenset()


def read(text: str, *, filtered: bool = False) -> Question:
    """Tells the kind of a standalone question from its words.

    Args:
        text: Without the words that became filters.
        filtered: Some did.
    """
    return Question(text, _kind(text, filtered))


def of_abstracts(question: Question) -> Question:
    """The same question, asked of the abstracts where the records have no answer."""
    return Question(question.text, _kind_by_words(question.text))


def _kind(text: str, filtered: bool) -> Kind:
    if SMALL_TALK.match(text) or not words(text):
        return Kind.SMALL_TALK
    return Kind.COLLECTION if collection.read(text, filtered=filtered) else _kind_by_words(text)


def _kind_by_words(text: str) -> Kind:
    if _PAPERS.search(text):
        return Kind.LISTING
    if _COMPARISON.search(text):
        return Kind.COMPARISON
    if _OVERVIEW.search(text):
        return Kind.OVERVIEW
    if _LISTING.search(text) or _WORKS.search(text):
        return Kind.LISTING
    return Kind.NUMBER if _NUMBER.search(text) else Kind.FACT
