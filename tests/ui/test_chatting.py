"""Who may reach the page: loopback only, or a login file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from rag.config import Config
from rag.errors import UsageError
from ui import chatting

Check = Callable[[str, str], bool]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the page was started with; nothing is started."""
    from ui import engine, web

    calls: list[dict[str, Any]] = []

    def launch(engine: object, host: str, port: int, **settings: Any) -> None:
        calls.append({"host": host, "port": port, **settings})
        settings["announce"](f"http://{host}:{port}")

    monkeypatch.setattr(web, "launch", launch)
    monkeypatch.setattr(engine, "Engine", lambda config, samples: object())
    return calls


def run(host: str = "127.0.0.1", auth: Path | None = None) -> None:
    chatting.run(Config(host=host, port=7999), auth=auth, samples=False, open_browser=False)


@pytest.fixture
def logins(tmp_path: Path, launched: list[dict[str, Any]]) -> Callable[[bytes | str], Check]:
    """Starts the page with a login file that holds this; gives the check it uses."""

    def start(text: bytes | str) -> Check:
        path = tmp_path / "logins.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        run(auth=path)
        check: Check = launched[-1]["auth"]
        return check

    return start


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "localhost", "::1", "[::1]"])
def test_loopback_is_served_without_login(host: str, launched: list[dict[str, Any]]) -> None:
    run(host)
    assert launched[0]["host"] == host
    assert launched[0]["auth"] is None


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "[::]", "192.168.1.7", "10.0.0.1", "8.8.8.8", "", "example.org", "localhost.example.org",
     "127.0.0.1.example.org", "0", "2130706433"],
)  # fmt: skip
def test_any_other_address_is_refused_without_login(host: str, launched: list[dict[str, Any]]) -> None:
    with pytest.raises(UsageError) as error:
        run(host)
    assert "--auth" in str(error.value)
    assert launched == []


def test_any_address_is_served_with_login(tmp_path: Path, launched: list[dict[str, Any]]) -> None:
    path = tmp_path / "logins.txt"
    path.write_text("ada:secret\n", encoding="utf-8")
    run("0.0.0.0", path)
    assert launched[0]["host"] == "0.0.0.0"
    assert launched[0]["auth"]("ada", "secret")


def test_the_address_is_told(launched: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    run()
    assert "http://127.0.0.1:7999" in capsys.readouterr().out


def test_comments_and_the_mark_at_the_start_of_a_file_are_no_names(logins: Callable[..., Check]) -> None:
    check = logins("\ufeffada:secret\n# of the lab: ask Eva\n#bob:old secret\n")
    assert check("ada", "secret")
    assert not check("#bob", "old secret")
    assert not check("# of the lab", " ask Eva")


def test_only_the_right_password_opens(logins: Callable[..., Check]) -> None:
    check = logins("ada:secret\r\nalan:pass:with:colons\n\nno colon here\nzoë:pässwörd\n")
    assert check("ada", "secret")
    assert check("alan", "pass:with:colons")
    assert check("zoë", "pässwörd")
    for user, password in [
        ("ada", "Secret"),
        ("ada", ""),
        ("ada", "pass:with:colons"),
        ("Ada", "secret"),
        ("", ""),
        ("nobody", ""),
        ("no colon here", ""),
        ("alan", "pass"),
    ]:
        assert not check(user, password), (user, password)


def test_a_hashed_password_opens_and_is_not_in_the_file(
    logins: Callable[..., Check], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "a:secret:word")
    line = chatting.make_login("ada")
    assert line != chatting.make_login("ada")
    assert "secret" not in line
    check = logins(f"{line}\n")
    assert capsys.readouterr().err.count("Warning") == 0
    assert check("ada", "a:secret:word")
    for password in ("", "a:secret", line.partition(":")[2], "a:secret:word "):
        assert not check("ada", password)
    assert not check("eve", "a:secret:word")
    logins(f"{line}\nalan:turing\n")
    told = capsys.readouterr().err
    assert "alan" in told
    assert "turing" not in told
    assert "ada" not in told


@pytest.mark.parametrize("user", ["", " ", "a:b", "a\nb"])
def test_a_name_that_would_break_its_line_is_refused(user: str) -> None:
    with pytest.raises(UsageError, match="can be no user's name"):
        chatting.make_login(user)


@pytest.mark.parametrize("line", ["ada:", ":secret", ":", "ada:   "])
def test_a_line_without_a_name_or_a_password_opens_nothing(logins: Callable[..., Check], line: str) -> None:
    check = logins(f"alan:turing\n{line}\n")
    user, _, password = line.partition(":")
    assert check("alan", "turing")
    assert not check(user, password)


@pytest.mark.parametrize("text", [b"", b"\n\n", b"just a word\n"])
def test_a_login_file_without_a_login_is_refused(
    logins: Callable[..., Check], launched: list[dict[str, Any]], text: bytes
) -> None:
    with pytest.raises(UsageError) as error:
        logins(text)
    assert "user:password" in str(error.value)
    assert launched == []


def test_a_login_file_that_is_no_text_is_refused(logins: Callable[..., Check], launched: list[dict[str, Any]]) -> None:
    with pytest.raises(UsageError) as error:
        logins(b"ada:\xff\xfe\n")
    assert "logins.txt" in str(error.value)
    assert launched == []


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_a_login_file_that_cannot_be_read_is_refused(tmp_path: Path, launched: list[dict[str, Any]], name: str) -> None:
    with pytest.raises(UsageError) as error:
        run(auth=tmp_path / name)
    assert "cannot be read" in str(error.value)
    assert launched == []
