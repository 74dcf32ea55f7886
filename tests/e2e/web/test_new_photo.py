"""A teacher replaces a student's photo on the phone."""

from pathlib import Path

import httpx
from axe_playwright_python.sync_playwright import Axe
from PIL import ImageOps
from playwright.sync_api import FilePayload, Page, expect

from muster.composition.local import LocalServices
from muster.domain.identifiers import GroupId, StudentId
from tests.e2e import pictures
from tests.e2e.web import phone as phones
from tests.e2e.web.test_screens import LOOKS, RULES

OBAMA = StudentId("barack_obama")


def mirrored(samples: Path, name: str) -> FilePayload:
    content = pictures.encoded(ImageOps.mirror(pictures.portrait(samples, name)))
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content}


def test_a_photo_is_replaced_on_the_phone(
    page: Page, site: str, system: LocalServices, samples: Path, watched: phones.Watched
) -> None:
    watched.allowed += ["409", "412", "422"]
    for name in ("barack_obama", "joe_biden"):
        photo = (samples / "gallery" / f"{name}.jpg").read_bytes()
        data = {"student_id": name, "name": name.title().replace("_", " "), "group_id": "7b", "consent": "true"}
        httpx.post(
            f"{site}/register/register-student", data=data, files={"image": photo}, timeout=120
        ).raise_for_status()
    page.goto("/#/register")
    page.reload()
    page.get_by_role("button", name="Replace a student's photo").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Barack Obama").click()
    chosen = sheet.locator("[data-test=new-photo]")

    chosen.set_input_files({"name": "x.jpg", "mimeType": "image/jpeg", "buffer": pictures.without_face()})
    sheet.get_by_role("button", name="Use this photo").click()
    expect(sheet.get_by_role("alert")).to_contain_text("No face found.")
    chosen.set_input_files(mirrored(samples, "joe_biden"))
    expect(sheet.get_by_role("alert")).to_have_count(0)
    sheet.get_by_role("button", name="Use this photo").click()
    expect(sheet.get_by_role("alert")).to_contain_text("seems to show another registered student")
    expect(sheet.get_by_role("button", name="It is Barack Obama")).to_be_visible()
    assert system.roster.get(OBAMA).version == 1

    # The record changes elsewhere, which is said before anything is replaced.
    system.roster.update(OBAMA, 1, group_ids=[GroupId("7b"), GroupId("8a")])
    chosen.set_input_files(mirrored(samples, "barack_obama"))
    sheet.get_by_role("button", name="Use this photo").click()
    expect(sheet.get_by_role("alert")).to_contain_text("Somebody else has changed this student.")
    for look in LOOKS:
        page.emulate_media(color_scheme=look)
        expect(page.locator(f"html[data-theme={look}]")).to_be_attached()
        found = Axe().run(page, options=RULES).response["violations"]
        assert found == [], [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    sheet.get_by_role("button", name="Use this photo").click()
    expect(sheet.get_by_role("status")).to_contain_text("The photo of Barack Obama was replaced.")
    assert system.roster.get(OBAMA).version == 3
    assert system.stores.students.photo(OBAMA) != (samples / "gallery" / "barack_obama.jpg").read_bytes()
