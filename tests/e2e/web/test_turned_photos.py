"""The phone shows photos that were read rotated, and registration photos of covered faces."""

from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from muster.vision.pipeline import VisionPipeline
from tests.e2e.pictures import encoded
from tests.e2e.test_turned_photos import masked
from tests.e2e.web.phone import choose

LYING = Image.Transpose.ROTATE_90


WITHOUT_CAMERA = (
    "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('refused', 'NotAllowedError'))"
)
"""The form then offers a file instead."""


def file(content: bytes) -> FilePayload:
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content}


def test_a_lying_masked_registration_photo_is_taken_and_both_warnings_are_shown(
    page: Page, vision: VisionPipeline, samples: Path, tmp_path: Path
) -> None:
    covered = tmp_path / "masked.png"
    covered.write_bytes(masked(samples / "gallery" / "barack_obama.jpg", vision))
    lying = encoded(Image.open(covered).convert("RGB").transpose(LYING), quality=95)
    page.add_init_script(WITHOUT_CAMERA)
    page.reload()
    page.get_by_role("link", name="Register", exact=True).click()
    page.get_by_label("New group").fill("7b")
    page.get_by_label("Name", exact=True).fill("Barack Obama")
    page.get_by_label("ID", exact=True).fill("s1")
    page.get_by_text("has agreed").click()
    page.set_input_files("input[type=file][capture=user]", file(lying))
    page.get_by_role("button", name="Register", exact=True).click()
    done = page.get_by_role("status").filter(has_text="Barack Obama is registered.")
    expect(done.locator("[data-warning=photo_turned]")).to_contain_text(
        "The photo was not upright and has been rotated"
    )
    expect(done.locator("[data-warning=mouth_covered]")).to_contain_text("The mouth or nose seems to be covered")


def test_a_lying_photo_of_a_group_is_shown_upright_with_its_faces_in_place(
    page: Page, site: str, samples: Path
) -> None:
    with httpx.Client(base_url=site, timeout=600) as api:
        photo = (samples / "gallery" / "barack_obama.jpg").read_bytes()
        fields = {"student_id": "s1", "name": "Barack Obama", "group_id": "7b", "consent": "true"}
        api.post("/register/register-student", data=fields, files={"image": photo}).raise_for_status()
        page.reload()
        upright = Image.open(samples / "photos" / "group.jpg").convert("RGB")
        choose(page, {**file(encoded(upright.transpose(LYING), quality=95))})
        figure = page.locator(".photo")
        expect(figure).to_contain_text("The photo was not upright and has been rotated.")
        expect(page.get_by_role("button", name="Barack Obama, present", exact=True)).to_be_visible()
        # The server's picture, not the phone's own, which lies on its side.
        picture = figure.locator("img")
        expect(picture).to_have_count(1)
        picture.evaluate("image => image.decode()")
        width, height = picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
        assert width / height == pytest.approx(upright.width / upright.height, rel=0.01)
        stage = figure.locator(".photo-stage").bounding_box()
        assert stage is not None
        assert stage["width"] / stage["height"] == pytest.approx(upright.width / upright.height, rel=0.02)
        (session,) = api.get("/v1/sessions", params={"group_id": "7b"}).json()["items"]
        (stored,) = api.get(f"/v1/sessions/{session['session_id']}/photos").json()
        face = next(face for face in stored["faces"] if face["student_id"] == "s1")
        frame = page.get_by_role("button", name="Barack Obama, present", exact=True).bounding_box()
        assert frame is not None
        x, _, across, _ = face["box"]
        middle = (frame["x"] + frame["width"] / 2 - stage["x"]) / stage["width"]
        assert middle == pytest.approx((x + across / 2) / stored["width"], abs=0.02)
