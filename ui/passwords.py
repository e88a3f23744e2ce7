"""Passwords of the page's readers, kept so that whoever reads the file does not have them."""

from __future__ import annotations

import hashlib
import hmac
import secrets

SCHEME = "scrypt"
# About 50 ms and 16 MB a guess.
COST = {"n": 2**14, "r": 8, "p": 1}
SALT_BYTES = 16


def hashed(password: str) -> str:
    """What stands for the password in a login file."""
    salt = secrets.token_bytes(SALT_BYTES)
    return f"{SCHEME}:{salt.hex()}:{_hash(password, salt).hex()}"


def is_hashed(kept: str) -> bool:
    """Was it made by `hashed`?"""
    scheme, _, rest = kept.partition(":")
    return scheme == SCHEME and len(_parts(rest)) == 2


def matches(kept: str, password: str) -> bool:
    """Is this the password? Takes the same time whether it is or not."""
    if not is_hashed(kept):
        return hmac.compare_digest(_bytes(kept), _bytes(password))
    salt, known = _parts(kept.partition(":")[2])
    return hmac.compare_digest(known, _hash(password, salt))


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(_bytes(password), salt=salt, dklen=32, **COST)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _parts(text: str) -> list[bytes]:
    try:
        return [bytes.fromhex(part) for part in text.split(":")]
    except ValueError:
        return []
