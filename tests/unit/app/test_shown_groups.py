"""Groups of duplicates with what is proposed to be kept of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from photofind.app.duplicates import shown_groups
from photofind.library.memory import MemoryStore
from photofind.model import DuplicateGroup, DuplicateKind
from photofind.model.records import Photo
from photofind.system.reach import Reach


@pytest.mark.parametrize(
    ("kind", "kept"), [("same scene", "sharp.jpg"), ("same picture", "blurred.jpg")]
)
def test_of_takes_the_sharpest_is_kept_and_of_copies_the_one_saved_best(
    tmp_path: Path, kind: DuplicateKind, kept: str
) -> None:
    sharp = Image.effect_noise((200, 150), 80)
    sharp.save(tmp_path / "sharp.jpg", quality=70)
    sharp.filter(ImageFilter.GaussianBlur(3)).save(tmp_path / "blurred.jpg", quality=95)
    store = MemoryStore()
    photos = store.commit(
        Photo(str(path), path.stat().st_size, content=path.stem, width=200, height=150,
              format="JPEG")
        for path in sorted(tmp_path.iterdir())
    )  # fmt: skip
    paths, ids = tuple(photo.path for photo in photos), tuple(photo.id for photo in photos)
    group = DuplicateGroup(paths, kind, 0.9, ids, ((), ()))
    reach = Reach()
    (shown,) = shown_groups(store, reach, [group], folder=None, spread="any", keep="best")
    reach.close()
    assert shown.proposal is not None
    assert [Path(paths[ids.index(one)]).name for one in shown.proposal.keep] == [kept]
