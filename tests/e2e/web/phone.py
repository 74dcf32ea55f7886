"""A real browser at the size of a phone, with the camera fed from a picture."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, expect

# A photo is read on two cores that other work may keep busy.
expect.set_options(timeout=120_000)

PHONE: Final = {"width": 390, "height": 844}
TABLET: Final = {"width": 1024, "height": 768}

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)

_CAMERA_SIZE: Final = (1280, 960)
_CAMERA_FRAMES: Final = 10


def chromium() -> str:
    """Return the browser's program."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "Chromium is not installed: sudo apt-get install chromium (as root, `make test` does it)."
    return found


def film(picture: Image.Image, target: Path) -> Path:
    """Write a film in which the camera sees one picture all the time."""
    frame = Image.new("RGB", _CAMERA_SIZE, (150, 150, 150))
    shown = picture.convert("RGB")
    shown.thumbnail(_CAMERA_SIZE)
    frame.paste(shown, ((frame.width - shown.width) // 2, (frame.height - shown.height) // 2))
    content = BytesIO()
    frame.save(content, "JPEG", quality=92)
    target.write_bytes(content.getvalue() * _CAMERA_FRAMES)
    return target


@contextmanager
def browser(playwright: Playwright, camera: Path) -> Iterator[Browser]:
    """Start the browser; its camera shows the film."""
    opened = playwright.chromium.launch(
        executable_path=chromium(), args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
    )
    try:
        yield opened
    finally:
        opened.close()


@dataclass
class Watched:
    """What a page must not do, and did.

    Attributes:
        origin: of the pages themselves.
        complaints: errors that the page logged or met; requests to other hosts.
        allowed: parts of complaints that a test brings about on purpose.
    """

    origin: str
    complaints: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Note every error and every request elsewhere."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "blob:", "data:")):
            self.complaints.append(f"asked {request.url}")

    def unexpected(self) -> list[str]:
        """Return the complaints that no test allowed."""
        return [complaint for complaint in self.complaints if not any(part in complaint for part in self.allowed)]


def context(opened: Browser, **options: Any) -> BrowserContext:
    """Open a private window of a phone that may use the camera."""
    settings: dict[str, Any] = {
        "viewport": PHONE,
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
        "permissions": ["camera"],
        "locale": "en-GB",
        "timezone_id": "UTC",
    }
    made = opened.new_context(**{**settings, **options})
    made.set_default_timeout(120_000)
    return made


def choose(page: Page, *photos: Path | dict[str, Any]) -> None:
    """Choose photos for a roll call out of the phone's gallery."""
    page.set_input_files("[data-test=choose]", list(photos))  # type: ignore[arg-type]
