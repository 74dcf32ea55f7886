"""The web client in a real browser, against a real server with real models."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from muster.api.app import create_app
from muster.composition.local import LocalServices
from tests.e2e import pictures
from tests.e2e.serving import serving
from tests.e2e.web import phone as phones

WEB = Path(__file__).parents[3] / "web"


# Its event loop runs in this thread as long as it is started: no longer than these tests.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def obama_before_the_camera(
    playwright: Playwright, samples: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A browser whose camera sees the first sample student."""
    film = phones.film(
        Image.open(samples / "gallery" / "barack_obama.jpg"), tmp_path_factory.mktemp("camera") / "obama.mjpeg"
    )
    with phones.browser(playwright, film) as opened:
        yield opened


@pytest.fixture
def site(system: LocalServices) -> Iterator[str]:
    """The address of a server with an empty store."""
    with serving(create_app(system, site=WEB)) as url:
        yield url


@pytest.fixture
def watched(site: str) -> phones.Watched:
    """What the pages must not do; a test that brings an error about names it here."""
    return phones.Watched(site)


@pytest.fixture
def page(obama_before_the_camera: Browser, site: str, watched: phones.Watched) -> Iterator[Page]:
    """A page of the client on a phone that has never seen it; it must have met no error at the end."""
    window = phones.context(obama_before_the_camera, base_url=site)
    watched.watch(window)
    opened = window.new_page()
    opened.goto("/")
    yield opened
    window.close()
    assert watched.unexpected() == []


@pytest.fixture
def unfit(samples: Path) -> Callable[[str], bytes]:
    """Photos that register nobody, by what is wrong with them."""
    made = {"dark": lambda: pictures.dark(samples), "without_face": pictures.without_face}
    return lambda wrong: made[wrong]()


@pytest.fixture(scope="package")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures go: into the docs when `make screens` asks for it."""
    if request.config.getoption("--write-screens"):
        target = Path(__file__).parents[3] / "docs" / "screens"
        target.mkdir(exist_ok=True)
        return target
    return tmp_path_factory.mktemp("screens")
