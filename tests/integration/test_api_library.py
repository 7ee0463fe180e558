"""The API and its client over a real library, in the daemon's own object."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from commands import Album
from PIL import Image
from served_library import Served, serving
from waiting import wait_until

from photofind.app.photofind import PhotoFind
from photofind.daemon.client import Client
from photofind.daemon.resident import Resident
from photofind.errors import ImageError, LibraryError, PhotofindError
from photofind.model import Query
from photofind.paths import Home


@pytest.fixture(scope="module")
def served(album: Album, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A copy of the album's library, served as the daemon does, but watching nothing."""
    home = Home(tmp_path_factory.mktemp("served") / "home")
    shutil.copytree(album.home, home.root)
    with Resident(home) as resident, serving(home, resident) as served:
        yield served


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[Client]:
    with Client(served.home) as client:
        yield client


def test_both_transports_answer_the_same(served: Served, client: Client, album: Album) -> None:
    cat = album.path("2019/chelsea-original.jpg")
    with PhotoFind(Home(album.home)) as photofind:
        for query in (
            Query(like=(cat,), limit=5),
            Query(like=(cat,), unlike=(album.path("2020/rocket-original.jpg"),), every=True),
            Query(like=(cat,), folder=album.path("2021"), since="2021", until="2021-05"),
            Query(like=(cat,), plain=True, min_score=0.2),
        ):
            ours, theirs = photofind.similar(query), client.similar(query)
            assert theirs.query == ours.query
            assert theirs.photos == ours.photos
            assert [hit.path for hit in theirs.hits] == [hit.path for hit in ours.hits]
            assert theirs.hits[0].score == pytest.approx(ours.hits[0].score, abs=1e-3)
        assert client.photos(limit=1000) == photofind.photos(limit=1000)
        assert client.photos(folder=album.path("2021"), offset=2, limit=3) == photofind.photos(
            folder=album.path("2021"), offset=2, limit=3
        )
        assert client.photo(cat) == photofind.photo(cat)
        assert client.failures() == photofind.failures()
        assert len(client.failures()) == 3
        assert client.settings == photofind.settings
        for one in (client, photofind):  # Trying them takes long on a busy machine.
            wait_until(lambda one=one: not any(e.loading for e in one.extractors()), "extractors")
        # Why a plugin does not work may name the home, of which there are two.
        ours, theirs = (
            [
                replace(extractor, error=extractor.error and "it does not work")
                for extractor in every
            ]
            for every in (photofind.extractors(), client.extractors())
        )
        assert theirs == ours
        assert client.status().photos == photofind.status().photos
        assert {group.paths for group in client.duplicates()} == {
            group.paths for group in photofind.duplicates()
        }


def test_a_picture_from_elsewhere_is_decoded_in_the_worker_alone(
    served: Served, client: Client, album: Album, tmp_path: Path
) -> None:
    outside = tmp_path / "a cat from outside.jpg"
    with Image.open(album.path("2019/chelsea-original.jpg")) as picture:
        picture.rotate(3).save(outside)
    upload = client.upload(outside)
    for like in (str(outside), upload):
        answer = client.similar(Query(like=(like,), limit=3, folder=album.path("2019")))
        assert answer.query.like == (like,)
        assert "chelsea" in answer.hits[0].path
    small = Image.open(io.BytesIO(client.thumbnail_of(str(outside), 128)))
    assert (small.format, max(small.size)) == ("JPEG", 128)
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    for ask in (lambda: client.thumbnail_of(str(bad)), lambda: similar_to_upload(client, bad)):
        with pytest.raises(ImageError) as caught:
            ask()
        assert "cache" not in str(caught.value), "where it was put is nobody's business"


def similar_to_upload(client: Client, path: Path) -> None:
    client.similar(Query(like=(client.upload(path),)))


def test_photos_are_shown_and_failed_ones_are_not(
    served: Served, client: Client, album: Album
) -> None:
    path = album.path("2022/clock-original.jpg")
    photo = client.photo(path)
    small = Image.open(io.BytesIO(client.thumbnail(photo.id, 256)))
    assert max(small.size) == 256
    assert whole_file(served, client, photo.id) == Path(path).read_bytes()
    failed = client.photo(album.path("bad/text.jpg"))
    with pytest.raises(LibraryError):
        whole_file(served, client, failed.id)
    with pytest.raises(PhotofindError):
        client.thumbnail(failed.id)
    with pytest.raises(LibraryError):
        client.photo(10**9)


def whole_file(served: Served, client: Client, photo: int) -> bytes:
    from photofind.daemon.transport import Request

    return client._transport.ask(Request("GET", f"/api/photos/{photo}/file"))


def test_odd_paths_are_errors_of_photofind(client: Client, tmp_path: Path) -> None:
    long = "/" + "a" * 4000
    deep = "/a" * 2000
    with pytest.raises(PhotofindError):
        client.add_folder(long)
    odd = [long, deep, "/proc/self/mem", "/dev/zero", str(tmp_path), "/\udcff", "//", "/..", "/"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        odd.append(str(tmp_path / "pipe"))
    for path in odd:
        with pytest.raises(PhotofindError):
            client.similar(Query(like=(path,)))
        with pytest.raises(PhotofindError):
            client.photo(path)
        assert not client.covers(path)
    for path in ("//", "/..", "/"):
        assert client.photos(folder=path) == client.photos()
