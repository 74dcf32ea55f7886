"""A link that a phone's camera reads off the terminal."""

from io import StringIO

import segno
from rich.console import Console
from rich.text import Text

_COLOURS = "color(231) on color(16)"
"""White on black, whatever the terminal's own: a light block must be lighter than the dark for a camera."""


def sign_in_link(address: str, token: str) -> str:
    """Return the link that signs in; the token is in the fragment, which no browser sends and no server logs."""
    return f"{address}/#/token/{token}"


def qr_code(text: str) -> segno.QRCode:
    """Return the QR code of a text, as small as it gets: a terminal has few lines."""
    return segno.make_qr(text, error="L")


def show_qr(console: Console, text: str) -> None:
    """Print a text as a QR code, two rows of it a line."""
    drawn = StringIO()
    qr_code(text).terminal(drawn, compact=True)
    for line in drawn.getvalue().splitlines():
        console.print(Text(line, style=_COLOURS), soft_wrap=True, highlight=False)
