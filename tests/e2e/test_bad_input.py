"""Every bad input has its own code and a sentence, and leaves nothing behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e import pictures

REGISTRATION = {"student_id": "s1", "name": "Ada", "group_id": "7b", "consent": "true"}


def register(client: httpx.Client, image: bytes, filename: str = "photo.jpg", **fields: Any) -> httpx.Response:
    return client.post(
        "/register/register-student", data={**REGISTRATION, **fields}, files={"image": (filename, image)}
    )


def assert_problem(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    detail = response.json()["detail"]
    assert detail.endswith(".")
    assert len(detail) > 20


PHOTOS: dict[str, tuple[Callable[[Path], bytes], int, str]] = {
    "no face": (lambda _: pictures.without_face(), 422, "no_face"),
    "several faces": (lambda samples: (samples / "photos" / "group.jpg").read_bytes(), 422, "several_faces"),
    "tiny face": (pictures.with_tiny_face, 422, "face_too_small"),
    "blurred": (pictures.blurred, 422, "too_blurred"),
    "dark": (pictures.dark, 422, "too_dark"),
    "text named jpg": (lambda _: b"I am not a picture.\n" * 50, 415, "unsupported_image"),
    "truncated": (pictures.truncated, 422, "image_damaged"),
    "PNG bomb": (lambda _: pictures.png_bomb(), 413, "image_too_large"),
    "empty": (lambda _: b"", 422, "empty_upload"),
    "60 MB": (lambda _: b"\xff\xd8\xff" + bytes(60_000_000), 413, "image_too_large"),
    "animated GIF": (pictures.animated_gif, 415, "unsupported_image"),
}


@pytest.mark.parametrize("case", PHOTOS)
def test_a_bad_registration_photo_is_refused_with_its_code(client: httpx.Client, samples: Path, case: str) -> None:
    make, status, code = PHOTOS[case]
    assert_problem(register(client, make(samples)), status, code)
    assert client.get("/v1/students").json()["items"] == []


@pytest.mark.parametrize("case", ["text named jpg", "truncated", "PNG bomb", "empty", "60 MB", "animated GIF"])
def test_a_bad_group_photo_is_refused_and_opens_no_session(client: httpx.Client, samples: Path, case: str) -> None:
    portrait = (samples / "gallery" / "barack_obama.jpg").read_bytes()
    assert register(client, portrait).status_code == 201
    make, status, code = PHOTOS[case]
    good = (samples / "photos" / "group.jpg").read_bytes()
    response = client.post(
        "/mark/detect",
        data={"group_id": "7b", "session_id": "monday"},
        files=[("images", good), ("images", make(samples))],
    )
    assert_problem(response, status, code)
    # The same id still opens a session: nothing was stored under it.
    again = client.post("/mark/detect", data={"group_id": "7b", "session_id": "monday"}, files=[("images", good)])
    assert again.status_code == 200
    assert len(again.json()["photos"]) == 1


def test_a_body_above_the_limit_is_refused_even_when_its_length_is_not_announced(client: httpx.Client) -> None:
    def chunks() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
        for _ in range(130):
            yield bytes(1_000_000)

    response = client.post(
        "/mark/detect", content=chunks(), headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert_problem(response, 413, "image_too_large")


@pytest.mark.parametrize("make", [pictures.cmyk, pictures.sixteen_bit], ids=["CMYK", "16 bit"])
def test_unusual_pictures_of_a_face_register_as_well(
    client: httpx.Client, samples: Path, make: Callable[[Path], bytes]
) -> None:
    response = register(client, make(samples))
    assert response.status_code == 201, response.text
    group = (samples / "photos" / "group.jpg").read_bytes()
    marks = client.post("/mark/detect", data={"group_id": "7b"}, files={"images": group}).json()["marks"]
    assert [(mark["student_id"], mark["status"]) for mark in marks] == [("s1", "present")]


def test_consent_is_required(client: httpx.Client, samples: Path) -> None:
    portrait = (samples / "gallery" / "barack_obama.jpg").read_bytes()
    assert_problem(register(client, portrait, consent="false"), 422, "consent_required")
    without = {key: value for key, value in REGISTRATION.items() if key != "consent"}
    response = client.post("/register/register-student", data=without, files={"image": portrait})
    assert_problem(response, 422, "consent_required")


def test_a_taken_id_is_refused_and_its_student_unchanged(client: httpx.Client, samples: Path) -> None:
    assert register(client, (samples / "gallery" / "barack_obama.jpg").read_bytes()).status_code == 201
    other = (samples / "gallery" / "joe_biden.jpg").read_bytes()
    assert_problem(register(client, other, name="Someone else"), 409, "student_exists")
    assert [student["name"] for student in client.get("/v1/students").json()["items"]] == ["Ada"]


def test_the_same_person_under_a_second_id_is_refused(client: httpx.Client, samples: Path) -> None:
    assert register(client, (samples / "gallery" / "barack_obama.jpg").read_bytes()).status_code == 201
    second = (samples / "photos" / "dim.jpg").read_bytes()
    assert_problem(register(client, second, student_id="s2"), 409, "duplicate_person")
    assert register(client, second, student_id="s2", allow_lookalike="true").status_code == 201


@pytest.mark.parametrize("student_id", ["", "../x", "a b", ".hidden", "é", "x" * 65, "=1+1"])
def test_an_id_that_could_be_a_path_or_formula_is_refused(client: httpx.Client, samples: Path, student_id: str) -> None:
    portrait = (samples / "gallery" / "barack_obama.jpg").read_bytes()
    assert_problem(register(client, portrait, student_id=student_id), 422, "invalid_request")


def test_an_unknown_group_has_no_one_to_find(client: httpx.Client, samples: Path) -> None:
    group = (samples / "photos" / "group.jpg").read_bytes()
    response = client.post("/mark/detect", data={"group_id": "nobody"}, files={"images": group})
    assert_problem(response, 404, "group_not_found")


def test_eleven_photos_are_too_many(client: httpx.Client, samples: Path) -> None:
    assert register(client, (samples / "gallery" / "barack_obama.jpg").read_bytes()).status_code == 201
    files = [("images", (f"{index}.jpg", b"x")) for index in range(11)]
    assert_problem(client.post("/mark/detect", data={"group_id": "7b"}, files=files), 422, "invalid_request")


def test_a_session_of_another_group_is_not_touched(client: httpx.Client, samples: Path) -> None:
    assert register(client, (samples / "gallery" / "barack_obama.jpg").read_bytes()).status_code == 201
    biden = (samples / "gallery" / "joe_biden.jpg").read_bytes()
    assert register(client, biden, student_id="s2", group_id="8a").status_code == 201
    files = {"images": (samples / "photos" / "group.jpg").read_bytes()}
    assert client.post("/mark/detect", data={"group_id": "7b", "session_id": "m"}, files=files).status_code == 200
    response = client.post("/mark/detect", data={"group_id": "8a", "session_id": "m"}, files=files)
    assert_problem(response, 409, "session_of_other_group")


def test_an_unknown_address_is_a_problem_document_too(client: httpx.Client) -> None:
    assert_problem_code = client.get("/v1/nothing")
    assert assert_problem_code.status_code == 404
    assert assert_problem_code.headers["content-type"] == "application/problem+json"
