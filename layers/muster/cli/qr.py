"""Sign-in links as QR codes at the terminal."""

from io import StringIO

import segno
from rich.console import Console
from rich.text import Text

_COLOURS = "color(231) on color(16)"
"""White on black, whatever the terminal's colours: a camera needs light blocks lighter than dark ones."""


def sign_in_link(address: str, token: str) -> str:
    """Return the link that signs in. The token is in the fragment, which browsers never send, so no server logs it."""
    return f"{address}/#/token/{token}"


def qr_code(text: str) -> segno.QRCode:
    """Return the smallest QR code of a text, since a terminal has few lines."""
    return segno.make_qr(text, error="L")


def show_qr(console: Console, text: str) -> None:
    """Print a text as a QR code, two rows of it per line."""
    drawn = StringIO()
    qr_code(text).terminal(drawn, compact=True)
    for line in drawn.getvalue().splitlines():
        console.print(Text(line, style=_COLOURS), soft_wrap=True, highlight=False)
