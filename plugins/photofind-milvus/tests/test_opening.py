"""Addresses, secrets, and servers that refuse: one clear line each, and nothing written."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from libraries import address_of
from milvus_server import MilvusServer
from photofind_milvus.address import parse_address
from photofind_milvus.connection import Connection
from photofind_milvus.naming import Naming
from photofind_milvus.revisions import Revisions
from photofind_milvus.rows import taken_of
from photofind_milvus.store import MilvusStore

from photofind.errors import LibraryError, NewerFormatError
from photofind.library.stores import check_engine, open_store
from photofind.paths import Home
from photofind.settings import Settings


@pytest.fixture
def user_home(tmp_path: Path) -> Home:
    root = tmp_path / "home"
    root.mkdir()
    return Home(root)


def test_an_address_says_where_and_how(user_home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("rosebud\n")
    secret.chmod(0o600)
    text = f"milvus://nas:1953/our_photos?tls=1&user=ada&password_file={secret}&machine=desk"
    address = parse_address(text + "&share=nas:/mnt/nas/&database=home", user_home)
    assert (address.host, address.port, address.name) == ("nas", 1953, "our_photos")
    assert (address.user, address.password, address.is_encrypted) == ("ada", "rosebud", True)
    assert (address.shares, address.database) == ((("nas", "/mnt/nas"),), "home")
    assert "rosebud" not in repr(address)
    assert "rosebud" not in str(address)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("milvus://nas", "milvus://HOST:PORT/NAME"),
        ("milvus://nas/a-b", "milvus://HOST:PORT/NAME"),
        ("milvus://nas:port/photos", "port"),
        ("milvus://ada:rosebud@nas/photos", "no user and no password"),
        ("milvus://nas/photos?colour=red", "'colour'"),
        ("milvus://nas/photos?user=ada", "password_file"),
        ("milvus://nas/photos?share=nas:relative", "share=NAME:FOLDER"),
        ("milvus://nas/photos?ca=/nowhere.pem", "/nowhere.pem"),
        ("milvus://nas/photos?token_file=/nowhere", "/nowhere"),
        ("milvus://nas/photos?timeout=never", "timeout"),
    ],
)
def test_what_is_no_address_is_said_in_a_line(user_home: Home, text: str, reason: str) -> None:
    with pytest.raises(LibraryError, match=re.escape(reason)) as caught:
        parse_address(text, user_home)
    assert "\n" not in str(caught.value)
    assert "rosebud" not in str(caught.value)


def test_a_secret_that_others_can_read_is_refused(user_home: Home) -> None:
    token = user_home.root / "milvus.token"
    token.write_text("rosebud")
    token.chmod(0o644)
    with pytest.raises(LibraryError, match="others can read") as caught:
        parse_address("milvus://nas/photos", user_home)
    assert "chmod 600" in str(caught.value)
    token.chmod(0o600)
    assert parse_address("milvus://nas/photos", user_home).token == "rosebud"


def test_paths_come_back_as_they_were() -> None:
    one = Naming("one", [("nas", "/mnt/nas"), ("inner", "/mnt/nas/inner")])
    two = Naming("two", [("nas", "/volumes/nas")])
    for path in ("/a/b.jpg", '/photos/caf\udce9/日本 \\ "a\n%.jpg', "/", "/mnt/nasty"):
        kept = one.kept(path)
        assert kept.isascii()
        assert not set(kept) & set("\"\\'\n")
        assert one.shown(kept) == path
        elsewhere = two.shown(kept)
        assert elsewhere == f"/@one{path}"
        assert two.kept(elsewhere) == kept
    assert one.kept("/mnt/nas/a") == "nas:/a" == two.kept("/volumes/nas/a")
    assert one.kept("/mnt/nas/inner/a") == "inner:/a"
    assert two.shown("inner:/a") == "/@inner/a"
    assert [place for place, _ in one.below("/mnt")] == ["inner:", "nas:", "one:/mnt"]
    assert one.below("/") == []


def test_moments_become_numbers_in_their_order() -> None:
    moments = ["2019", "2020-05-01", "2020-05-01T10:00:00", "2020-05-01T10:00:01.5", "2021"]
    numbers = [taken_of(moment) for moment in moments]
    assert numbers == sorted(numbers)
    assert taken_of("no time") == 0


def test_the_setting_names_the_engine(user_home: Home) -> None:
    check_engine("milvus://nas/photos")
    with pytest.raises(LibraryError, match="cannot be reached"):
        open_store(user_home, Settings(store="milvus://127.0.0.1:1/photos?timeout=2"))
    assert [*user_home.root.iterdir()] == []


def test_another_schema_is_left_alone(server: MilvusServer, user_home: Home) -> None:
    for name, description in (("newer", "photofind library, schema 2"), ("strange", "")):
        connection = Connection(parse_address(address_of(server, name), user_home))
        Revisions(connection, "", lambda _: None).make(description)
        connection.close()
    with pytest.raises(NewerFormatError, match="newer"):
        MilvusStore(user_home, address_of(server, "newer"), writable=True)
    with pytest.raises(LibraryError, match="no library of photofind"):
        MilvusStore(user_home, address_of(server, "strange"), writable=True)
    connection = Connection(parse_address(address_of(server, "newer"), user_home))
    assert not connection.has("photos")
    connection.close()


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run(
        ["openssl", "req", *kind, *names, "-out", certificate, "-keyout", key],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, program: Path
) -> Iterator[tuple[MilvusServer, Path]]:
    """A server that speaks TLS alone and asks for a password, and its certificate."""
    pytest.importorskip("milvus", reason="there is no wheel of Milvus for this machine")
    folder = tmp_path_factory.mktemp("guarded")
    certificate, key = _certificate(folder, "server")
    server = MilvusServer(
        folder / "milvus", program, certificate=certificate, key=key, with_users=True
    )
    server.start()
    try:
        server.wait()
        yield server, certificate
    finally:
        server.kill()


def test_a_guarded_server_lets_in_who_knows_the_password(
    guarded: tuple[MilvusServer, Path], user_home: Home, tmp_path: Path
) -> None:
    server, certificate = guarded
    other, _ = _certificate(tmp_path, "other")
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for file, text in ((right, "Milvus"), (wrong, "rosebud")):
        file.write_text(text)
        file.chmod(0o600)
    base = f"milvus://localhost:{server.port}/photos?timeout=5&user=root"
    for options, reason in (
        (f"&ca={certificate}&password_file={wrong}", "refuses the user or the password"),
        (f"&ca={other}&password_file={right}", "certificate"),
        (f"&password_file={right}", "TLS"),
    ):
        with pytest.raises(LibraryError, match=reason) as caught:
            MilvusStore(user_home, base + options, writable=True)
        assert "\n" not in str(caught.value)
        assert "rosebud" not in str(caught.value)
    trusted = parse_address(f"{base}&ca={certificate}&password_file={right}", user_home)
    connection = Connection(trusted)
    assert not connection.has("photos")  # Those that were refused wrote nothing.
    connection.close()
