"""Trained heads are extractors of the home, derived from another one, and read no pickle."""

from __future__ import annotations

import errno
import io
import stat
from pathlib import Path

import numpy as np
import pytest

from photofind.errors import ExtractorError, LibraryError
from photofind.extractors import model_copies
from photofind.extractors.add_model import check_name, remove_model
from photofind.extractors.heads import Head, add_head
from photofind.extractors.models import content_hash, list_models
from photofind.extractors.registry import installed, load
from photofind.paths import Home

POINTS = np.eye(4, dtype=np.float32)


def head(seed=0):
    random = np.random.default_rng(seed)
    return Head(random.random(4, np.float32), random.standard_normal((4, 2)).astype(np.float32))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PHOTOFIND_HOME", str(tmp_path))
    return Home(tmp_path)


def test_a_head_is_an_extractor_of_its_own(home):
    add_head(home, "mine", head(), "mobilenet@1", b"{}")
    loaded = load("mine")
    assert (loaded.derives_from, loaded.dimension) == (("mobilenet@1",), 2)
    expected = head()(POINTS)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(loaded.embed_embeddings(POINTS), expected, rtol=1e-5)
    (plugin,) = (plugin for plugin in installed(home) if plugin.name == "mine")
    files = [file for file in home.models.rglob("*") if file.is_file()]
    assert {file.name for file in files} == {"mine.toml", "mine.npz", "card.json"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert Path(plugin.target).suffix == ".npz"


def test_another_head_of_the_same_name_replaces_it(home):
    add_head(home, "mine", head(), "mobilenet@1", b"{}")
    old = load("mine")
    add_head(home, "mine", head(1), "mobilenet@1", b"{}")
    new = load("mine")
    assert old.version != new.version
    assert old.code != new.code
    assert len([*home.models.glob("mine-*")]) == 1
    # The old one goes on where it is loaded.
    assert not np.allclose(old.embed_embeddings(POINTS), new.embed_embeddings(POINTS))
    # The same head on another base is another extractor.
    add_head(home, "mine", head(1), "mobilenet@2", b"{}")
    assert load("mine").version != new.version


def test_where_the_disk_is_full_the_head_before_is_kept(home, monkeypatch):
    add_head(home, "mine", head(), "mobilenet@1", b"{}")
    before = load("mine").version

    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model_copies, "write_atomically", fail)
    with pytest.raises(LibraryError, match="is full"):
        add_head(home, "mine", head(1), "mobilenet@1", b"{}")
    assert load("mine").version == before
    assert len([*home.models.iterdir()]) == 2


@pytest.mark.parametrize("kind", ["changed", "missing", "pickle", "shape"])
def test_a_file_that_is_no_head_is_refused(home, kind):
    model = add_head(home, "mine", head(), "mobilenet@1", b"{}")
    file = Path(model.path)
    if kind == "changed":
        file.write_bytes(file.read_bytes() + b"0")
    elif kind == "missing":
        file.unlink()
    else:
        buffer = io.BytesIO()
        weights = np.array([print] * 4) if kind == "pickle" else np.ones((3, 2), np.float32)
        np.savez(buffer, mean=np.ones(4, np.float32), weights=weights)
        record = home.models / "mine.toml"
        file.write_bytes(buffer.getvalue())
        record.write_text(record.read_text().replace(model.sha256, content_hash(file)))
    with pytest.raises(ExtractorError, match="photofind train --name mine"):
        load("mine")


def test_embeddings_of_another_length_are_refused(home):
    add_head(home, "mine", head(), "mobilenet@1", b"{}")
    with pytest.raises(ExtractorError, match="it takes embeddings of 4 numbers, not of 5"):
        load("mine").embed_embeddings(np.ones((1, 5), np.float32))


def test_it_can_be_removed(home):
    add_head(home, "mine", head(), "mobilenet@1", b"{}")
    assert remove_model(home, "mine").origin == ""
    assert list_models(home) == []
    assert [*home.models.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "reason"), [("mobilenet", "is taken"), ("a/b", "cannot be the name")]
)
def test_a_name_has_to_be_free(home, name, reason):
    with pytest.raises(ExtractorError, match=reason):
        check_name(home, name)
