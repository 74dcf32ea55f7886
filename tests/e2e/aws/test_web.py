"""The web client in the cloud: the school's sign-in pages, and photos that go to the store directly."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from tests.e2e.aws.conftest import Deployed
from tests.e2e.aws.distribution import SignInPages, distribution
from tests.e2e.aws.photos import read_uploads, register, waiting_photos
from tests.e2e.serving import serving
from tests.e2e.web import phone as phones

WEB = Path(__file__).parents[3] / "web"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture
def pages() -> SignInPages:
    return SignInPages()


@pytest.fixture
def page(
    playwright: Playwright, deployed: Deployed, pages: SignInPages, samples: Path, tmp_path: Path
) -> Iterator[Page]:
    """The client behind the distribution, on a phone where nobody signed in yet."""
    film = phones.film(Image.open(samples / "gallery" / "barack_obama.jpg"), tmp_path / "camera.mjpeg")
    with ExitStack() as stack:
        sign_in = stack.enter_context(serving(pages.app()))
        app = distribution(WEB, str(deployed.client.base_url), pages, sign_in, deployed.cloud.endpoint)
        site = stack.enter_context(serving(app))
        window = phones.context(stack.enter_context(phones.browser(playwright, film)), base_url=site)
        watched = phones.Watched(site, allowed=["401", f"asked {sign_in}", f"asked {deployed.cloud.endpoint}"])
        watched.watch(window)
        opened = window.new_page()
        opened.goto("/")
        yield opened
        window.close()
        assert watched.unexpected() == []


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Go to the sign-in page").click()
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", name="Roll call")).to_be_visible()


def large(samples: Path) -> bytes:
    """A photo with so much grain that it stays larger than the gateway takes, however it is compressed."""
    picture = Image.open(samples / "photos" / "group.jpg").convert("RGB").resize((4096, 2304))
    grain = np.random.default_rng(0).normal(0, 44, (2304, 4096, 3))
    content = BytesIO()
    Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)).save(content, "JPEG", quality=92)
    return content.getvalue()


def until(page: Page, done: Callable[[], bool], each_time: Callable[[], None]) -> None:
    """Do something again and again, as the cloud does by itself, until the page shows what is expected."""
    end = monotonic() + 300
    while not done():
        assert monotonic() < end
        each_time()
        page.wait_for_timeout(500)


def test_a_teacher_signs_in_and_a_photo_too_large_for_the_gateway_is_read(
    page: Page, deployed: Deployed, samples: Path, pages: SignInPages
) -> None:
    assert register(deployed, samples, "barack_obama").status_code == 201
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page)
    assert "code=" not in page.url
    assert pages.asked == ["authorization_code"]

    stored: list[str] = []
    page.context.on("request", lambda request: stored.append(request.url) if request.method == "POST" else None)
    phones.choose(page, {"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": large(samples)})
    known = page.get_by_role("button", name="Barack Obama, present")
    until(page, known.is_visible, lambda: read_uploads(deployed, "detect"))
    assert [url for url in stored if url.startswith(deployed.cloud.endpoint)]
    assert not [url for url in stored if url.endswith("/mark/detect")]
    (session,) = deployed.client.get("/v1/sessions", params={"group_id": "7b"}).json()["items"]
    assert session["counts"]["present"] == 1
    assert waiting_photos(deployed) == []


def test_an_access_token_that_ends_in_between_is_renewed_unseen_and_signing_out_ends_all(
    page: Page, deployed: Deployed, samples: Path, pages: SignInPages
) -> None:
    assert register(deployed, samples, "barack_obama").status_code == 201
    sign_in(page)
    pages.end()
    phones.choose(page, samples / "photos" / "group.jpg")
    expect(page.get_by_role("button", name="Barack Obama, present")).to_be_visible()
    assert pages.asked == ["authorization_code", "refresh_token"]
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Go to the sign-in page")).to_be_visible()
    assert page.evaluate("localStorage.getItem('muster.session')") is None
