from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from photofind.errors import SettingsError
from photofind.indexing.excludes import DEFAULT_EXCLUDES, Rules
from photofind.model.exclude_rules import check_rules, is_rule


def is_left_out(path: str, *lines: str) -> bool:
    """Ask as a walk does: the folders first, from the top, and then the file."""
    rules = Rules(lines)
    folders = path.split("/")[:-1]
    above = ["/".join(folders[: depth + 1]) for depth in range(len(folders))]
    return any(rules.exclude(folder, is_folder=True) for folder in above) or rules.exclude(
        path, is_folder=False
    )


@pytest.mark.parametrize(
    "path",
    [
        ".hidden.jpg",
        "._IMG_1.JPG",
        "trip/.thumbnails/1.jpg",
        ".git/logo.png",
        "$RECYCLE.BIN/S-1/a.jpg",
        "share/#recycle/a.jpg",
        "share/@Recycle/a.jpg",
        "share/@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg",
        "#snapshot/daily/a.jpg",
        "~snapshot/a.jpg",
        "album/Thumbnails/a.jpg",
        "Lightroom/Catalog Previews.lrdata/0/a.jpg",
        "Photos Library.photoslibrary/resources/derivatives/a.jpeg",
        "mac/Photos Library.photoslibrary/database/a.jpeg",
        "old/Aperture.aplibrary/Previews/a.jpg",
        "web/node_modules/pkg/logo.png",
        "zip/__MACOSX/a.jpg",
        "lost+found/a.jpg",
    ],
)
def test_default_rules_leave_out_what_is_no_photo_of_anybody(path):
    assert is_left_out(path)


@pytest.mark.parametrize(
    "path",
    [
        "a.jpg",
        "2024/07 July/IMG_1.JPG",
        "Photos Library.photoslibrary/originals/0/0A.heic",
        "mac/Photos Library.photoslibrary/originals/0/0A.heic",
        "iPhoto.photolibrary/Masters/2012/a.jpg",
        "old/Aperture.aplibrary/Masters/2010/a.jpg",
        "my app.application/a.jpg",
        "thumbnails.jpg",
        "snapshot/a.jpg",
        "recycle/a.jpg",
    ],
)
def test_default_rules_keep_photos(path):
    assert not is_left_out(path)


def test_own_rules_follow_gitignore():
    assert is_left_out("raw/a.dng", "*.dng")
    assert is_left_out("drafts/a.jpg", "/drafts/")
    assert not is_left_out("2024/drafts/a.jpg", "/drafts/")
    assert not is_left_out("drafts", "drafts/")
    assert is_left_out("2024/x/y/out/a.jpg", "2024/**/out")
    assert not is_left_out("keep.png", "*.png", "!keep.png")
    assert not is_left_out("a.jpg", "# a.jpg", "", "   ")


def test_own_rules_take_back_default_ones():
    assert not is_left_out(".private/a.jpg", "!.private/")
    assert not is_left_out("web/thumbs/a.jpg", "!thumbs/")


def test_a_file_in_a_folder_left_out_cannot_be_taken_back():
    assert is_left_out("node_modules/a.jpg", "!node_modules/a.jpg")


def test_names_that_are_not_utf8_are_matched():
    assert is_left_out("trip/.\udcff.jpg")
    assert not is_left_out("trip/\udcff.jpg")
    assert is_left_out("trip/\udcff.jpg", "trip/?.jpg")


@pytest.mark.parametrize("line", ["!", "IMG_[9-0].jpg", "a["])
def test_a_line_that_is_no_rule_is_left_out(line: str) -> None:
    assert Rules(["*.png", line, "*.gif"]) == Rules(["*.png", "*.gif"])
    with pytest.raises(SettingsError, match="is not an exclude rule"):
        check_rules(["*.png", line])


@pytest.mark.parametrize("line", ["*-*-*_*-*-*.png", "**********.png", "a*a*a*a*a*a*a*b"])
def test_no_name_takes_long(line: str) -> None:
    """Tried in every way, the first would take 10**11 steps."""
    for character in "-a_*":
        assert not is_left_out(f"trip/{character * 250}", line)
    assert is_left_out("trip/a2021-05-03_14-30-10 a a a a a a a b", "a*a*a*a*a*a*a*b")
    assert is_left_out("trip/2021-05-03_14-30-10.png", "*-*-*_*-*-*.png")


_GLOBS = st.lists(
    st.sampled_from(["*", "*", "**", "/", "/**/", "?", "a", "b", "[ab]", "[!a]", "\\*", "!"]),
    min_size=1,
    max_size=8,
).map("".join)
_PATHS = st.lists(st.text("ab*!", min_size=1, max_size=6), min_size=1, max_size=3).map("/".join)


@settings(deadline=None, max_examples=300)
@given(line=_GLOBS.filter(is_rule), paths=st.lists(_PATHS, min_size=1, max_size=8))
def test_rules_match_as_pathspec_has_it(line: str, paths: list[str]) -> None:
    # All but a, of these names: what is not a would match a slash there.
    as_well = line.replace("[!a]", "[b*!]")
    plain = GitIgnoreSpec.from_lines((*DEFAULT_EXCLUDES, as_well), backend="simple")
    rules = Rules([line])
    for path in paths:
        for is_folder in (False, True):
            expected = plain.match_file(f"{path}/" if is_folder else path)
            assert rules.exclude(path, is_folder=is_folder) == expected


@pytest.mark.parametrize("line", ["/x[!a]a", "/x[+-9]a", "/x[^b]*a", "*[!a]*?"])
def test_no_class_matches_a_slash(line: str) -> None:
    assert not Rules([line]).exclude("x/a", is_folder=False)


def test_classes_match_what_they_name() -> None:
    assert is_left_out("x/ba", "*[!a]*?")
    assert is_left_out("x-a", "/x[+-9]a")
    assert is_left_out("x]a", "/x[]a]a")
    assert is_left_out("x[a", "/x\\[a")
    assert not is_left_out("xba", "/x[!b]a")


def test_a_bracket_in_a_class_is_itself_and_warns_of_nothing():
    """In a process of its own, since pytest has its own filters of warnings."""
    code = (
        "from photofind.indexing.excludes import Rules;"
        "from photofind.model.exclude_rules import check_rules;"
        "check_rules(['[[a].jpg']); rules = Rules(('[[a].jpg',));"
        "print([rules.exclude(f'{one}.jpg', is_folder=False) for one in '[ab'])"
    )
    command = [sys.executable, "-W", "error::FutureWarning", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[True, True, False]\n", "")
