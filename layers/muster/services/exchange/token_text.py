"""The text of tokens that find their document by name, and the digest that is stored of their secret."""

import hashlib
import hmac
import re
import secrets
from typing import Final

SECRET_BYTES: Final = 32
"""Random bytes of a token. 256 bits cannot be guessed, so a plain digest is safe to store."""

_NAME: Final = r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})"


def new_token(prefix: str, name: str) -> tuple[str, str]:
    """Return the text of a new token, which is shown once, and the digest to store."""
    secret = secrets.token_hex(SECRET_BYTES)
    return f"{prefix}{name}_{secret}", digest(secret)


def read_token(prefix: str, text: str) -> tuple[str, str] | None:
    """Return the name and the digest of a token; None if the text has another form."""
    matched = re.fullmatch(prefix + _NAME + r"_([0-9a-f]{64})", text)
    return None if matched is None else (matched[1], digest(matched[2]))


def digest(secret: str) -> str:
    """Return the digest of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_same(stored: object, given: str) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(str(stored), given)
