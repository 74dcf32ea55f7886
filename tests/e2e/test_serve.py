"""`muster serve` for phones: over HTTPS, in the network, with the web client."""

import shutil
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from muster.cli import server
from muster.cli import serving as cli
from muster.cli.addresses import likeliest_first
from muster.packs.load import ModelPack
from tests.e2e.test_users import document, muster, serving


def written(key: ec.EllipticCurvePrivateKey, to: Path) -> Path:
    to.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return to


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = tmp_path / "certificate.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return chain, written(key, tmp_path / "key.pem")


@pytest.mark.processes
def test_the_client_is_served_over_https_and_its_address_is_said_first(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    chain, key = certificate
    trusted, log = ssl.create_default_context(cafile=str(chain)), tmp_path / "log"
    options = ("--tls-certificate", str(chain), "--tls-key", str(key))
    with serving(tmp_path / "store", log, *options, verify=trusted) as address:
        page = httpx.get(f"{address}/", verify=trusted)
        assert page.status_code == 200
        assert "Muster" in page.text
        assert httpx.get(f"{address}/v1/me", verify=trusted).json()["user_id"] == "local"
    # The first line says that there was no store.
    assert log.read_text().splitlines()[1] == f"Muster is running at {address}"
    assert "readable" not in log.read_text()


def test_files_that_are_no_certificate_are_refused_with_what_to_do(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    chain, key = certificate
    other = written(ec.generate_private_key(ec.SECP256R1()), tmp_path / "other.pem")
    for options, sentence in (
        (["--tls-certificate", str(chain)], "both"),
        (["--tls-key", str(key)], "both"),
        (["--tls-certificate", str(chain), "--tls-key", str(other)], "cannot be used together"),
        (["--tls-certificate", str(key), "--tls-key", str(key)], "cannot be used together"),
        (["--tls-certificate", str(tmp_path / "none.pem"), "--tls-key", str(key)], "not exist"),
    ):
        refused = muster(tmp_path / "store", "serve", *options)
        assert refused.returncode == 2, refused.stderr
        assert sentence in " ".join(refused.stderr.replace("│", " ").split()), refused.stderr


def test_a_model_that_changed_on_the_disk_stops_the_server_with_what_to_do(
    tmp_path: Path, pack: ModelPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = tmp_path / "home" / "packs" / "embedded"
    shutil.copytree(pack.directory, changed)
    with (changed / pack.detector.name).open("r+b") as model:
        model.write(b"changed")
    monkeypatch.setenv("MUSTER_HOME", str(tmp_path / "home"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    refused = muster(tmp_path / "store", "serve", "--port", str(port))
    assert refused.returncode == 1, refused.stderr
    assert "is damaged" in refused.stderr
    assert "muster packs build embedded" in " ".join(refused.stderr.split())


def test_no_server_without_users_lets_the_network_in(tmp_path: Path) -> None:
    refused = muster(tmp_path, "serve", "--network")
    assert refused.returncode == 2
    assert "users add" in refused.stderr


@pytest.fixture
def listened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the server would listen on: the tests themselves open nothing to the network."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(server, "listen", lambda *_, **arguments: found.update(arguments))
    monkeypatch.setattr(cli, "check_free", lambda *_: None)
    monkeypatch.setattr(cli, "network_addresses", lambda: ["192.0.2.7", "198.51.100.7"])
    return found


def test_the_network_is_let_in_with_a_warning_and_the_addresses_that_phones_need(
    tmp_path: Path, listened: dict[str, Any], capsys: pytest.CaptureFixture[str], certificate: tuple[Path, Path]
) -> None:
    document(muster(tmp_path / "store", "users", "add", "ada", "--json"))
    cli.serve(host="127.0.0.1", port=8123, network=True, data=tmp_path / "store")
    said = capsys.readouterr().err
    assert (listened["host"], listened["port"], listened["ssl_certfile"]) == ("0.0.0.0", 8123, None)  # noqa: S104
    assert said.index("http://127.0.0.1:8123") < said.index("http://192.0.2.7:8123") < said.index("http://198.51.100.7")
    for word in (
        "anyone on this network can read faces, names and tokens",
        "camera",
        "--tls-certificate",
        "mkcert",
        "--qr",
    ):
        assert word in said, word

    chain, key = certificate
    cli.serve("127.0.0.1", 8123, True, chain, key, tmp_path / "store")
    said = capsys.readouterr().err
    assert (listened["ssl_certfile"], listened["ssl_keyfile"]) == (chain, key)
    assert "https://192.0.2.7:8123" in said
    assert "anyone on this network" not in said


def test_this_machine_alone_is_listened_to_unless_asked_for_more(
    tmp_path: Path, listened: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.serve(host="127.0.0.1", port=8123, data=tmp_path / "store")
    assert listened["host"] == "127.0.0.1"
    said = capsys.readouterr().err
    assert said.startswith("Muster is running at http://127.0.0.1:8123\n")
    assert not any(word in said for word in ("192.0.2.7", "readable"))
    with pytest.raises(typer.Exit):
        cli.serve(host="127.0.0.1", port=8123, network=True, data=tmp_path / "store")


@pytest.mark.parametrize(
    ("behind", "trusted"), [("", None), ("127.0.0.1", "127.0.0.1/32"), ("172.18.0.0/16", "172.18.0.0/16")]
)
def test_a_proxy_is_believed_only_where_it_is_named(
    tmp_path: Path, listened: dict[str, Any], behind: str, trusted: str | None
) -> None:
    cli.serve(host="127.0.0.1", port=8123, data=tmp_path / "store", behind_proxy=behind)
    assert (listened["proxy_headers"], listened["forwarded_allow_ips"]) == (trusted is not None, trusted)


@pytest.mark.parametrize("behind", ["*", "proxy.example", "0.0.0.0/0", "::/0", "127.0.0.1,10.0.0.1"])
def test_a_proxy_that_could_be_anyone_is_refused(tmp_path: Path, listened: dict[str, Any], behind: str) -> None:
    with pytest.raises(typer.BadParameter, match="172"):
        cli.serve(host="127.0.0.1", port=8123, data=tmp_path / "store", behind_proxy=behind)
    assert listened == {}


def test_addresses_that_no_phone_reaches_are_left_out_and_the_likeliest_comes_first() -> None:
    found = ["127.0.0.1", "169.254.3.4", "172.17.0.1", "192.168.1.20", "192.168.1.20", "0.0.0.0"]  # noqa: S104
    assert likeliest_first(found, "192.168.1.20") == ["192.168.1.20", "172.17.0.1"]
    assert likeliest_first(found, None) == ["172.17.0.1", "192.168.1.20"]
    assert likeliest_first([], None) == []
