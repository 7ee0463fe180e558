"""Why a photo is a hit, on real photos and networks: in process, by the command, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import Album, photofind
from PIL import Image, ImageFilter
from sample_photos import ORIENTATION, STORED

from photofind.app.photofind import PhotoFind
from photofind.errors import ImageError, LibraryError
from photofind.library.stores import open_store
from photofind.model import CellWeights, Explanation, Query, revive
from photofind.paths import Home
from photofind.settings import set_setting

PLUGIN = '''
import numpy as np


class Hue:
    """The mean colour."""

    name = "hue"
    version = "1"
    protocol = 1
    input_size = (16, 16)
    dimension = 3

    def embed(self, images):
        return images.mean(axis=(1, 2)).astype(np.float32) + 1


class Grid(Hue):
    """Colours of parts of a picture; an embedding is the mean over them."""

    name = "grid"
    dimension = 9
    side = 4

    def feature_map(self, images):
        count = 16 // self.side
        parts = images.reshape(-1, count, self.side, count, self.side, 3) / np.float32(255)
        colours = parts.mean(axis=(2, 4))
        return np.concatenate([colours, colours**2, 1 - colours], axis=-1).astype(np.float32)

    def embed(self, images):
        return self.feature_map(images).mean(axis=(1, 2))


class Fine(Grid):
    name = "fine"
    side = 2


class Head:
    name = "head"
    version = "1"
    protocol = 1
    dimension = 2
    derives_from = "grid"

    def embed_embeddings(self, embeddings):
        return np.ascontiguousarray(embeddings[:, :2] + 1)
'''


@pytest.fixture(scope="module")
def indexed(album: Album) -> Iterator[PhotoFind]:
    with PhotoFind(Home(album.home)) as opened:
        yield opened


def masked(path: str, cells: CellWeights, which: list[int], to: Path) -> str:
    """Write a photo some cells of which are blurred; return its path."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    blurred = photo.filter(ImageFilter.GaussianBlur(max(photo.size) / 8))
    across, down = photo.width / cells.columns, photo.height / cells.rows
    for cell in which:
        row, column = divmod(cell, cells.columns)
        box = (
            round(column * across), round(row * down),
            round((column + 1) * across), round((row + 1) * down),
        )  # fmt: skip
        photo.paste(blurred.crop(box), box[:2])
    photo.save(to)
    return str(to)


def test_the_cells_of_real_photos_add_up_to_their_similarity(album: Album, indexed: PhotoFind):
    query, hit = album.path("2019/chelsea-original.jpg"), album.path("2019/chelsea-mirrored.jpg")
    explanation = indexed.explain(query, hit)
    (part,) = explanation.parts
    assert (part.extractor, part.space, part.is_exact) == ("mobilenet", "mobilenet@1", True)
    for cells in (part.query, part.hit):
        assert (cells.rows, cells.columns, len(cells.weights)) == (7, 7, 49)
        assert sum(cells.weights) == pytest.approx(explanation.similarity, abs=1e-9)
        assert len(cells.named) == 12
    assert np.shape(part.matches) == (49, 49)
    assert part.share == 1
    # It is the similarity that the library compares by.
    with open_store(Home(album.home), indexed.settings) as store:
        contents = [one.content for one in store.by_path([query, hit]).values()]
        _, embeddings = store.embeddings("mobilenet@1", contents)
        index = store.index("mobilenet@1")
        first, second = index.projection.centre(embeddings)
    assert explanation.similarity == pytest.approx(float(first @ second), abs=2e-3)
    assert explanation.same == "same picture"
    assert explanation.seconds_apart == 0
    # Each part of a mirrored photo is like the part on the other side.
    matched = np.array(part.matches).argmax(axis=1) % 7
    assert np.abs(matched - (6 - np.arange(49) % 7)).mean() < 1.5
    asked = indexed.similar(Query((query,), min_score=0, every=True, any_rotation=False))
    scores = {one.path: one.score for one in asked.hits}
    assert explanation.score == pytest.approx(scores[hit], abs=1e-3)


def test_what_is_named_matters_more_than_as_much_elsewhere(
    album: Album, indexed: PhotoFind, tmp_path
):
    """The sanity check of deletion, on five photos."""
    lost: dict[str, float] = {"named": 0.0, "last": 0.0}
    for name in ("2019/chelsea", "2019/coffee", "2020/astronaut", "2020/rocket", "2022/clock"):
        query, hit = album.path(f"{name}-original.jpg"), album.path(f"{name}-mirrored.jpg")
        explanation = indexed.explain(query, hit)
        cells = explanation.parts[0].query
        order = np.argsort(cells.weights).tolist()
        for which, some in (("named", list(cells.named)), ("last", order[: len(cells.named)])):
            path = masked(query, cells, some, tmp_path / f"{which}.png")
            lost[which] += explanation.similarity - indexed.explain(path, hit).similarity
    assert lost["named"] > 2 * lost["last"], lost
    assert lost["named"] > 0.5, lost


def test_a_query_from_outside_is_explained(album: Album, indexed: PhotoFind, tmp_path: Path):
    outside = tmp_path / "outside.jpg"
    with Image.open(album.path("2020/astronaut-original.jpg")) as photo:
        exif = photo.getexif()
        exif[ORIENTATION] = 6  # It is stored turned, and shown upright.
        photo.transpose(STORED[6]).save(outside, exif=exif)
    hit = indexed.photo(album.path("2020/astronaut-bright.jpg"))
    explanation = indexed.explain(str(outside), hit.id)
    assert (explanation.query.path, explanation.query.id) == (str(outside), None)
    assert (explanation.hit.path, explanation.hit.id) == (hit.path, hit.id)
    assert explanation.score > 0.5
    assert explanation.seconds_apart == 0
    assert explanation.sentence
    matched = np.array(explanation.parts[0].matches).argmax(axis=1)
    assert (matched == np.arange(49)).mean() > 0.8, "cells are those of the photo as it is shown"
    assert revive(Explanation, json.loads(json.dumps(explanation, default=vars))) == explanation
    with pytest.raises(LibraryError, match=r"there is no photo .*outside\.jpg in the library"):
        indexed.explain(hit.id, str(outside))
    with pytest.raises(ImageError, match="cannot be used as a query"):
        indexed.explain(album.path("bad/text.jpg"), hit.id)


def test_neighbours_are_named_that_both_resemble(album: Album, indexed: PhotoFind):
    query, hit = album.path("2019/chelsea-original.jpg"), album.path("2019/chelsea-cropped.jpg")
    explanation = indexed.explain(query, hit)
    assert explanation.smoothed is not None
    for one in explanation.resembling:
        assert one.path not in (query, hit)
        assert min(one.to_query, one.to_hit) >= 0.5


def test_the_command_says_why_and_draws_it(album: Album, tmp_path: Path):
    pair = album.path("2019/chelsea-original.jpg"), album.path("2019/chelsea-bright.jpg")
    done = photofind("explain", *pair, home=album.home)
    assert done.code == 0, done.stderr
    assert done.lines[0].startswith("Both show the same picture. What they share lies above all")
    assert done.lines[1].split("\t")[0] == "mobilenet"
    why = tmp_path / "why.png"
    drawn = photofind("explain", *pair, "-o", why, "--json", home=album.home)
    assert drawn.json["sentence"] == done.lines[0]
    assert [part["extractor"] for part in drawn.json["parts"]] == ["mobilenet"]
    with Image.open(why) as picture:
        assert picture.format == "PNG"
        assert picture.width > 600

    photo = tmp_path / "photo.png"
    Image.new("RGB", (8, 8)).save(photo)
    refused = photofind("explain", *pair, "-o", photo, home=album.home)
    assert (refused.code, refused.notes[0]) == (1, f"photofind: {photo} is there already")
    assert photofind("explain", *pair, "-o", tmp_path / "why.jpg", home=album.home).code == 2


@pytest.fixture
def grids(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PhotoFind]:
    """A library of made photos, and four small extractors."""
    metadata = tmp_path / "plugins" / "grids-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: grids\nVersion: 1.0\n")
    names = ("Grid", "Fine", "Hue", "Head")
    lines = "".join(f"{name.lower()} = grids:{name}\n" for name in names)
    (metadata / "entry_points.txt").write_text(f"[photofind.extractors]\n{lines}")
    (tmp_path / "plugins" / "grids.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path / "plugins"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugins"), prepend=":")
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(5)
    for number in range(40):
        pixels = random.integers(0, 255, (4, 4, 3), np.uint8)
        Image.fromarray(pixels).resize((64, 64), Image.Resampling.NEAREST).save(
            folder / f"{number:02}.png"
        )
    set_setting(home.settings, "extractor", "grid=2,fine")
    with PhotoFind(home) as opened:
        opened.add_folder(str(folder))
        opened.index(wait=True)
        yield opened


def test_several_extractors_add_up_and_those_without_maps_say_so(grids: PhotoFind, tmp_path: Path):
    photos = tmp_path / "photos"
    pair = str(photos / "03.png"), str(photos / "07.png")
    together = grids.explain(*pair)
    assert {part.extractor for part in together.parts} == {"grid", "fine"}
    assert sum(part.contribution for part in together.parts) == pytest.approx(together.similarity)
    assert sum(part.share for part in together.parts) == pytest.approx(1)
    for part in together.parts:
        assert part.is_exact
        assert sum(part.hit.weights) == pytest.approx(part.contribution, abs=1e-9)
    with open_store(grids.home, grids.settings) as store:
        (fused,) = (one for one in store.spaces() if "," in one.extractor)
        contents = [one.content for one in store.by_path(pair).values()]
        first, second = store.index(fused.id).projection.centre(
            store.embeddings(fused.id, contents)[1]
        )
    assert together.similarity == pytest.approx(float(first @ second), abs=5e-3)

    grids.set_setting("extractor", "grid,hue,head")
    grids.index(wait=True)
    by_name = {part.extractor: part for part in grids.explain(*pair).parts}
    assert by_name["grid"].query is not None
    assert by_name["hue"].query is None
    assert by_name["hue"].note == "regions are not available: hue has no feature maps"
    head = by_name["head"]
    assert (head.regions_of, head.is_exact) == ("grid", False)
    assert "cannot be shared out over regions" in head.note
    assert head.query.rows == 4
    alone = grids.explain(*pair, extractor="hue")
    assert "Which regions they share cannot be told." in alone.sentence or alone.score < 0.1
