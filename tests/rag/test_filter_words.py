"""What is read out of a question as a filter, and, more important, what is not."""

from __future__ import annotations

from datetime import date

import pytest

from rag.filter_words import phrases, without
from rag.filters import NONE, Filters
from rag.index import Index
from rag.types import Paper
from tests.fakes import build_fake_index

TODAY = date(2026, 11, 21)
TOPICS = (
    "Gradient descent with Adam trains deep networks. Adam converges where Newton does not. Markov chains and BERT.",
    "Retrieval augmented generation with Adam, Long contexts, Young data and GANs. Results on ImageNet 2012 by BERT.",
    "Alzheimer patients were treated. Adam and Markov models predict Alzheimer, and Machine Learning helps.",
)


@pytest.fixture(scope="module")
def index() -> Index:
    people = [
        ("Yoshua Bengio", "Geoffrey Hinton"), ("Ashish Vaswani",), ("Laurens van der Maaten",), ("Åsa Müller",),
        ("J. Smith", "Wei Wang"), ("Mary Adam",), ("Andrei Markov",), ("Alois Alzheimer",), ("Kim Young", "Li Long"),
    ]  # fmt: skip
    venues = ["ICLR 2023", "NeurIPS", "Nature", "Machine Learning", "Transactions of the ACL", None]
    return build_fake_index(
        [
            Paper(
                f"p{n}", f"Paper {n}", TOPICS[n % 3], authors, date=f"{2015 + n}-03-0{n + 1}",
                venue=venues[n % len(venues)], categories=("cs.CL", "stat.ML") if n % 2 else ("math.GT",),
            )
            for n, authors in enumerate(people)
        ]
    )  # fmt: skip


READ = [
    ("Which papers since 2024 deal with pruning?", Filters("2024"), "Which papers deal with pruning?"),
    ("papers since 2024 on pruning", Filters("2024"), "Papers on pruning"),
    ("papers on pruning since 2024", Filters("2024"), "Papers on pruning"),
    ("Are there any papers before 2015 about parsing?", Filters(until="2014"), "Are there any papers about parsing?"),
    ("papers after 2020 about parsing", Filters("2021"), "Papers about parsing"),
    ("studies between 2018 and 2020 on parsing", Filters("2018", "2020"), "Studies on parsing"),
    ("papers from 2018 to 2020 on parsing", Filters("2018", "2020"), "Papers on parsing"),
    ("papers 2018-2020 on parsing", Filters("2018", "2020"), "Papers on parsing"),
    ("List the papers published in 2019.", Filters("2019", "2019"), "List the papers."),
    ("papers from 2019 on graph networks", Filters("2019", "2019"), "Papers on graph networks"),
    ("Which papers on parsing were published in 2019?", Filters("2019", "2019"), "Which papers on parsing?"),
    ("Which papers that were published before 2018 use trees?", Filters(until="2017"), "Which papers use trees?"),
    ("What was published on parsing in 2023?", Filters("2023", "2023"), "What was published on parsing?"),
    ("What has been published on parsing since 2020?", Filters("2020"), "What has been published on parsing?"),
    ("papers since May 2024 on parsing", Filters("2024-05"), "Papers on parsing"),
    ("papers since 2024-05-03 on parsing", Filters("2024-05-03"), "Papers on parsing"),
    ("articles published in March 2023 about parsing", Filters("2023-03", "2023-03"), "Articles about parsing"),
    ("papers from the last two years on parsing", Filters("2024-11"), "Papers on parsing"),
    ("papers of the past 6 months on parsing", Filters("2026-05"), "Papers on parsing"),
    ("papers from the last year about parsing", Filters("2025-11"), "Papers about parsing"),
    ("Which papers from this year deal with parsing?", Filters("2026", "2026"), "Which papers deal with parsing?"),
    ("Since 2024, which papers deal with parsing?", Filters("2024"), "Which papers deal with parsing?"),
    ("In 2019, which papers dealt with parsing?", Filters("2019", "2019"), "Which papers dealt with parsing?"),
    ("papers from the 1990s on parsing", Filters("1990", "1999"), "Papers on parsing"),
    ("2023 papers on parsing", Filters("2023", "2023"), "Papers on parsing"),
    ("papers until 2020 on parsing", Filters(until="2020"), "Papers on parsing"),
    ("papers from 2020 or later on parsing", Filters("2020"), "Papers on parsing"),
    ("papers published in 2020 and later on parsing", Filters("2020"), "Papers on parsing"),
    ("papers from 2020 or earlier on parsing", Filters(until="2020"), "Papers on parsing"),
    ("papers from 2019 and 2020 on parsing", Filters("2019", "2020"), "Papers on parsing"),
    ("papers from NeurIPS and Nature on nets", Filters(venues=("NeurIPS", "Nature")), "Papers on nets"),
    ("papers by Bengio et al. on nets", Filters(authors=("Bengio",)), "Papers on nets"),
    ("papers from 2019 onwards on parsing", Filters("2019"), "Papers on parsing"),
    ("papers no older than parsing", NONE, "Papers no older than parsing"),
    ("papers by Yoshua Bengio", Filters(authors=("Yoshua Bengio",)), "Papers"),
    ("papers by yoshua bengio on learning", Filters(authors=("yoshua bengio",)), "Papers on learning"),
    ("papers by Bengio on learning", Filters(authors=("Bengio",)), "Papers on learning"),
    ("papers by Y. Bengio about learning", Filters(authors=("Y. Bengio",)), "Papers about learning"),
    ("papers on attention by Vaswani", Filters(authors=("Vaswani",)), "Papers on attention"),
    ("papers on attention by Ashish Vaswani?", Filters(authors=("Ashish Vaswani",)), "Papers on attention?"),
    ("papers by van der Maaten on maps", Filters(authors=("van der Maaten",)), "Papers on maps"),
    ("papers by Asa Muller", Filters(authors=("Asa Muller",)), "Papers"),
    ("papers by John Smith on wool", Filters(authors=("John Smith",)), "Papers on wool"),
    ("papers by Bengio and Hinton on nets", Filters(authors=("Bengio", "Hinton")), "Papers on nets"),
    ("papers written by Wei Wang about nets", Filters(authors=("Wei Wang",)), "Papers about nets"),
    ("Bengio's papers on nets", Filters(authors=("Bengio",)), "Papers on nets"),
    ("papers by Adam on nets", Filters(authors=("Adam",)), "Papers on nets"),
    ("papers from ICLR 2023 on nets", Filters(venues=("ICLR 2023",)), "Papers on nets"),
    ("papers at NeurIPS on nets", Filters(venues=("NeurIPS",)), "Papers on nets"),
    ("NeurIPS papers on nets", Filters(venues=("NeurIPS",)), "Papers on nets"),
    ("NeurIPS 2016 papers on nets", Filters("2016", "2016", venues=("NeurIPS",)), "Papers on nets"),
    ("papers from NeurIPS 2016 on nets", Filters("2016", "2016", venues=("NeurIPS",)), "Papers on nets"),
    ("Which papers on nets were presented at NeurIPS?", Filters(venues=("NeurIPS",)), "Which papers on nets?"),
    ("papers published in Nature on nets", Filters(venues=("Nature",)), "Papers on nets"),
    ("papers in cs.CL on nets", Filters(categories=("cs.CL",)), "Papers on nets"),
    ("What is new about nets in cs.CL?", Filters(categories=("cs.CL",)), "What is new about nets?"),
    ("cs.CL papers on nets", Filters(categories=("cs.CL",)), "Papers on nets"),
    (
        "papers by Bengio since 2010 on nets",
        Filters("2010", authors=("Bengio",)),
        "Papers on nets",
    ),
    ("papers on nets by Vaswani since 2010", Filters("2010", authors=("Vaswani",)), "Papers on nets"),
    (
        "papers from ICLR 2023 by Bengio in cs.CL",
        Filters(authors=("Bengio",), venues=("ICLR 2023",), categories=("cs.CL",)),
        "Papers",
    ),
    ("How many papers since 2020 are there?", Filters("2020"), "How many papers are there?"),
    ("papers on language models since 2020", Filters("2020"), "Papers on language models"),
    ("papers in cs.CL on attacks since 2017", Filters("2017", categories=("cs.CL",)), "Papers on attacks"),
    ("How many papers per year since 2015?", Filters("2015"), "How many papers per year?"),
    ("Which papers since 2022 save memory?", Filters("2022"), "Which papers save memory?"),
    ("Summarise the papers since 2022 on nets", Filters("2022"), "Summarise the papers on nets"),
]

NOT_READ = [
    "papers from 2015 and 2018 on parsing",
    "Which papers use the optimizer proposed by Hinton?",
    "Which papers were inspired by Hinton?",
    "papers criticised by Bengio",
    "papers on parsing not by Bengio",
    "Which papers on parsing were not published in 2023?",
    "papers on buildings built before 1950",
    "papers on languages spoken since 1900",
    "Which models were trained on ImageNet 2012?",
    "How large is the ImageNet 2012 training set?",
    "What are the results by BERT?",
    "Which papers optimise by gradient descent?",
    "papers on training by Adam",
    "papers on inference by Markov",
    "How well do models do on NLP tasks in 2048-dimensional space?",
    "papers on vectors in 2048 dimensions",
    "Which papers use 2019 novel coronavirus data?",
    "papers from 2019 elections",
    "papers on the 2016 election",
    "papers on tweets from 2019",
    "papers on elections in 2016",
    "How has the climate changed since 1990?",
    "papers on the decline of bees since 1990",
    "papers on changes of temperature between 1950 and 2000",
    "What happened to mortality between 1990 and 2000?",
    "Which data were collected in 2015?",
    "Wikipedia articles since 2019",
    "news articles from 2018 about war",
    "How do language models summarise papers from 2019?",
    "Does the model trained on papers from 2016 generalise?",
    "What does the corpus of papers published since 2010 contain?",
    "Which prompts in 2023 Bard and GPT-4 fail?",
    "papers on novels published in 1850",
    "papers on datasets released in 2020",
    "Which papers train on 2000 examples?",
    "papers with 2020 participants",
    "What is the state of the art in machine translation?",
    "papers in Machine Learning",
    "papers on learning by Teaching",
    "papers about learning by doing",
    "papers on Alzheimer's disease",
    "Alzheimer's research on mice",
    "papers by Google on nets",
    "papers by Zorglub on nets",
    "papers on optimisation by Newton",
    "papers on attacks by Long prompts",
    "Which method by Bengio works best?",
    "How does attention by Vaswani work?",
    "Who is Geoffrey Hinton?",
    "What is Nature?",
    "GAN papers on faces",
    "papers on nature and nurture",
    "Which systems took part in SemEval 2018?",
    "How did the systems do at WMT 2014?",
    "What is new in cs.XX?",
    "Is BLEU on newstest2014 above 30?",
    "papers on COVID-19 in 2020",
    "What did users post from 2018 to 2020?",
    "What share of papers from 2019 release code?",
    "papers on tweets between 2016 and 2018",
    "papers on models trained before 2020",
    "papers on the history of computing since 1950",
    "Which results of the literature before 2010 does the model of Smith explain?",
]


@pytest.mark.parametrize(("question", "filters", "left"), READ)
def test_a_filter_is_read_and_its_words_go(question: str, filters: Filters, left: str, index: Index) -> None:
    found = phrases(question, index, TODAY)
    read = NONE
    for phrase in found:
        read &= phrase.filters
    assert (read, without(question, found)) == (filters, left)


@pytest.mark.parametrize("question", NOT_READ)
def test_what_may_be_the_topic_is_no_filter(question: str, index: Index) -> None:
    assert phrases(question, index, TODAY) == ()
