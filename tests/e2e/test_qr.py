"""A phone signs in with a code on the terminal: it is read here as a camera does."""

from io import BytesIO, StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from muster.cli.addresses import network_addresses
from muster.cli.qr import qr_code, show_qr, sign_in_link
from muster.composition.local import LocalBackend
from tests.e2e.test_users import document, muster

pytestmark = pytest.mark.processes

LINK = sign_in_link("https://192.168.100.200:8000", "aB3-_" + "x" * 38)
UPPER, LOWER, FULL, EMPTY = "▀▄█ "


def read(picture: NDArray[np.uint8]) -> str:
    text, *_ = cv2.QRCodeDetector().detectAndDecode(picture)
    return str(text)


def drawn(lines: list[str]) -> NDArray[np.uint8]:
    """Paint what a terminal shows: a light block where a character is filled."""
    rows = [[character in kinds for character in line] for line in lines for kinds in ((UPPER, FULL), (LOWER, FULL))]
    modules = np.array(rows, np.uint8) * 255
    return np.asarray(cv2.resize(modules, None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST), np.uint8)


def code_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and set(line) <= {UPPER, LOWER, FULL, EMPTY}]


def test_the_code_holds_the_link_with_the_token_in_the_fragment() -> None:
    assert LINK == "https://192.168.100.200:8000/#/token/aB3-_" + "x" * 38
    png = BytesIO()
    qr_code(LINK).save(png, kind="png", scale=6)
    assert read(np.asarray(Image.open(png).convert("L"), np.uint8)) == LINK


@pytest.mark.parametrize("width", [30, 80])
def test_the_code_on_the_terminal_scans_on_any_background(width: int) -> None:
    shown = StringIO()
    show_qr(Console(file=shown, width=width), LINK)
    assert read(drawn(code_in(shown.getvalue()))) == LINK
    coloured = StringIO()
    show_qr(Console(file=coloured, width=width, force_terminal=True, color_system="256"), LINK)
    lines = coloured.getvalue().splitlines()
    assert all(line.startswith("\x1b[38;5;231;48;5;16m") for line in lines)
    assert len(lines) <= 24, "the code is higher than a terminal"


def test_a_new_user_and_a_new_token_are_shown_with_a_code_that_scans(tmp_path: Path) -> None:
    where = ("--qr", "--address", "https://muster.example:8443/")
    for command in (("add",), ("token",)):
        done = muster(tmp_path, "users", *command, "ada", *where)
        assert done.returncode == 0, done.stderr
        link = read(drawn(code_in(done.stdout)))
        address, token = link.split("/#/token/")
        assert address == "https://muster.example:8443"
        assert token in done.stdout.splitlines()
        user = LocalBackend(tmp_path).users.of_token(token)
        assert user is not None
        assert user.id == "ada"


def test_the_link_leads_to_this_machine_in_its_network(tmp_path: Path) -> None:
    addresses = network_addresses()
    assert all(address.count(".") == 3 and not address.startswith(("127.", "169.254.")) for address in addresses)
    done = muster(tmp_path, "users", "add", "ada", "--qr", "--https", "--port", "8443", "--json")
    if not addresses:
        assert done.returncode == 1
        assert "--address" in done.stdout
        return
    made = document(done)
    assert made["link"] == f"https://{addresses[0]}:8443/#/token/{made['token']}"


@pytest.mark.parametrize(
    "address",
    ["", "muster example", "ftp://muster.example", "https://", "https://a.example/app", "https://a.example:x"],
)
def test_an_address_that_is_none_is_refused_and_makes_no_user(tmp_path: Path, address: str) -> None:
    refused = muster(tmp_path, "users", "add", "ada", "--qr", "--address", address, "--json")
    assert refused.returncode == 1
    assert "invalid_request" in refused.stdout
    assert not list(tmp_path.iterdir()), "no store was made"


def test_no_link_is_shown_where_no_code_is_asked_for(tmp_path: Path) -> None:
    assert document(muster(tmp_path, "users", "add", "ada", "--json")).keys() == {"user_id", "token"}
