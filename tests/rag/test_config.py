"""Settings: who wins over whom, and what is said about a mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag.config import Config, default_of, settings
from rag.errors import ConfigError


def write(text: str, path: str = "paperchat.toml") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def load(flags: dict[str, Any] | None = None, **environ: str) -> Config:
    return Config.load(flags, environ)


def test_defaults_hold_where_nothing_is_set() -> None:
    assert load() == Config()
    assert Config().k == 10
    assert Config().host == "127.0.0.1"


def test_flag_wins_over_environment_over_file_over_default() -> None:
    assert load().k == 10
    write("k = 3\ncandidates = 30\nport = 3000\n")
    assert load().k == 3
    environ = {"PAPERCHAT_K": "4", "PAPERCHAT_CANDIDATES": "40"}
    assert load(**environ).k == 4
    loaded = load({"k": 5}, **environ)
    assert (loaded.k, loaded.candidates, loaded.port) == (5, 40, 3000)


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load({"k": None}, PAPERCHAT_K="4").k == 4


def test_zero_and_false_like_flags_are_given() -> None:
    assert load({"port": 0}, PAPERCHAT_PORT="80").port == 0
    assert load({"dense_weight": 0.0}).dense_weight == 0.0


def test_the_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERCHAT_K", "6")
    assert Config.load().k == 6


def test_a_named_file_wins_over_the_one_in_the_folder() -> None:
    write("k = 3\n")
    write("k = 7\n", "other/named.toml")
    assert load(PAPERCHAT_CONFIG="other/named.toml").k == 7


def test_the_users_own_file_is_read_where_the_folder_has_none(tmp_path: Path) -> None:
    write("k = 9\n", str(tmp_path / "config" / "paperchat" / "paperchat.toml"))
    assert load().k == 9
    write("k = 3\n")
    assert load().k == 3


def test_values_get_their_type_wherever_they_come_from() -> None:
    loaded = load({"index": "~/papers"}, PAPERCHAT_DENSE_WEIGHT="0.25", PAPERCHAT_PORT="8000")
    assert loaded.index == Path.home() / "papers"
    assert loaded.dense_weight == 0.25
    assert loaded.port == 8000
    write("dense_weight = 1\n")
    assert isinstance(load().dense_weight, float)


@pytest.mark.parametrize(
    ("key", "nearest"), [("evidence_token", "evidence_tokens"), ("modell", "model"), ("candidate", "candidates")]
)
def test_an_unknown_key_names_the_nearest_known_one(key: str, nearest: str) -> None:
    write(f"{key} = 1\n")
    with pytest.raises(ConfigError, match=f"Unknown setting '{key}' in .*paperchat.toml.* '{nearest}'"):
        load()


def test_an_unknown_variable_names_the_nearest_known_one() -> None:
    with pytest.raises(ConfigError, match=r"'PAPERCHAT_CANDIDATE' in the environment.*'PAPERCHAT_CANDIDATES'"):
        load(PAPERCHAT_CANDIDATE="1")


def test_an_unknown_flag_names_the_nearest_known_one() -> None:
    with pytest.raises(ConfigError, match=r"'orderin' in the command line.*'ordering'"):
        load({"orderin": "auto"})


def test_variables_that_are_read_elsewhere_are_no_mistake() -> None:
    assert load(PAPERCHAT_DATA="/data", HOME="/root", OTHER_K="x") == Config()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("k = 'many'", "k in .* is 'many', which is not a whole number. The default is 10."),
        ("k = 2.5", "which is not a whole number"),
        ("k = true", "which is not a whole number"),
        ("k = [1]", "which is not a whole number"),
        ("dense_weight = 'half'", "which is not a number"),
        ("index = 3", "index in .* is 3"),
        ("model = ['a', 'b']", "model in .* is "),
        ("[model]\nname = 'x'", "model in .* is "),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(line: str, said: str) -> None:
    write(line)
    with pytest.raises(ConfigError, match=said):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("K", "0"),
        ("K", "1001"),
        ("K", "-1"),
        ("DENSE_WEIGHT", "1.1"),
        ("DENSE_WEIGHT", "-0.1"),
        ("DENSE_WEIGHT", "nan"),
        ("PORT", "65536"),
        ("EVIDENCE_TOKENS", "39"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=r"It must be from [\d.]+ to "):
        load(**{f"PAPERCHAT_{name}": value})


def test_a_value_that_is_no_choice_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigError, match=r"device in the environment is 'gpu'\. Choose one of auto, cpu, cuda\."):
        load(PAPERCHAT_DEVICE="gpu")
    with pytest.raises(ConfigError, match=r"Choose one of .*reorder"):
        load({"ordering": "best"})


def test_a_file_that_is_no_toml_is_refused_with_its_name() -> None:
    write("k = = 3")
    with pytest.raises(ConfigError, match=r"paperchat\.toml is not valid TOML"):
        load()
    Path("paperchat.toml").write_bytes(b"model = '\xff\xfe'")
    with pytest.raises(ConfigError, match=r"paperchat\.toml is not valid TOML"):
        load()


def test_a_named_file_that_is_missing_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"PAPERCHAT_CONFIG names nowhere.toml, which is not a file"):
        load(PAPERCHAT_CONFIG="nowhere.toml")


def test_every_setting_says_what_it_is_and_has_a_default_that_it_accepts() -> None:
    for setting in settings():
        assert setting.metadata["help"]
        assert load({setting.name: default_of(setting)}) == Config()
