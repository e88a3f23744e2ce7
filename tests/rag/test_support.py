"""A sentence is shown as supported only where an abstract says it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rag.protocols import Vectors
from rag.support import SupportChecker, contradiction, no_statement
from rag.text import sentences
from rag.types import Chunk, NumberedPassage, Paper, ScoredPassage, Verdict
from tests.fakes import FakeEmbedder
from tests.rag.claims import FALSE, MINFERENCE, PAPERS, PARAPHRASED, TUNING, VERBATIM

FALSE_CLAIMS = [pytest.param(claim, id=f"{kind}: {claim}") for kind, claims in FALSE.items() for claim in claims]


class GullibleEmbedder(FakeEmbedder):
    """Finds every text alike: real models put a wrong number or a swapped name very near the truth."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        vectors[:, 0] = 1.0
        return vectors


def handed_out(*papers: Paper) -> list[NumberedPassage]:
    return [
        NumberedPassage(n, ScoredPassage(Chunk(p, 0, len(p.abstract)), 1.0, n), (), n)
        for n, p in enumerate(papers, start=1)
    ]


@pytest.mark.parametrize("claim", FALSE_CLAIMS)
def test_what_is_false_is_never_called_supported(claim: str) -> None:
    judgement = SupportChecker(GullibleEmbedder()).check(claim, handed_out(*PAPERS))
    assert judgement.support.verdict is not Verdict.SUPPORTED, judgement.support


@pytest.mark.parametrize("claim", VERBATIM)
def test_an_abstracts_own_sentence_is_supported_by_it(claim: str) -> None:
    judgement = SupportChecker(FakeEmbedder()).check(claim, handed_out(*PAPERS))
    assert judgement.support.verdict is Verdict.SUPPORTED, judgement.support
    assert judgement.number is not None
    paper = PAPERS[judgement.number - 1]
    assert judgement.support.paper_id == paper.id
    assert judgement.support.evidence in paper.abstract


@pytest.mark.parametrize("sentence", sentences(MINFERENCE.abstract) + sentences(TUNING.abstract))
def test_no_sentence_contradicts_itself(sentence: str) -> None:
    assert contradiction(sentence, sentence) is None


@pytest.mark.parametrize("claim", PARAPHRASED)
def test_a_true_rewording_is_not_thrown_out(claim: str) -> None:
    support = SupportChecker(FakeEmbedder()).check(claim, handed_out(*PAPERS)).support
    assert support.verdict is not Verdict.UNSUPPORTED, support


@pytest.mark.parametrize("claim", [*VERBATIM, *PARAPHRASED, *(claim for claims in FALSE.values() for claim in claims)])
def test_scores_lie_between_nothing_and_certainty(claim: str) -> None:
    support = SupportChecker(GullibleEmbedder()).check(claim, handed_out(*PAPERS)).support
    assert 0.0 <= support.score <= 1.0


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (FALSE["wrong number"][0], "the abstract does not give the number 20x"),
        (FALSE["other name"][0], "the abstract does not name FlashAttention"),
        (FALSE["swapped names"][0], "the sides of the comparison are swapped"),
        (FALSE["opposite direction"][0], "the abstract says the opposite direction"),
        (FALSE["fragment"][0], "it is too short to be checked"),
    ],
)
def test_the_reader_is_told_why_a_sentence_was_withheld(claim: str, reason: str) -> None:
    support = SupportChecker(GullibleEmbedder()).check(claim, handed_out(MINFERENCE, TUNING)).support
    assert support.reason == reason


def test_a_sentence_that_says_the_question_back_is_no_answer() -> None:
    question = "Does MInference reduce inference latency for pre-filling on an A100?"
    echo = "MInference reduces inference latency for pre-filling on an A100."
    checker = SupportChecker(FakeEmbedder())
    assert checker.check(echo, handed_out(MINFERENCE)).support.verdict is not Verdict.UNSUPPORTED
    support = checker.check(echo, handed_out(MINFERENCE), question=question).support
    assert support.verdict is Verdict.UNSUPPORTED
    assert support.reason == "it only says the question back"


def test_a_new_figure_makes_more_than_an_echo() -> None:
    question = "How much does MInference reduce inference latency for pre-filling on an A100?"
    claim = "MInference reduces inference latency for pre-filling on an A100 by up to 10x."
    assert no_statement(claim, question) is None


def test_a_title_said_back_is_no_answer() -> None:
    said = "Accelerating pre-filling for long-context LLMs via dynamic sparse attention."
    support = SupportChecker(GullibleEmbedder()).check(said, handed_out(MINFERENCE)).support
    assert support.verdict is Verdict.UNSUPPORTED
    assert support.reason == "it only repeats a title"


def test_a_citation_of_the_wrong_paper_is_put_right() -> None:
    judgement = SupportChecker(FakeEmbedder()).check(VERBATIM[2], handed_out(*PAPERS), cited=(1,))
    assert judgement.number == 2
    assert judgement.support.paper_id == TUNING.id


def test_the_cited_paper_is_kept_where_two_papers_say_it() -> None:
    twin = Paper("twin", "Another title altogether", MINFERENCE.abstract)
    for cited in (1, 2):
        judgement = SupportChecker(FakeEmbedder()).check(VERBATIM[0], handed_out(MINFERENCE, twin), cited=(cited,))
        assert judgement.number == cited


def test_a_claim_may_rest_on_two_neighbouring_sentences() -> None:
    claim = "AMFT outperforms GRPO on mathematical reasoning by 3.2 points. Output quality rises at first and then drops as the number of passages grows."
    assert SupportChecker(FakeEmbedder()).check(claim, handed_out(TUNING)).support.verdict is Verdict.SUPPORTED


def test_a_pronoun_without_its_subject_is_not_supported() -> None:
    evidence = "MInference reduces inference latency by up to 10x for pre-filling on an A100."
    claim = "It reduces inference latency by up to 10x for pre-filling on an A100."
    assert SupportChecker(GullibleEmbedder()).check_text(claim, evidence).verdict is not Verdict.SUPPORTED


def test_nothing_is_supported_without_papers() -> None:
    judgement = SupportChecker(FakeEmbedder()).check(VERBATIM[0], [])
    assert judgement.support.verdict is Verdict.UNSUPPORTED
    assert judgement.number is None


def test_a_claim_is_checked_against_a_bare_text_too() -> None:
    checker = SupportChecker(FakeEmbedder())
    assert checker.check_text(VERBATIM[2], TUNING.abstract).verdict is Verdict.SUPPORTED
    assert checker.check_text(FALSE["wrong number"][1], TUNING.abstract).verdict is Verdict.UNSUPPORTED
    assert checker.check_text(FALSE["fragment"][0], TUNING.abstract).verdict is Verdict.UNSUPPORTED
    assert checker.check_text(VERBATIM[2], "").verdict is Verdict.UNSUPPORTED


def test_a_sentence_that_repeats_itself_is_not_supported() -> None:
    controller = Paper(
        "c", "AMFT", "The core of AMFT is a weight controller that treats the balance of both as learnable."
    )
    claim = (
        "AMFT is a weight controller that treats the balance of a weight controller that treats the balance of AMFT."
    )
    assert (
        SupportChecker(GullibleEmbedder()).check(claim, handed_out(controller)).support.verdict is not Verdict.SUPPORTED
    )
