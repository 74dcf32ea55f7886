"""The codes of substitutes: short enough to read out, and useless after ten wrong tries."""

import hashlib
import secrets
import unicodedata
from typing import Final

from muster.domain.errors import SubstituteCodeWrong, SubstituteNotFound

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters without 0 and O, 1, I and L, and U, which is taken for V."""

ID_SYMBOLS: Final = 3
SECRET_SYMBOLS: Final = 5
"""27,000 ids find the document; 24.3 million secrets per id have to be guessed."""

_SALT_BYTES: Final = 16
_COST: Final = {"n": 2**14, "r": 8, "p": 5}
"""Parameters of scrypt: 16 MiB and a fifth of a second (OWASP Password Storage Cheat Sheet)."""

WRONG: Final = (
    "This code is wrong, or was locked after ten wrong tries. Check it, or ask the office of the school for another."
)


def new_id() -> str:
    """Return random symbols that find a code."""
    return _symbols(ID_SYMBOLS)


def new_secret() -> str:
    """Return the random symbols that are the secret of a code."""
    return _symbols(SECRET_SYMBOLS)


def new_salt() -> str:
    """Return a salt."""
    return secrets.token_hex(_SALT_BYTES)


def written(id: str, secret: str) -> str:
    """Return a code as people read it: two groups of four symbols."""
    code = id + secret
    return f"{code[:4]}-{code[4:]}"


def read(text: str) -> tuple[str, str]:
    """Return the id and the secret of a code that a person typed; case, spaces and hyphens do not matter.

    Raises:
        SubstituteCodeWrong: the text has another form.
    """
    code = "".join(_plain(char) for char in text[:80] if not char.isspace() and char not in "-\u2010\u2011\u2013")
    if len(code) != ID_SYMBOLS + SECRET_SYMBOLS or any(char not in ALPHABET for char in code):
        raise SubstituteCodeWrong(WRONG)
    return code[:ID_SYMBOLS], code[ID_SYMBOLS:]


def parse_id(text: str) -> str:
    """Read the id of a code.

    Raises:
        SubstituteNotFound: no code has such an id.
    """
    id = text.strip().upper()
    if len(id) != ID_SYMBOLS or any(char not in ALPHABET for char in id):
        raise SubstituteNotFound(
            f"There is no code {text[:20]!r}: give the first {ID_SYMBOLS} symbols that `muster substitutes list` shows."
        )
    return id


def secret_digest(secret: str, salt: str) -> str:
    """Return what is stored of a secret. It takes a fifth of a second."""
    return hashlib.scrypt(secret.encode(), salt=bytes.fromhex(salt), dklen=32, **_COST).hex()


def _symbols(count: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(count))


def _plain(char: str) -> str:
    # Keyboards of other scripts have digits of their own.
    decimal = unicodedata.decimal(char, None)
    return char.upper() if decimal is None else str(decimal)
