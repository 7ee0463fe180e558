"""Photos are embedded once; what the library has unchanged is not embedded at all."""

from pathlib import Path

import numpy as np
import pytest

from photofind.errors import LearningError
from photofind.extractors.extracted import Extracted
from photofind.extractors.info import ExtractorInfo
from photofind.learning.gallery import make_gallery
from photofind.learning.labels import read_labels
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo


class Worker:
    """Embeds a file by its first byte, and remembers what it was asked."""

    def __init__(self, name="made"):
        self.name, self.asked = name, []

    def info(self):
        return ExtractorInfo(self.name, "1", 4, (8, 8), "test", "build")

    def extract(self, paths, known=(), *, in_company=False):
        self.asked += [Path(path).name for path in paths]
        return [self.one(path) for path in paths]

    def one(self, path):
        data = Path(path).read_bytes()
        if data.startswith(b"!"):
            return Extracted(path=path, failure="it is damaged")
        vector = np.zeros(4, np.float32)
        vector[data[0] % 4] = 1
        return Extracted(path=path, content=data.hex(), vector=vector)


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    for place, name in enumerate(["a/0.jpg", "a/1.jpg", "b/2.jpg", "b/3.jpg"]):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([65 + place, 48]))
    return root


def gallery(photos, worker, tmp_path, store=None, choices=("made",)):
    labelled = read_labels(str(photos))
    return make_gallery(labelled, choices, lambda name: worker, store, tmp_path / "cache")


def test_photos_are_embedded_once(photos, tmp_path):
    worker = Worker()
    first = gallery(photos, worker, tmp_path)
    assert worker.asked == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    (photos / "a/1.jpg").write_bytes(b"Zzz")
    second = gallery(photos, worker, tmp_path)
    assert worker.asked[4:] == ["1.jpg"], "only what changed"
    assert second.embeddings["made"][0].tolist() == first.embeddings["made"][0].tolist()
    assert second.contents[1] == b"Zzz".hex()


def test_damaged_cache_is_made_again(photos, tmp_path):
    gallery(photos, Worker(), tmp_path)
    (kept,) = (tmp_path / "cache").iterdir()
    for damage in (kept.read_bytes()[:200], b"", b"no archive"):
        kept.write_bytes(damage)
        worker = Worker()
        gallery(photos, worker, tmp_path)
        assert len(worker.asked) == 4


def test_embeddings_of_unchanged_photos_are_the_librarys(photos, tmp_path):
    store = MemoryStore()
    space = store.open_space("made", "1", 4, "build")
    path = str(photos / "a/0.jpg")
    status = Path(path).stat()
    known = Photo(path, size=status.st_size, modified=status.st_mtime_ns, content="known")
    store.commit([known], space.id, {"known": np.array([0, 0, 0, 1], np.float32)})
    worker = Worker()
    found = gallery(photos, worker, tmp_path, store)
    assert worker.asked == ["1.jpg", "2.jpg", "3.jpg"]
    assert found.contents[0] == "known"
    assert found.embeddings["made"][0].tolist() == [0, 0, 0, 1]
    (photos / "a/0.jpg").write_bytes(b"another size")
    gallery(photos, worker, tmp_path, store)
    assert worker.asked[3:] == ["0.jpg"], "it changed since it was indexed"


def test_what_cannot_be_read_is_left_out_and_named(photos, tmp_path):
    (photos / "b/3.jpg").write_bytes(b"!")
    found = gallery(photos, Worker(), tmp_path)
    assert len(found.photos) == 3
    assert found.failures == ((str(photos / "b/3.jpg"), "it is damaged"),)
    (note,) = found.photos.notes
    assert note.startswith("1 of 4 photos cannot be read and are left out, such as")


def test_nothing_that_can_be_read_is_an_error(photos, tmp_path):
    for path in photos.rglob("*.jpg"):
        path.write_bytes(b"!")
    with pytest.raises(LearningError, match="none of the 4 photos"):
        gallery(photos, Worker(), tmp_path)


def test_what_was_embedded_before_an_interruption_is_kept(photos, tmp_path, monkeypatch):
    monkeypatch.setattr("photofind.learning.gallery._BATCH", 2)
    worker = Worker()
    embed = worker.one

    def interrupted(path):
        if path.endswith("3.jpg"):
            raise KeyboardInterrupt
        return embed(path)

    worker.one = interrupted
    with pytest.raises(KeyboardInterrupt):
        gallery(photos, worker, tmp_path)
    again = Worker()
    gallery(photos, again, tmp_path)
    assert again.asked == ["2.jpg", "3.jpg"]


def test_several_extractors_together_are_one_embedding(photos, tmp_path):
    workers = {"a": Worker("a"), "b": Worker("b")}
    found = make_gallery(
        read_labels(str(photos)), ["a", "b,a"], workers.__getitem__, None, tmp_path / "cache"
    )
    assert found.embeddings["b,a"].shape == (4, 8)
    assert found.spaces["b,a"].id == "a,b@1+1"
    assert np.linalg.norm(found.embeddings["b,a"], axis=1) == pytest.approx(1)
