"""The store on PostgreSQL keeps every promise of the protocol, on a real server."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import psycopg
import pytest
from photofind_postgres import open_postgres
from photofind_postgres.address import parse_address
from photofind_postgres.locations import Locations
from photofind_postgres.tallies import WRONG

from photofind.indexing.index_building import build_index
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo, watched_here
from photofind.paths import Home
from photofind.ranking.exact import nearest_exactly
from photofind.testing.stores import StoreChecks


class TestPostgresStore(StoreChecks):
    graphs = True

    @pytest.fixture(autouse=True)
    def _server(self, server):
        self.server = server
        self.libraries = set()
        yield
        for library in self.libraries:  # Whatever was done, all was counted along.
            path = f"-c search_path={library}"
            with psycopg.connect(server.uri(), options=path) as connection:
                assert connection.execute(WRONG).fetchone() == (0,), library

    def open_store(self, folder, /, *, writable):
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        self.libraries.add(f"photos_{name}")
        address = self.server.address(library=f"photos_{name}")
        return open_postgres(
            Home.default(), address, writable=writable, resident=False, idle_seconds=None
        )


def test_the_graph_finds_what_filters_leave(opened, monkeypatch):
    """The HNSW index answers, and its scan goes on until it has enough that passes."""
    random = np.random.default_rng(3)
    centres = random.normal(size=(12, 16))
    count = 1500
    photos = [
        Photo(
            f"/{'half' if n % 2 else 'other'}/{n}", content=f"{n:06x}", captured=f"{2000 + n % 25}"
        )
        for n in range(count)
    ]
    vectors = centres[np.arange(count) % 12] + 0.4 * random.normal(size=(count, 16))
    embeddings = {
        photo.content: vector.astype(np.float32)
        for photo, vector in zip(photos, vectors, strict=True)
    }
    store = opened()
    store.open_space("mobilenet", "1", 16)
    store.commit(photos, "mobilenet@1", embeddings)
    info = build_index(store, "mobilenet@1", graph=True)
    assert info.graph
    monkeypatch.setattr("photofind_postgres.searching.GRAPH_PAYS", 0)
    _, points = store.points("mobilenet@1", [photo.content for photo in photos])
    queries = points[:20]
    for where in (Filter(), Filter("/half"), Filter(until="2000"), Filter("/half", until="2000")):
        passing = [n for n, photo in enumerate(photos) if where.passes(photo)]
        truth, _ = nearest_exactly(points[passing], queries, 10)
        found = store.nearest("mobilenet@1", queries, 10, where=where, vectors=False)
        assert found.searched_by == "graph"
        recalls = [
            np.isin([photos[passing[place]].content for place in places], names).mean()
            for places, names in zip(truth, found.contents.astype(str), strict=True)
        ]
        assert np.mean(recalls) >= 0.95, where
    # The few that a filter leaves at the end are fewer than asked for: then all are compared.
    rare = Filter("/half/1")
    found = store.nearest("mobilenet@1", queries[:1], 10, where=rare)
    assert found.searched_by == "exact"


def test_an_address_says_where_and_who():
    address = parse_address(
        "postgres://ada@db.example:5433/photos?library=family&machine=attic"
        "&share=nas:/mnt/nas/&sslmode=verify-full"
    )
    assert (address.library, address.machine.name) == ("family", "attic")
    assert address.machine.shares == {"nas": "/mnt/nas"}
    assert address.shown == "postgres://db.example:5433/photos"
    assert address.uri.startswith("postgresql://ada@db.example:5433/photos?")
    assert "sslmode=verify-full" in address.uri
    assert "library" not in address.uri
    assert address.machine.watcher.endswith("@attic")


def test_machines_mean_the_same_place_of_a_share():
    attic = Locations("attic", {"nas": "/mnt/nas"})
    tower = Locations("tower", {"nas": "/volumes/photos", "card": "/volumes/photos/card"})
    at = attic.location("/mnt/nas/2021/caf\udce9.jpg")
    assert tower.path(*at) == "/volumes/photos/2021/caf\udce9.jpg"
    assert tower.location(tower.path(*at)) == at
    own = attic.location("/home/ada/a.jpg")
    assert tower.path(*own) == "/@attic/home/ada/a.jpg"
    assert tower.location("/@attic/home/ada/a.jpg") == own
    assert attic.path(*own) == "/home/ada/a.jpg"
    assert tower.tree("/volumes/photos/card/x.jpg") == ("share:card", "/x.jpg")
    assert tower.tree("/volumes/photos") == ("share:nas", "/")
    assert tower.path("share:nas", b"/") == "/volumes/photos"
    assert {origin for origin, _ in tower.below("/volumes")} == {
        "tower", "share:nas", "share:card"
    }  # fmt: skip


def test_every_text_is_kept(opened):
    """The server has neither NUL nor lone surrogates; file names and captions do."""
    odd = "caf\udce9 \0 \U0001f600"
    store = opened()
    photo = Photo(f"/a/{odd[:5]}", content="a", captured=odd, keywords=(odd,), fingerprint="1abc")
    (stored,) = store.commit([replace(photo, caption=odd, failure=odd, away=odd, note=odd)])
    assert [*store.select()] == [stored]
    assert (stored.caption, stored.away, stored.keywords) == (odd, odd, (odd,))
    assert store.fingerprints(["a"]) == {"a": "1abc"}


def test_two_machines_share_a_library(opened):
    attic = opened(machine="attic", share="nas:/mnt/nas")
    tower = opened(machine="tower", share="nas:/volumes/nas")
    attic.open_space("mobilenet", "1", 16)
    vector = np.ones(16, np.float32)
    attic.put_folder(Folder("/home/ada", 1.0))
    attic.put_folder(Folder("/mnt/nas", 1.0))
    attic.commit([Photo("/home/ada/a.jpg", content="a"), Photo("/mnt/nas/n.jpg", content="n")],
                 "mobilenet@1", {"a": vector, "n": vector})  # fmt: skip
    assert tower.refresh()
    # The photo of the share is one, whoever indexes it.
    tower.commit([Photo("/volumes/nas/n.jpg", size=7, content="n")])
    assert attic.refresh()
    assert attic.by_path(["/mnt/nas/n.jpg"])["/mnt/nas/n.jpg"].size == 7
    assert sorted(photo.path for photo in tower.select()) == [
        "/@attic/home/ada/a.jpg", "/volumes/nas/n.jpg"
    ]  # fmt: skip
    elsewhere, shared = tower.folders()
    assert (elsewhere.path, elsewhere.state) == ("/@attic/home/ada", "offline")
    assert elsewhere.host.endswith("@attic")
    assert (shared.path, shared.state) == ("/volumes/nas", "online")
    assert not watched_here(tower.folders())
    assert tower.count(Filter("/@attic/home/ada")) == tower.count(Filter("/volumes")) == 1
    # What another machine notes of a folder of this one changes nothing.
    tower.put_folder(replace(elsewhere, reason="it is missing"))
    attic.refresh()
    assert [folder.reason for folder in attic.folders()] == [None, None]
    tower.put_folder(Folder("/volumes/nas", 2.0))
    assert [folder.path for folder in watched_here(tower.folders())] == ["/volumes/nas"]
    tower.remove_folder("/@attic/home/ada")
    attic.refresh()
    assert [folder.path for folder in attic.folders()] == ["/mnt/nas"]
