"""What the server refuses is one clear line that says what to do, and nothing is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from photofind_postgres import open_postgres
from photofind_postgres.address import parse_address
from photofind_postgres.sessions import check_extension
from tls_front import tls_in_front

from photofind.app.photofind import PhotoFind
from photofind.errors import LibraryError, NewerFormatError
from photofind.model.records import Photo
from photofind.paths import Home


def certificate(path: Path) -> Path:
    """Write a certificate of this machine, with its key, and return where."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-", "-out", "-"]
    path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return path


def refusal(address: str) -> str:
    """Return what is said when the library at an address is opened."""
    with pytest.raises(LibraryError) as caught:
        open_postgres(Home.default(), address, writable=True, resident=False, idle_seconds=None)
    said = str(caught.value)
    assert "\n" not in said
    assert caught.value.hint
    assert "secret" not in said
    return said


def test_a_password_is_never_in_the_settings(server, tmp_path):
    """libpq finds it in its own file."""
    said = refusal(server.uri().replace("postgresql://", "postgres://"))
    assert "~/.pgpass" in said
    assert "password" in refusal("postgres://h/x?password=secret")
    with PhotoFind(Home(tmp_path / "home")) as photofind:
        for address in ("postgres://ada:secret@h/x", "postgres://h/x?password=secret"):
            with pytest.raises(LibraryError, match="must not hold a password") as caught:
                photofind.set_setting("store", address)
            assert "secret" not in str(caught.value)
        assert photofind.set_setting("store", server.address()) == server.address()


@pytest.mark.parametrize(
    "address",
    ["postgres://h/x?library=Ada", "postgres://h/x?library=pg_x", "postgres://h/x?machine=a/b",
     "postgres://h/x?share=nas", "postgres://[h/x"],
)  # fmt: skip
def test_an_address_that_says_nothing_sensible(address):
    assert refusal(address)


def test_a_wrong_password_or_none(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PGPASSFILE", str(server.password_file(tmp_path, "secretive")))
    assert "put the right password into ~/.pgpass" in refusal(server.address())
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    assert "write it into ~/.pgpass" in refusal(server.address())


def test_a_server_that_is_not_there(server):
    assert "does not answer" in refusal("postgres://photos@127.0.0.1:1/postgres")
    assert "create it there" in refusal(server.address("nowhere"))


def test_a_wrong_certificate(server, tmp_path, monkeypatch):
    """Only a server that shows the right certificate gets a password."""
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    assert "switch TLS on there" in refusal(server.address(sslmode="require"))
    own, other = (certificate(tmp_path / name) for name in ("own.pem", "other.pem"))
    with tls_in_front(server.port, own) as port:
        (tmp_path / "pgpass").write_text(f"127.0.0.1:{port}:*:photos:secret\n")
        (tmp_path / "pgpass").chmod(0o600)
        place = f"postgres://photos@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert="
        assert "sslrootcert=" in refusal(f"{place}{other}")
        store = open_postgres(
            Home.default(), f"{place}{own}&library=over_tls",
            writable=True, resident=False, idle_seconds=None,
        )  # fmt: skip
        with store:
            (check, *_) = store.check()
            assert check.state == "ok"
            assert "over TLS" in check.message


def test_an_older_and_a_newer_schema(server, opened, library):
    opened().commit([Photo("/a", content="a")])
    address = server.address(library=library)
    for version, said in ((0, "too old"), (99, "newer photofind")):
        server.execute(f"UPDATE {library}.library SET version = {version}")
        before = server.execute(f"SELECT * FROM {library}.library")
        assert said in refusal(address)
        assert server.execute(f"SELECT * FROM {library}.library") == before
    assert issubclass(NewerFormatError, LibraryError)
    server.execute("CREATE SCHEMA somebody; CREATE TABLE somebody.library (books text)")
    assert "something else" in refusal(server.address(library="somebody"))


def test_a_library_of_the_first_version_is_migrated(server, opened, library):
    """What was not counted along then is counted when the library is opened."""
    store = opened()
    store.open_space("mobilenet", "1", 16)
    vector = np.ones(16, np.float32)
    photos = [Photo(f"/{name}", content=name[0]) for name in ("a", "a2", "b")]
    store.commit(photos, "mobilenet@1", {"a": vector, "b": vector})
    counts = store.counts(), store.space_counts("mobilenet@1")
    assert (counts[0].photos, counts[1].contents) == (3, 2)
    server.execute(
        f"SET search_path = {library}; DROP TABLE tallies, content_tallies;"
        " DROP FUNCTION tally_put, tally_gone CASCADE; UPDATE library SET version = 1"
    )
    migrated = opened()
    assert (migrated.counts(), migrated.space_counts("mobilenet@1")) == counts
    # What a hand changed in the database is found, and counted again.
    server.execute(f"UPDATE {library}.tallies SET photos = 7")
    migrated = opened()
    assert {"counts": "broken"}.items() <= {c.name: c.state for c in migrated.check()}.items()
    assert [c.state for c in migrated.check(repair=True) if c.name == "counts"] == ["repaired"]
    assert (migrated.counts(), migrated.space_counts("mobilenet@1")) == counts


def test_an_extension_that_is_missing_or_too_old(server, tmp_path, monkeypatch):
    server.execute("CREATE DATABASE bare")
    server.execute("CREATE ROLE guest LOGIN PASSWORD 'secret'")
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    (tmp_path / "pgpass").write_text("*:*:*:guest:secret\n")
    (tmp_path / "pgpass").chmod(0o600)
    said = refusal(server.address("bare").replace("photos@", "guest@"))
    assert "have its owner run CREATE EXTENSION vector" in said
    with pytest.raises(LibraryError, match=r"has pgvector 0\.7\.4.*needs 0\.8"):
        check_extension("0.7.4", parse_address(server.address()))
    check_extension("0.8.5", parse_address(server.address()))
    check_extension("0.10.0", parse_address(server.address()))
    assert server.execute("SELECT to_regnamespace('photofind')", "bare") == [(None,)]


def test_a_server_that_can_only_be_read(server, opened, library):
    """A library is answered from; a commit is refused, and nothing of it is there."""
    server.execute("CREATE DATABASE still")
    address = server.address("still", library=library)
    open_postgres(Home.default(), address, writable=True, resident=False, idle_seconds=None).close()
    server.execute("ALTER DATABASE still SET default_transaction_read_only = on")
    with open_postgres(
        Home.default(), address, writable=True, resident=False, idle_seconds=None
    ) as store:
        assert store.count() == 0
        with pytest.raises(LibraryError, match="can only be read"):
            store.commit([Photo("/a", content="a")])
        assert store.count() == 0
    assert "can only be read" in refusal(server.address("still", library="another"))


def test_a_full_disk(server, opened, library):
    """What the server says of its disk is told as it is, and the same can be tried again."""
    store = opened()
    store.open_space("mobilenet", "1", 16)
    server.execute(
        "CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
    )
    server.execute(
        f"CREATE TRIGGER full_disk BEFORE INSERT ON {library}.photos EXECUTE FUNCTION full_disk()"
    )
    with pytest.raises(LibraryError, match=r"disk of .* is full"):
        store.commit([Photo("/a", content="a")])
    assert store.count() == 0
    server.execute(f"DROP TRIGGER full_disk ON {library}.photos")
    store.commit([Photo("/a", content="a")])
    assert store.count() == 1
