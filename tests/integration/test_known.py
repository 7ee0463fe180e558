"""Which photos of a card the library has already, told of real files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from commands import photofind as run
from PIL import Image, ImageOps
from skimage import data

from photofind.app.photofind import PhotoFind
from photofind.cli.known import _files, _look
from photofind.errors import LibraryError
from photofind.model import KnownPhoto
from photofind.paths import Home

SOURCES = (
    "coffee", "chelsea", "astronaut", "rocket", "camera", "coins", "immunohistochemistry",
    "hubble_deep_field", "gravel", "brick", "grass",
)  # fmt: skip
IDENTICAL, SAME, NEW = 80, 60, 60


def pictures() -> Iterator[Image.Image]:
    """Yield many pictures that all differ: parts of photographs, next to each other."""
    side = 100
    for name in SOURCES:
        pixels = getattr(data, name)()
        for top in range(0, pixels.shape[0] - side + 1, side):
            for left in range(0, pixels.shape[1] - side + 1, side):
                part = pixels[top : top + side, left : left + side]
                if part.std() > 25:
                    picture = Image.fromarray(part).convert("RGB")
                    yield picture.resize((300, 250), Image.Resampling.BICUBIC)


def edited(picture: Image.Image, number: int, path: Path) -> Path:
    """Save a picture otherwise than it was."""
    width, height = picture.size
    match number % 5:
        case 0:
            picture.resize((width // 2, height // 2)).save(path, quality=85)
        case 1:
            picture.save(path, quality=45)
        case 2:
            ImageOps.mirror(picture).save(path, quality=90)
        case 3:
            picture.rotate(90, expand=True).save(path, quality=90)
        case _:
            picture.crop((width // 12, height // 12, width, height)).save(path, quality=90)
    return path


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """A card with photos, and what they are."""
    root = tmp_path_factory.mktemp("known")
    kept, folder = root / "library", root / "card" / "DCIM"
    kept.mkdir()
    folder.mkdir(parents=True)
    made = pictures()
    states: dict[Path, str] = {}
    for number in range(IDENTICAL + SAME):
        picture = next(made)
        original = kept / f"{number}.jpg"
        picture.save(original, quality=92)
        path = folder / f"IMG_{number:04}.jpg"
        if number < IDENTICAL:
            states[Path(shutil.copy(original, path))] = "identical"
        else:
            states[edited(picture, number, path)] = "same picture"
    for number in range(NEW):
        path = folder / f"NEW_{number:04}.jpg"
        next(made).save(path, quality=92)
        states[path] = "new"
    return states


@pytest.fixture(scope="module")
def home(card: dict[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    with PhotoFind(home) as photofind:
        photofind.add_folder(str(next(iter(card)).parents[2] / "library"))
        photofind.index()
    return home


@pytest.fixture
def photofind(home: Home) -> Iterator[PhotoFind]:
    with PhotoFind(home) as opened:
        yield opened


def states_of(found: list[KnownPhoto]) -> dict[Path, str]:
    return {Path(photo.path): photo.state for photo in found}


def test_a_card_is_told_without_a_mistake(photofind: PhotoFind, card: dict[Path, str]) -> None:
    paths = [str(path) for path in card]
    found = [*photofind.known(paths[:100]), *photofind.known(paths[100:])]
    assert [photo.path for photo in found] == paths
    assert states_of(found) == card
    for photo in found:
        name = Path(photo.path).name
        if photo.state != "new":
            number = int(name[4:8])
            assert [Path(match).name for match in photo.matches] == [f"{number}.jpg"]
            assert photo.ids == tuple(photofind.photo(match).id for match in photo.matches)
        if photo.state == "same picture":
            words = {0: "rescaled", 1: "re-encoded", 2: "mirrored", 3: "rotated", 4: "cropped"}
            assert words[number % 5] in photo.done
        else:
            assert photo.done == ()


def test_nothing_is_written(photofind: PhotoFind, home: Home, card: dict[Path, str]) -> None:
    folder = next(iter(card)).parent
    before = (sorted(folder.rglob("*")), home.catalog.read_bytes())
    photofind.known([str(path) for path in card][-3:])
    assert (sorted(folder.rglob("*")), home.catalog.read_bytes()) == before


def test_only_a_part_of_the_library_counts(photofind: PhotoFind, card: dict[Path, str]) -> None:
    elsewhere = str(next(iter(card)).parents[2] / "library" / "none")
    paths = [str(path) for path, state in card.items() if state != "new"][75:85]
    assert {photo.state for photo in photofind.known(paths, folder=elsewhere)} == {"new"}


def test_photos_of_the_library_are_told_from_copies(
    photofind: PhotoFind, card: dict[Path, str]
) -> None:
    own = next(iter(card)).parents[2] / "library" / "0.jpg"
    (found,) = photofind.known([str(own)])
    assert (found.state, found.matches) == ("indexed", (str(own),))


def test_what_cannot_be_read_is_told(photofind: PhotoFind, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("words")
    (tmp_path / "empty.jpg").touch()
    names = ("text.jpg", "empty.jpg", "missing.jpg", ".")
    found = photofind.known([str(tmp_path / name) for name in names])
    assert {photo.state for photo in found} == {"failed"}
    reasons = [photo.reason or "" for photo in found]
    assert "not a picture" in reasons[0]
    assert "empty" in reasons[1]
    assert "no such file" in reasons[2]
    assert "a folder" in reasons[3]


def test_a_folder_that_cannot_be_listed_is_an_error(photofind: PhotoFind, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="cannot be looked at: it is missing"):
        photofind.photo_files(str(tmp_path / "none"))


def test_the_command_chooses_and_counts(home: Home, card: dict[Path, str]) -> None:
    folder = next(iter(card)).parent
    new = run("known", folder.parent, "--new", "--paths-only", "-0", home=home.root)
    assert new.code == 1
    assert {Path(path.decode()) for path in new.stdout.split(b"\0")[:-1]} == {
        path for path, state in card.items() if state == "new"
    }
    assert new.notes[-1] == "200 photos: 80 identical, 60 same picture, 60 new"

    known = [path for path, state in card.items() if state == "identical"][:3]
    told = run("known", *known, "--json", home=home.root)
    assert told.code == 0
    answer = json.loads(told.stdout)
    assert [photo["state"] for photo in answer["photos"]] == ["identical"] * 3
    assert answer["counts"]["identical"] == 3
    assert answer["skipped"] == []


def test_a_card_that_is_pulled_is_told_in_one_line(
    home: Home, card: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled = shutil.copytree(next(iter(card)).parent, tmp_path / "card")
    with PhotoFind(home) as photofind:
        known = photofind.known

        def pull(photos: Sequence[str], **options: Any) -> list[KnownPhoto]:
            shutil.rmtree(pulled, ignore_errors=True)
            return known(photos, **options)

        monkeypatch.setattr(photofind, "known", pull)
        with pytest.raises(LibraryError, match="card is not there any more: 0 of 200 photos"):
            [*_look(photofind, *_files(photofind, [str(pulled)], []), None)]


def test_a_photo_that_is_missing_is_told(home: Home, tmp_path: Path) -> None:
    told = run("known", tmp_path / "gone.jpg", home=home.root)
    assert told.code == 1
    assert "there is no such file" in told.lines[0]
    assert run("known", tmp_path, home=home.root).notes[-1] == "there are no photos"
