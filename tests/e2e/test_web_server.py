"""The local server serves the web client's files without sign-in, with caching headers, beside the API."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.constructs.site import site_policy as cloud_policy
from muster.api import documentation
from muster.api.app import create_app
from muster.api.security_headers import API_PATHS, HEADERS
from muster.composition.local import LocalServices
from muster.domain.identifiers import UserId
from muster.domain.user import Role, User
from tests.e2e.serving import serving

WEB = Path(__file__).parents[2] / "web"
SCRIPT = "export const words = ['" + "muster " * 200 + "'];\n"


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A small client, beside it a file that is none of its own."""
    folder = tmp_path / "web"
    (folder / "core").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Muster</title><h1>Muster</h1>")
    (folder / "core" / "api.js").write_text(SCRIPT)
    for name in ("manifest.webmanifest", "icon.svg", "style.css", "strings.json"):
        (folder / name).write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def page(system: LocalServices, web: Path) -> Iterator[httpx.Client]:
    """A client of a server with users, one who has no token."""
    system.users.add(User(UserId("ada"), Role.ADMIN))
    with serving(create_app(system, site=web)) as url, httpx.Client(base_url=url, timeout=600) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/index.html"])
def test_the_start_page_is_the_answer_at_its_own_address(page: httpx.Client, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Muster</h1>" in answer.text


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/core/api.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icon.svg", "image/svg+xml"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/strings.json", "application/json"),
        ("/config.json", "application/json"),
    ],
)
def test_every_file_has_its_media_type_and_the_security_headers(page: httpx.Client, path: str, media_type: str) -> None:
    for answer in (page.get(path), page.head(path)):
        assert answer.status_code == 200
        assert answer.headers["content-type"] == media_type
        assert answer.headers["cache-control"] == "no-cache"
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_policy_is_the_clouds_without_the_clouds_origins(page: httpx.Client) -> None:
    def rules(text: str) -> dict[str, set[str]]:
        return {name: set(sources) for name, *sources in (part.split() for part in text.split(";"))}

    here, cloud = rules(page.get("/").headers["content-security-policy"]), rules(cloud_policy("dev"))
    assert cloud.keys() - here.keys() == {"upgrade-insecure-requests"}
    beyond = {name: cloud[name] - here[name] for name in here if cloud[name] != here[name]}
    assert all(here[name] <= cloud[name] for name in here)
    assert beyond.keys() == {"connect-src", "img-src"}
    assert all(origin.startswith("https://") for origins in beyond.values() for origin in origins)
    assert not any(
        "unsafe" in source or source in ("*", "http:", "https:") for sources in here.values() for source in sources
    )


def test_a_file_that_was_not_changed_is_not_sent_again(page: httpx.Client, web: Path) -> None:
    first = page.get("/core/api.js")
    again = page.get("/core/api.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"
    (web / "core" / "api.js").write_text("export const words = [];\n")
    changed = page.get("/core/api.js", headers={"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.text) == (200, "export const words = [];\n")


def test_files_are_compressed_and_answers_of_the_api_never_are(page: httpx.Client, system: LocalServices) -> None:
    with page.stream("GET", "/core/api.js", headers={"Accept-Encoding": "gzip"}) as answer:
        assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
        raw = b"".join(answer.iter_raw())
    assert len(raw) < len(SCRIPT) / 4
    assert gzip.decompress(raw).decode() == SCRIPT
    plain = page.get("/core/api.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == SCRIPT
    bearer = {"Authorization": f"Bearer {system.users.renew_token(UserId('ada'))}", "Accept-Encoding": "gzip"}
    document = page.get("/openapi.json", headers=bearer)
    assert (document.status_code, "content-encoding" in document.headers) == (200, False)


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/core/../../secret.txt", "/link.txt", "//secret.txt", "/a%00.txt"],
)
def test_nothing_outside_the_folder_is_served(page: httpx.Client, path: str) -> None:
    answer = httpx.get(httpx.URL(page.base_url, raw_path=path.encode()))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    ["/core", "/core/", "/.env", "/" + "x" * 5000 + ".js", "/metrics", "/healthz", "/sessions/monday", "/v1", "/redoc"],
)
def test_what_is_no_file_is_not_there(page: httpx.Client, path: str) -> None:
    """A monitor that is pointed at an address that does not exist must not be green for ever."""
    answer = page.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_site_answers_before_sign_in_and_the_api_only_after(page: httpx.Client, system: LocalServices) -> None:
    assert page.get("/").status_code == 200
    for path in ("/v1/students", "/v1/me", "/v1/training"):
        answer = page.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")


def test_addresses_of_the_api_keep_their_problem_documents(page: httpx.Client) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/nothing.js", 404),
        ("GET", "/mark/nothing", 404),
        ("GET", "/mark/detect", 405),
        # Without a sender nothing that may have a body is read, not even to say that the address is wrong.
        ("PUT", "/v1/groups", 401),
        ("POST", "/", 401),
        ("POST", "/core/api.js", 401),
        ("GET", "/core/nothing.js", 404),
    ):
        answer = page.request(method, path)
        assert answer.status_code == status, (method, path)
        assert answer.headers["content-type"] == "application/problem+json", (method, path)
    assert page.get("/health").json()["status"] == "ok"


def test_the_documentation_loads_nothing_from_other_sites(page: httpx.Client) -> None:
    answer = page.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    loaded = re.findall(r'(?:src|href)="([^"]*)"', answer.text)
    assert "/openapi.json" in loaded
    assert all(url.startswith("/") or url == "data:," for url in loaded), loaded
    for url in loaded:
        if url.startswith("/docs/"):
            file = page.get(url)
            assert file.status_code == 200
            assert len(file.content) > 100
            assert "script-src 'self';" in file.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in answer.headers["content-security-policy"]
    for path in ("/docs/README.md", "/docs/nothing.js", "/docs/%2e%2e%2fapp.py"):
        assert page.get(path).status_code == 404


def test_the_files_of_the_documentation_are_those_of_the_package() -> None:
    folder = Path(documentation.__file__).parent / "swagger_ui"
    written = dict(re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", (folder / "README.md").read_text()))
    assert written.keys() == {"swagger-ui-bundle.js", "swagger-ui.css"}
    for name, digest in written.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_no_route_of_the_api_lies_where_the_site_would_answer(system: LocalServices) -> None:
    """Every route is under a path that both CloudFront and the local server leave to the API."""
    document = create_app(system).openapi()
    for path in document["paths"]:
        assert any(path == pattern or path.startswith(pattern.removesuffix("*")) for pattern in API_PATHS), path


def test_a_page_load_does_not_use_up_what_a_sender_may_ask(page: httpx.Client) -> None:
    assert {page.get("/core/api.js").status_code for _ in range(450)} == {200}


def test_the_settings_say_that_there_are_no_sign_in_pages(page: httpx.Client) -> None:
    assert page.get("/config.json").json() == {"stage": "local", "sign_in": None, "client_id": None, "region": None}


def test_the_clients_own_folder_is_served(system: LocalServices) -> None:
    with serving(create_app(system, site=WEB)) as url:
        answer = httpx.get(url)
        assert "Muster" in answer.text
        for file in WEB.rglob("*.js"):
            script = httpx.get(f"{url}/{file.relative_to(WEB).as_posix()}")
            assert (script.status_code, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        manifest = WEB / "manifest.webmanifest"
        if manifest.exists():
            assert httpx.get(f"{url}/manifest.webmanifest").json() == json.loads(manifest.read_text())
