"""The store keeps every promise of the protocol on a real server, whatever dies.

One file, so that one server is started.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import indexing_machine
import pytest
from libraries import address_of, certificate, emptied
from milvus_server import MilvusServer
from photofind_milvus.address import parse_address
from photofind_milvus.connection import Connection
from photofind_milvus.revisions import Revisions
from photofind_milvus.store import SCHEMA, MilvusStore

from photofind.errors import LibraryError, NewerFormatError
from photofind.library.store import Store
from photofind.model.filters import Filter
from photofind.model.records import Photo
from photofind.paths import Home
from photofind.testing.stores import StoreChecks
from photofind.testing.stores.subject import SPACE, embedding, put

COMMITS = 6


class TestMilvusStore(StoreChecks):
    graphs = True

    @pytest.fixture(autouse=True)
    def library(self, server: MilvusServer) -> None:
        self.address = f"{emptied(server, 'kit')}&machine=one"

    def open_store(self, folder: Path, /, *, writable: bool) -> Store:
        return MilvusStore(Home(folder), self.address, writable=writable)


@pytest.fixture
def address(server: MilvusServer) -> str:
    return emptied(server, "kit")


@contextmanager
def machine(home: Path, address: str, folder: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is ready to commit photos, once it is sent a line."""
    process = subprocess.Popen(
        [sys.executable, indexing_machine.__file__, home, address, folder, str(COMMITS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_machines_that_index_the_same_share_end_with_one_of_each(
    address: str, tmp_path: Path
) -> None:
    one = f"{address}&machine=one&share=nas:/mnt/nas"
    two = f"{address}&machine=two&share=nas:/volumes/nas"
    with (
        machine(tmp_path / "one", one, "/mnt/nas/photos") as first,
        machine(tmp_path / "two", two, "/volumes/nas/photos") as second,
    ):
        for process in (first, second):
            begin(process)
        assert [process.wait() for process in (first, second)] == [0, 0]
    count = COMMITS * indexing_machine.TOGETHER
    with MilvusStore(Home(tmp_path / "one"), one, writable=True) as store:
        photos = [*store.select()]
        assert len({photo.id for photo in photos}) == len(photos) == count
        assert Counter(photo.path for photo in photos).most_common(1)[0][1] == 1
        assert store.count(Filter("/mnt/nas")) == count
        assert store.count(Filter("/mnt/nas/photos/000-0.jpg")) == 1
        assert store.space_counts(SPACE).contents == count
        states = [check.state for check in store.check()]
        assert set(states) == {"ok"}
    with MilvusStore(Home(tmp_path / "two"), two) as store:
        assert [*store.by_path(["/volumes/nas/photos/000-0.jpg"])]
        assert [folder.path for folder in store.folders()] == ["/volumes/nas/photos"]


def test_a_machine_sees_what_others_have_as_out_of_reach(address: str, tmp_path: Path) -> None:
    one, two = (
        MilvusStore(Home(tmp_path / name), f"{address}&machine={name}", writable=True)
        for name in ("one", "two")
    )
    with one, two, machine(tmp_path / "three", f"{address}&machine=three", "/photos"):
        one.open_space("mobilenet", "1", 16)
        two.refresh()
        put(one, "a.jpg")
        put(two, "a.jpg")  # Another file that has the same path there.
        for store in (one, two):
            store.refresh()
            assert store.count() == 2
            (folder,) = store.folders()
            assert (folder.path, folder.state) == ("/@three/photos", "offline")
            assert "three" in (folder.reason or "")
        assert {photo.path for photo in one.select()} == {"/photos/a.jpg", "/@two/photos/a.jpg"}
        assert one.count(Filter("/@two/photos")) == 1
        one.put_folder(folder)  # What this machine says of it does not count.
        assert [*two.folders()] == [folder]


def test_a_killed_machine_leaves_whole_commits(address: str, tmp_path: Path) -> None:
    one = f"{address}&machine=one"
    with machine(tmp_path, one, "/photos") as process:
        begin(process)
        assert process.stdout is not None
        done = [int(process.stdout.readline()) for _ in range(2)]
        process.kill()
        process.wait()
    with MilvusStore(Home(tmp_path), one, writable=True) as store:
        photos = [*store.select()]
        assert len(photos) % indexing_machine.TOGETHER == 0
        assert len(photos) >= len(done) * indexing_machine.TOGETHER
        contents = [photo.content for photo in photos]
        has, found = store.embeddings(SPACE, contents)
        assert has.all()
        assert [one.tolist() for one in found] == [embedding(one).tolist() for one in contents]
        (again,) = put(store, "again.jpg")
        assert again.spaces == (SPACE,)
        assert {check.state for check in store.check()} == {"ok"}


def test_a_commit_that_another_process_left_is_taken_back(address: str, tmp_path: Path) -> None:
    with MilvusStore(Home(tmp_path), address, writable=True) as store:
        store.open_space("mobilenet", "1", 16)
        (known,) = put(store, "a.jpg")

        def fail(*_: object) -> None:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            # As a process ends that is killed just before its commit counts.
            patch.setattr(store._revisions, "publish", fail)
            patch.setattr(store._revisions, "give_up", fail)
            with pytest.raises(KeyboardInterrupt):
                store.commit([Photo("/photos/b.jpg", content="b"), Photo(known.path, size=3)])
        assert [*store.select()] == [known]
    with MilvusStore(Home(tmp_path), address, writable=True) as store:
        assert [*store.select()] == [known]
        assert not store._library.state.running
        connection = store._library.connection
        assert connection.count("photos", "died_by > 0") == 0
        assert connection.count("photos", "born >= 0") == 1


def test_another_schema_is_left_alone(server: MilvusServer, tmp_path: Path) -> None:
    others = {"newer": f"{SCHEMA + 1}", "older": f"{SCHEMA - 1}", "strange": ""}
    for name, version in others.items():
        description = version and f"photofind library, schema {version}"
        connection = Connection(parse_address(address_of(server, name), Home(tmp_path)))
        Revisions(connection, "", lambda _: None).make(description)
        connection.close()
    with pytest.raises(NewerFormatError, match="newer"):
        MilvusStore(Home(tmp_path), address_of(server, "newer"), writable=True)
    with pytest.raises(LibraryError, match="older photofind-milvus"):
        MilvusStore(Home(tmp_path), address_of(server, "older"), writable=True)
    with pytest.raises(LibraryError, match="no library of photofind"):
        MilvusStore(Home(tmp_path), address_of(server, "strange"), writable=True)
    for name in others:
        connection = Connection(parse_address(address_of(server, name), Home(tmp_path)))
        assert not connection.has("photos")  # Nothing was written.
        connection.close()


def test_a_guarded_server_lets_in_who_knows_the_password(
    server: MilvusServer, tmp_path: Path
) -> None:
    other, _ = certificate(tmp_path, "other")
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for file, text in ((right, "Milvus"), (wrong, "rosebud")):
        file.write_text(text)
        file.chmod(0o600)
    base = f"milvus://localhost:{server.port}/photos?timeout=5"
    for options, reason in (
        (
            f"&user=root&ca={server.certificate}&password_file={wrong}",
            "refuses the user or the password",
        ),
        (f"&user=root&ca={other}&password_file={right}", "certificate"),
        (f"&user=root&password_file={right}", "refuses"),
        ("", "TLS"),
    ):
        with pytest.raises(LibraryError, match=reason) as caught:
            MilvusStore(Home(tmp_path), base + options, writable=True)
        assert "\n" not in str(caught.value)
        assert "rosebud" not in str(caught.value)
    connection = Connection(parse_address(address_of(server, "photos"), Home(tmp_path)))
    assert not connection.has("photos")  # Those that were refused wrote nothing.
    connection.close()


def test_a_server_that_was_killed_goes_on_with_all_that_was_committed(
    server: MilvusServer, address: str, tmp_path: Path
) -> None:
    # It loads what it has before it answers, which takes long on a busy machine.
    with MilvusStore(Home(tmp_path), f"{address}&timeout=120", writable=True) as store:
        store.open_space("mobilenet", "1", 16)
        photos = put(store, "a.jpg", "b.jpg")
        server.kill()
        with pytest.raises(LibraryError, match="cannot be reached"):
            put(store, "c.jpg")
        with pytest.raises(LibraryError, match="cannot be reached"):
            [*store.select()]
        server.start()
        server.wait()
        assert sorted(store.select(), key=lambda photo: photo.path) == photos
        put(store, "c.jpg")
        assert store.count() == 3


def test_what_is_counted_follows_what_others_commit(address: str, tmp_path: Path) -> None:
    """Counts are kept here and brought up to date, by what was born and died since."""
    one, two = (
        MilvusStore(Home(tmp_path / name), f"{address}&machine=one", writable=True)
        for name in ("one", "two")
    )
    with one, two:
        one.open_space("mobilenet", "1", 16)
        put(one, "a.jpg", "b.jpg", "c.jpg")
        two.refresh()
        assert [place.photos for place in two.places()] == [3]
        assert two.tags() == []
        a, b, c = one.select()
        one.commit([replace(a, keywords=("harbour",)), replace(b, keywords=("Harbour", "sea"))])
        one.remove([c])
        one.commit([Photo("/elsewhere/d.jpg", keywords=("sea",), captured="2021-05-01")])
        two.refresh()
        for store in (one, two):
            assert sorted((place.folder, place.photos) for place in store.places()) == [
                ("/elsewhere", 1),
                ("/photos", 2),
            ]
            counts = {count.name.casefold(): count.photos for count in store.tags()}
            assert counts == {"harbour": 2, "sea": 2}
        one.remove([*one.select()])
        two.refresh()
        assert two.places() == two.tags() == []
