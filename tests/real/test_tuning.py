"""Training a tiny language model of random weights: resumed, saved, merged, answered with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag import build
from rag.adapters import local, lora
from rag.adapters.local import LocalGenerator
from rag.config import Config
from rag.errors import ModelError, PaperchatError, UsageError
from rag.protocols import PromptStyle
from rag.tuning import examples, saving
from rag.tuning.batches import Encoded, encode
from rag.tuning.job import job_of
from rag.tuning.run import Job, run
from rag.tuning.train import CHECKPOINT, Recipe, Training, Watch, loss_of
from tests.fakes import FakeEmbedder, build_fake_index
from tests.rag.tuning.material import FACT, PAPERS, written

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
RECIPE = Recipe(rank=4, alpha=8, learning_rate=1e-2, epochs=4, batch_tokens=120, dropout=0.1)
STYLE = PromptStyle(example=False)


@pytest.fixture(autouse=True)
def fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bf16 every new shape has its own kernel compiled, which takes longer than these tests."""
    import torch

    monkeypatch.setattr(local, "choose_dtype", lambda device: torch.float32)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers that reads bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "tiny"
    bytes_ = {char: n for n, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=bytes_, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", chat_template=TEMPLATE)
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    settings = LlamaConfig(
        vocab_size=len(fast), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=4096, eos_token_id=fast.eos_token_id, bos_token_id=None,
        tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(settings).save_pretrained(folder)
    return folder


def trainable(folder: Path) -> LocalGenerator:
    model = LocalGenerator(str(folder), "cpu", folder)
    model.style = STYLE
    return model


def encoded(count: int) -> list[Encoded]:
    return [Encoded(tuple(range(n, n + 20 + n % 7)), (50 + n % 5, 60, 70)) for n in range(1, count + 1)]


def trained(folder: Path, path: Path, *, stop_at: int = 0, every: int = 100, load: bool = False) -> Training:
    training = Training(trainable(folder), encoded(12), encoded(14)[12:], RECIPE)
    if load:
        training.load(path)
    watch = Watch(stopped=lambda: training.done.step == stop_at)
    training.run(path, every=every, watch=watch)
    return training


def weights(training: Training) -> dict[str, Any]:
    return {name: value for name, value in training.tuned.state_dict().items() if "lora" in name}


def same(left: Training, right: Training) -> bool:
    import torch

    ours, theirs = weights(left), weights(right)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_training_lowers_the_loss_and_a_stopped_run_ends_as_an_undisturbed_one(tiny: Path, tmp_path: Path) -> None:
    whole = trained(tiny, tmp_path / "whole.pt")
    steps = whole.done.steps
    assert steps > 8
    assert whole.done.held_out["after"] < whole.done.held_out["before"]
    assert sum(whole.done.losses[-3:]) < sum(whole.done.losses[:3])

    stopped = trained(tiny, tmp_path / "stopped.pt", stop_at=5)
    assert stopped.done.step == 5
    assert not same(stopped, whole)
    resumed = trained(tiny, tmp_path / "stopped.pt", load=True)
    assert resumed.done.losses == whole.done.losses
    assert resumed.done.held_out == whole.done.held_out
    assert same(resumed, whole)

    # Killed at step 7: what was done since the checkpoint of step 6 is done again, in the same way.
    with pytest.raises(KeyboardInterrupt):
        killed = Training(trainable(tiny), encoded(12), encoded(14)[12:], RECIPE)

        def kill(progress: object) -> None:
            if killed.done.step == 7:
                raise KeyboardInterrupt

        killed.run(tmp_path / "killed.pt", every=3, watch=Watch(stepped=kill))
    assert same(trained(tiny, tmp_path / "killed.pt", load=True), whole)


def test_a_checkpoint_of_another_training_is_refused(tiny: Path, tmp_path: Path) -> None:
    trained(tiny, tmp_path / CHECKPOINT, stop_at=1)
    other = Training(trainable(tiny), encoded(13), [], RECIPE)
    with pytest.raises(UsageError, match="of another training"):
        other.load(tmp_path / CHECKPOINT)
    with pytest.raises(UsageError, match="no checkpoint"):
        other.load(tmp_path / "nothing.pt")
    (tmp_path / CHECKPOINT).write_bytes((tmp_path / CHECKPOINT).read_bytes()[:500])
    with pytest.raises(UsageError, match="damaged"):
        other.load(tmp_path / CHECKPOINT)


def test_the_merged_model_computes_what_was_trained(tiny: Path, tmp_path: Path) -> None:
    import torch

    training = trained(tiny, tmp_path / "c.pt")
    saving.write(training.tuned, tmp_path / "mine", "grounded", "tiny", STYLE, {})
    assert (tmp_path / "mine" / lora.WEIGHTS).stat().st_mode & 0o044  # others may read it, as any file
    merged = LocalGenerator(str(tiny), "cpu", tmp_path, str(tmp_path / "mine"))
    assert (merged.name, merged.style) == ("tiny + grounded", STYLE)
    ids = torch.tensor([list(range(40, 80))])
    with torch.inference_mode():
        expected = training.tuned.eval()(ids).logits.float().log_softmax(-1)
        got = merged.model(ids).logits.float().log_softmax(-1)
        base = LocalGenerator(str(tiny), "cpu", tmp_path).model(ids).logits.float().log_softmax(-1)
    assert (expected - got).abs().max() < 0.1 * (expected - base).abs().max()


def test_an_adapter_of_another_shape_is_refused(tiny: Path, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    training = trained(tiny, tmp_path / "c.pt", stop_at=1)
    saving.write(training.tuned, tmp_path / "mine", "grounded", "", STYLE, {})
    settings = AutoConfig.from_pretrained(tiny)
    settings.intermediate_size = 64
    adapter = lora.find(str(tmp_path / "mine"), "anything")
    assert adapter is not None
    with pytest.raises(ModelError, match="does not fit this model"):
        lora.merge(AutoModelForCausalLM.from_config(settings), adapter)


@pytest.fixture
def config(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    index = build_fake_index(PAPERS)
    monkeypatch.setattr(build, "open_index", lambda config: index)
    monkeypatch.setattr(build, "build_embedder", lambda config: FakeEmbedder())
    return Config(model=str(tiny), index=tmp_path / "index", max_new_tokens=12)


def job(folder: Path, **changes: Any) -> Job:
    """Eight questions on two papers, of which one (by its hash) is held out."""
    rows = [{**FACT, "id": f"w{n}"} for n in range(4)]
    solar = {"gold": ["solar"], "answer": [{"text": "A brush wins 7% back.", "evidence": [["solar", 1]]}]}
    rows += [{**FACT, **solar, "id": f"s{n}", "question": f"What does brush {n} recover?"} for n in range(4)]
    plan = {
        "method": "implicit", "targets": "written", "negatives": "mixed", "passages": "1,2", "abstain": False,
        "example": False, "template": True,
    }  # fmt: skip
    made = job_of(
        folder / "out", "grounded", [written(folder, *rows)], [], plan, {"epochs": 1, "batch_tokens": 300, "rank": 2}
    )
    return replace(made, **{"held_out": 0.3, "measured": 1, "every": 1, **changes})


def bar(what: str, items: Any, count: int) -> Any:
    return items


@contextmanager
def watching(stop_at: int = 0) -> Iterator[Watch]:
    steps: list[int] = []
    yield Watch(lambda progress: steps.append(progress.step), lambda: len(steps) == stop_at)


@pytest.mark.parametrize("method", ["implicit", "reasoning"])
def test_from_questions_to_answers(config: Config, tmp_path: Path, method: Any) -> None:
    mine = job(tmp_path)
    style = PromptStyle(example=False, reasoning=method == "reasoning")
    mine = replace(mine, plan=replace(mine.plan, method=method, style=style))
    outcome = run(mine, config, bar, watching)
    assert (outcome.examples, outcome.held_out) == (4, 4)
    assert outcome.before is not None
    assert outcome.after is not None
    assert outcome.before.examples == outcome.after.examples == 1
    log = json.loads((mine.output / "log.json").read_text())
    assert log["answers"].keys() == log["written"].keys() == {"before", "after"}
    assert len(log["trained"]["losses"]) == log["trained"]["steps"]
    pipeline = build.build_pipeline(replace(config, adapter=str(mine.output), refuse_below=-1.0))
    assert pipeline.ask(FACT["question"]).model == "tiny + grounded"
    # Trained on the prompt that is read when answering.
    [first, *_] = examples.read(mine.output / "prepared.jsonl")
    ours, theirs = trainable(Path(config.model)), build.build_generator(replace(config, adapter=str(mine.output)))
    ours.style = style
    assert encode([first], ours, 4096)[0].prompt == tuple(theirs.encode(first.messages))  # type: ignore[attr-defined]


def test_a_run_that_was_stopped_goes_on_and_gives_the_same_adapter(config: Config, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole, cut = job(tmp_path / "a"), job(tmp_path / "b")
    run(whole, config, bar, watching)
    outcome = run(cut, config, bar, lambda: watching(stop_at=1))
    assert outcome.trained is not None
    assert outcome.trained.step == 1 < outcome.trained.steps
    assert outcome.after is None
    stopped = (cut.output / lora.WEIGHTS).read_bytes()
    assert build.build_generator(replace(config, adapter=str(cut.output))).name == "tiny + grounded"
    resumed = run(replace(cut, resume=True), config, bar, watching)
    assert resumed.before == outcome.before  # not measured again
    assert (cut.output / lora.WEIGHTS).read_bytes() == (whole.output / lora.WEIGHTS).read_bytes() != stopped


def test_errors_of_an_adapter_are_trained_on_once_more(config: Config, tmp_path: Path) -> None:
    first = job(tmp_path, measured=0)
    assert run(first, config, bar, watching).errors == 0
    again = replace(first, output=tmp_path / "again", errors_of=first.output)
    # Random weights answer nothing rightly.
    outcome = run(again, config, bar, watching)
    assert (outcome.examples, outcome.errors) == (4, 4)
    assert outcome.trained is not None
    assert [e.id for e in examples.read(again.output / "errors.jsonl")] == ["w0", "w1", "w2", "w3"]


def test_a_full_disk_is_told(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def full(*args: object) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(PaperchatError, match=r"cannot be written.*Free some disk space"):
        run(job(tmp_path, measured=0), config, bar, watching)


def test_prompts_without_the_chat_template(tiny: Path) -> None:
    plain = trainable(tiny)
    plain.style = PromptStyle(example=False, template=False)
    told = [{"role": "system", "content": "Do."}, {"role": "user", "content": "What <|im_end|> is it?"}]
    ids = plain.encode(told)
    assert plain._tokenizer.decode(ids) == "Do.\n\nWhat < |im_end|> is it?\n\nAnswer:\n"


def test_held_out_loss_does_not_depend_on_batches(tiny: Path, tmp_path: Path) -> None:
    training = trained(tiny, tmp_path / "c.pt", stop_at=2)
    one, many = (loss_of(training.tuned, encoded(12), tokens, "cpu") for tokens in (1, 1000))
    assert one == pytest.approx(many, rel=0.02)
