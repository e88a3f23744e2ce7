"""The four experiments through the command line, on readers whose weakness is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from eval.cli import app
from eval.experiments import command, cost
from eval.experiments.contexts import Trial
from eval.experiments.items import Item, Passage
from eval.experiments.readers import ModelReader
from rag import build
from rag.config import Config
from rag.errors import GenerationError, PaperchatError
from rag.types import Paper
from tests.eval.experiments.material import SeeingReader, documents, ends, given_file
from tests.fakes import FakeEmbedder, build_fake_index


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> SeeingReader:
    """A reader that sees everything; tests blind it. The index is in memory."""
    fake = SeeingReader(context_tokens=100_000)

    def create(config: Config, *_: Any) -> Any:
        config.index.mkdir(parents=True, exist_ok=True)
        (config.index / "complete").unlink(missing_ok=True)
        return build_fake_index(folder=config.index)

    monkeypatch.setattr(build, "build_generator", lambda config: fake)
    monkeypatch.setattr(build, "build_embedder", lambda config: FakeEmbedder())
    monkeypatch.setattr(build, "create_index", create)
    # What is read to time this machine is not read for the experiment.
    monkeypatch.setattr(command, "pace", lambda trials, reader: 1.0)
    return fake


def called(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def measured(tmp_path: Path, name: str, *arguments: object) -> dict[str, Any]:
    result = called(name, given_file(tmp_path), "--report", tmp_path / name, "--json", *arguments)
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def failed(*arguments: object) -> str:
    error = called(*arguments).exception
    assert isinstance(error, PaperchatError), error
    return str(error)


def curve(result: dict[str, Any], series: str) -> dict[int, float]:
    return {c["x"]: c["quality"]["value"] for c in result["conditions"] if c["series"] == series and c["quality"]}


def test_a_reader_of_the_ends_alone_is_lost_in_the_middle(reader: SeeingReader, tmp_path: Path) -> None:
    reader.sees = ends
    result = measured(tmp_path, "position", "--documents", 10)
    assert curve(result, "gold passage moved") == {1: 1.0, 2: 0.0, 5: 0.0, 8: 0.0, 10: 1.0}
    assert "lost in the middle" in result["verdicts"][0]
    assert {c["p_holm"] < 0.05 for c in result["comparisons"] if c["difference"]["value"]} == {True}


def test_a_reader_of_everything_is_lost_nowhere(reader: SeeingReader, tmp_path: Path) -> None:
    result = measured(tmp_path, "position", "--documents", 6, "--places", "1,3,6")
    assert set(curve(result, "gold passage moved").values()) == {1.0}
    assert "No answer changed its score between these two" in result["verdicts"][0]
    assert result["baselines"]["closed book"]["value"] == 0.0
    assert result["baselines"]["gold passage alone"]["value"] == 1.0


def test_quality_of_a_perfect_reader_is_recall(reader: SeeingReader, tmp_path: Path) -> None:
    result = measured(tmp_path, "context-size", "--k", "1,2,5,10", "--retriever", "bm25,dense,hybrid")
    assert {c["series"] for c in result["conditions"]} == {"bm25", "dense", "hybrid"}
    for c in result["conditions"]:
        assert c["quality"]["value"] == pytest.approx(c["recall"]["value"])
        assert c["precision"]["value"] == pytest.approx(c["recall"]["value"] / c["x"])
    assert curve(result, "hybrid")[10] == 1.0


def test_a_reader_that_drowns_gives_the_inverted_u(reader: SeeingReader, tmp_path: Path) -> None:
    """It reads up to five passages, and the gold one is never first."""
    reader.sees = lambda found: found[1:] if 1 < len(found) <= 5 else found if len(found) == 1 else []
    path = given_file(tmp_path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:  # a distractor that repeats the question is ranked before the gold passage
        row["distractors"][0]["text"] = f"{row['question']} {row['question']}"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = called("context-size", path, "--k", "1,3,5,10", "--report", tmp_path / "u", "--json")
    found = json.loads(result.stdout)
    assert curve(found, "hybrid") == {1: 0.0, 3: 1.0, 5: 1.0, 10: 0.0}
    assert "an inverted U" in found["verdicts"][0]


def test_hard_negatives_hurt_a_reader_who_is_led_astray(reader: SeeingReader, tmp_path: Path) -> None:
    """It looks only at documents of the asked vault's name, and at no more than three of them."""

    def same_vault(found: list[str]) -> list[str]:
        words = [text.split()[1] for text in found]
        common = max(set(words), key=words.count) if words else ""
        return [] if words.count(common) > 3 else found

    reader.sees = same_vault
    result = measured(tmp_path, "hard-negatives", "--k", "5", "--sources", "random,bm25,dense")
    random, bm25 = curve(result, "random")[5], curve(result, "bm25")[5]
    assert bm25 == 0.0
    assert random > 0.5
    assert any(
        "bm25 negatives against random" in told and "hurt this reader more" in told for told in result["verdicts"]
    )
    assert all(c["recall"]["value"] == 1.0 for c in result["conditions"])
    assert all(c["precision"]["value"] == pytest.approx(0.2) for c in result["conditions"])


def test_only_the_order_differs(reader: SeeingReader, tmp_path: Path) -> None:
    reader.sees = lambda found: found[:1]
    result = measured(tmp_path, "order", "--k", "4")
    rows = [json.loads(line) for line in (tmp_path / "order" / "results.jsonl").read_text().splitlines()[1:]]
    by_item: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        if row["x"] == 4:
            by_item.setdefault(row["item"], {})[row["series"]] = row["passages"]
    for found in by_item.values():
        a, b, c, d = found["score order"]
        assert found["the paper's order"] == [a, c, d, b]
        assert found["reversed"] == [d, c, b, a]
        assert sorted(found["shuffled"]) == sorted([a, b, c, d])
    assert curve(result, "score order")[4] == curve(result, "the paper's order")[4]
    assert curve(result, "score order")[4] > curve(result, "reversed")[4]
    worse = [c for c in result["comparisons"] if c["first"][0] == "reversed"]
    assert "reversed against score order" in " ".join(result["verdicts"])
    assert all(c["difference"]["value"] < 0 for c in worse)


def test_the_reader_without_a_model_finds_the_sentence(reader: SeeingReader, tmp_path: Path) -> None:
    result = measured(tmp_path, "position", "--documents", 5, "--reader", "quotes")
    assert reader.prompts == []
    assert set(curve(result, "gold passage moved").values()) == {1.0}
    assert result["reader"].startswith("quotes")


def test_the_question_comes_last_and_documents_whole(reader: SeeingReader, tmp_path: Path) -> None:
    measured(tmp_path, "position", "--documents", 4, "--places", "4", "--limit", 1, "--instruction", "Be brief.")
    closed, _, last = reader.prompts
    assert documents(closed) == []
    system, user = last
    assert system["content"] == "Be brief."
    assert len(documents(last)) == 4
    assert user["content"].rstrip().endswith("?")
    assert "opens with" in documents(last)[3]
    assert {limits.max_new_tokens for limits in reader.limits} == {32}


def test_what_does_not_fit_is_counted_and_not_read(reader: SeeingReader, tmp_path: Path) -> None:
    reader.context_tokens = 120
    result = measured(tmp_path, "context-size", "--k", "1,2,3,10")
    assert list(curve(result, "hybrid")) == [1, 2, 3]
    assert [c["unfit"] for c in result["conditions"]] == [0, 0, 0, 12]
    # The largest that can be read is compared, not the largest that was asked for.
    assert {(c["first"][1], c["second"][1]) for c in result["comparisons"]} == {(3, 1), (3, 2), (2, 1)}
    assert all(len(documents(prompt)) < 10 for prompt in reader.prompts)
    page = (tmp_path / "context-size" / "report.html").read_text()
    assert "Prompts that did not fit" in page


def test_without_a_limit_a_run_takes_what_twenty_minutes_allow(
    reader: SeeingReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert measured(tmp_path, "position", "--documents", 4)["questions"] == 12
    monkeypatch.setattr(cost, "seconds", lambda tokens, reader: 60.0)
    assert measured(tmp_path, "position", "--documents", 4)["questions"] == 20 // 6
    assert measured(tmp_path, "position", "--documents", 4, "--limit", 7)["questions"] == 7


def test_a_slower_machine_is_given_fewer_questions_and_the_same_when_it_goes_on(
    reader: SeeingReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "seconds", lambda tokens, reader: 30.0)
    monkeypatch.setattr(command, "pace", lambda trials, reader: 4.0)
    assert measured(tmp_path, "position", "--documents", 4)["questions"] == 20 // (2 * 6)
    monkeypatch.setattr(command, "pace", lambda trials, reader: 0.5)
    assert measured(tmp_path, "position", "--documents", 4)["questions"] == 20 // (2 * 6)
    assert measured(tmp_path, "position", "--documents", 4, "--fresh")["questions"] == 12


def test_the_pace_is_that_of_the_second_reading(reader: SeeingReader, monkeypatch: pytest.MonkeyPatch) -> None:
    item = Item("q", "What?", (Passage("g", "", "code-1x"),), ("code-1x",))
    clock = iter([0.0, 9.0, 10.0, 16.0])
    monkeypatch.setattr(cost, "seconds", lambda tokens, reader: 2.0)
    monkeypatch.setattr(cost.time, "perf_counter", lambda: next(clock))
    model = ModelReader(reader, "containment")
    assert cost.pace([Trial(item, "s", 1, item.gold)], model) == 3.0
    assert len(reader.prompts) == 2
    reader.device = "server"
    assert cost.pace([Trial(item, "s", 1, item.gold)], ModelReader(reader, "containment")) == 1.0


def test_an_interrupted_run_goes_on(reader: SeeingReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measured(tmp_path, "position", "--documents", 4, "--report", tmp_path / "whole")
    reader.prompts.clear()
    real, asked = reader.stream, []

    def failing(*arguments: Any) -> Any:
        asked.append(1)
        if len(asked) > 20:
            raise GenerationError("The power is gone. Switch it on again.")
        return real(*arguments)

    monkeypatch.setattr(reader, "stream", failing)
    arguments = ("position", given_file(tmp_path), "--documents", 4, "--report", tmp_path / "cut", "--json")
    assert "power" in failed(*arguments)
    results = tmp_path / "cut" / "results.jsonl"
    with results.open("a") as lines:
        lines.write('{"key": "half a li')
    monkeypatch.setattr(reader, "stream", real)
    before = len(reader.prompts)
    again = json.loads(called(*arguments).stdout)
    assert len(reader.prompts) - before == 12 * 6 - 20
    for key in ("conditions", "comparisons", "baselines", "verdicts"):
        assert again[key] == whole[key]
    assert len(results.read_text().splitlines()) == 12 * 6 + 1


def test_more_questions_keep_what_was_read(reader: SeeingReader, tmp_path: Path) -> None:
    measured(tmp_path, "position", "--documents", 4, "--limit", 3)
    first = len(reader.prompts)
    assert measured(tmp_path, "position", "--documents", 4, "--limit", 5)["questions"] == 5
    assert len(reader.prompts) == first * 5 // 3
    assert measured(tmp_path, "position", "--documents", 4, "--limit", 3)["questions"] == 3
    assert len(reader.prompts) == first * 5 // 3


def test_results_of_other_settings_are_never_mixed_in(reader: SeeingReader, tmp_path: Path) -> None:
    path, report = given_file(tmp_path), tmp_path / "r"
    arguments = ("position", path, "--documents", 4, "--limit", 2, "--report", report)
    assert called(*arguments).exit_code == 0
    assert "new_tokens changed" in failed(*arguments, "--new-tokens", 5)
    assert "experiment" in failed("order", path, "--k", "2", "--limit", 2, "--report", report)
    assert called(*arguments, "--new-tokens", 5, "--fresh").exit_code == 0
    assert {limits.max_new_tokens for limits in reader.limits[-2:]} == {5}
    (report / "results.jsonl").write_text("something else\n")
    assert "not the results of an experiment" in failed(*arguments)


def test_a_corrected_file_is_read_and_scored_anew(reader: SeeingReader, tmp_path: Path) -> None:
    path = given_file(tmp_path, 2)
    arguments = ("position", path, "--documents", 4, "--places", "1", "--report", tmp_path / "r", "--json")
    first = json.loads(called(*arguments).stdout)
    assert curve(first, "gold passage moved") == {1: 1.0}
    asked = len(reader.prompts)
    path.write_text(path.read_text().replace('"The code-1x"', '"The code-9x"'))
    second = json.loads(called(*arguments).stdout)
    assert (curve(second, "gold passage moved"), len(reader.prompts)) == ({1: 0.5}, asked)  # scored, not read
    path.write_text(path.read_text().replace("vault number 1 opens with code-1x", "vault number 1 opens with code-9x"))
    third = json.loads(called(*arguments).stdout)
    assert curve(third, "gold passage moved") == {1: 1.0}
    assert asked < len(reader.prompts) < 2 * asked


def test_what_did_not_fit_is_read_by_a_reader_with_more_room(reader: SeeingReader, tmp_path: Path) -> None:
    reader.context_tokens = 30
    assert measured(tmp_path, "position", "--documents", 4, "--limit", 2)["unfit"] > 0
    reader.context_tokens = 100_000
    assert measured(tmp_path, "position", "--documents", 4, "--limit", 2)["unfit"] == 0


def test_the_report_is_whole(reader: SeeingReader, tmp_path: Path) -> None:
    reader.sees = ends
    for name in ("context-size", "hard-negatives", "order", "position"):
        size = ("--documents", 10) if name == "position" else ("--k", "2,5")
        result = measured(tmp_path, name, *size)
        page = (tmp_path / name / "report.html").read_text()
        assert page.count("<svg") >= 2
        assert all(
            part in page for part in ("lost-in-the-middle", "gold passage alone", "closed book", "What was written")
        )
        assert json.loads((tmp_path / name / f"{name}.json").read_text()) == result
        assert len(result["conditions"]) >= 2


def test_own_questions_are_asked_over_the_index(
    reader: SeeingReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = [Paper(f"p{n}", f"Vault {n}", f"Vault {n} opens with code-{n}x.") for n in range(8)]
    monkeypatch.setattr(build, "open_index", lambda config: build_fake_index(papers))
    path = tmp_path / "own.jsonl"
    rows = [
        {"id": f"{n}", "question": f"How does vault {n} open?", "gold": [f"Vault {n}"], "facts": [[f"code-{n}x"]]}
        for n in range(8)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = called("context-size", path, "--index", tmp_path / "i", "--k", "1,4", "--report", tmp_path / "o", "--json")
    result = json.loads(found.stdout)
    assert result["measure"] == "facts"
    assert [c["recall"]["value"] for c in result["conditions"]] == [1.0, 1.0]
    assert curve(result, "hybrid")[1] == 1.0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("context-size", "nowhere"), "There is no"),
        (("context-size", "DATA", "--k", "1,x"), "whole numbers"),
        (("context-size", "DATA", "--k", "0,2"), "start at 1"),
        (("context-size", "DATA", "--k", "11"), "more than the 10 passages"),
        (("context-size", "DATA", "--retriever", "google"), "'google'"),
        (("context-size", "DATA", "--retriever", "random"), "'random'"),
        (("hard-negatives", "DATA", "--sources", ","), "Unknown retriever"),
        (("position", "DATA", "--documents", "30"), "smaller --documents"),
        (("position", "DATA", "--documents", "5", "--places", "6"), "from 1 to the 5"),
        (("order", "DATA", "--reader", "oracle"), "'oracle'"),
    ],
)
def test_wrong_use_is_said(reader: SeeingReader, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    path = given_file(tmp_path)
    given = [str(path) if argument == "DATA" else argument for argument in arguments]
    assert told in failed(*given, "--report", tmp_path / "r")
    assert reader.prompts == []
