"""Who is asking: tokens, kept as hashes and compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from rag.config import Config
from rag.errors import UsageError

_LINE = re.compile(r"(?P<name>[\w.@-]{1,64})\s+sha256:(?P<hash>[0-9a-fA-F]{64})")
# Random tokens need no slow hash; this many characters of base 64 are 96 bits.
SAFE_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Keys:
    """Hashes of the tokens that are let in, by the name of their owner."""

    by_name: dict[str, bytes] = field(repr=False)

    def __bool__(self) -> bool:
        """Must a client send a token?"""
        return bool(self.by_name)

    def owner(self, authorization: str | None, least: int = 0) -> str | None:
        """Name of the owner of the token in an Authorization header; `None`: no such token.

        Args:
            authorization: The header.
            least: A token of fewer characters is none.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        given = _hash(token) if scheme.lower() == "bearer" and len(token) >= least else b""
        found = None
        # All of them are compared, so that the time does not tell which came near.
        for name, known in self.by_name.items():
            if hmac.compare_digest(known, given):
                found = name
        return found


def load_keys(config: Config) -> Keys:
    """The tokens of `api_key` and `api_keys_file`.

    Raises:
        UsageError: The file cannot be read or a line is not `name sha256:HEX`.
    """
    plain = [part.strip() for part in config.api_key.split(",") if part.strip()]
    known = {f"api_key-{number}": _hash(token) for number, token in enumerate(plain, start=1)}
    if config.api_keys_file:
        known |= _read(Path(config.api_keys_file).expanduser())
    return Keys(known)


def plain_tokens(config: Config) -> list[str]:
    """Secrets that this process knows in plain text, so that its log can leave them out."""
    tokens = [part.strip() for part in config.api_key.split(",")]
    return [token for token in [*tokens, config.server_key, *_of_address(config.model)] if token]


def _of_address(address: str) -> list[str]:
    match = re.match(r"https?://([^/?#]*)@", address)
    given = match[1] if match else ""
    # Also as they are written out: an address holds them with per cent signs.
    parts = (part for text in (given, unquote(given)) for part in (text, text.partition(":")[2]))
    return list(dict.fromkeys(parts))


def _read(path: Path) -> dict[str, bytes]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The key file {path} cannot be read ({error}). Check that it is a text file.") from error
    known: dict[str, bytes] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:  # the line is not shown: it may hold the token itself
            raise UsageError(
                f"{path}, line {number}: not a key. Write 'name sha256:HEX', the HEX from: printf %s TOKEN | sha256sum"
            )
        if match["name"] in known:
            raise UsageError(f"{path}, line {number}: a second key for {match['name']!r}. Give every key its own name.")
        known[match["name"]] = bytes.fromhex(match["hash"])
    if not known:
        raise UsageError(f"The key file {path} holds no key. Write 'name sha256:HEX' lines.")
    return known


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
