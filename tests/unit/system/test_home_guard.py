"""A home that others own, can write to or can exchange is not used."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from photofind.app.doctor import examine_home
from photofind.app.photofind import PhotoFind
from photofind.daemon.client import connect
from photofind.daemon.instance import claim
from photofind.errors import LibraryError
from photofind.paths import Home
from photofind.system import home_guard
from photofind.system.home_guard import check_home

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes say nothing on Windows")


@pytest.fixture
def own(tmp_path: Path) -> Home:
    """A home in a folder that only this user can change."""
    root = tmp_path / "own" / "home"
    root.parent.mkdir(mode=0o700)
    root.mkdir(mode=0o700)
    return Home(root)


def give_away(path: Path) -> None:
    """Let another user own a file or a folder."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user")
    os.chown(path, 65534, -1, follow_symlinks=False)


def refused(home: Home) -> str:
    for ask in (check_home, PhotoFind, connect, claim):
        with pytest.raises(LibraryError) as caught:
            ask(home)
    assert "\n" not in str(caught.value)
    assert str(home.root) in caught.value.message
    assert caught.value.hint
    return str(caught.value)


def test_a_home_of_its_own_is_used_and_may_be_missing(own: Home) -> None:
    check_home(own)
    check_home(Home(own.root / "not" / "there"))
    own.root.chmod(0o755)  # Others may look; the doctor says so.
    check_home(own)


@pytest.mark.parametrize("mode", [0o777, 0o702, 0o1777])
def test_a_home_that_others_can_write_to_is_refused_and_closed(own: Home, mode: int) -> None:
    own.root.chmod(mode)
    assert "`photofind doctor --repair` closes it" in refused(own)
    check = examine_home(own, repair=False)
    assert (check.state, own.root.stat().st_mode & 0o7777) == ("broken", mode)
    assert examine_home(own, repair=True).state == "repaired"
    assert own.root.stat().st_mode & 0o7777 == 0o700
    assert examine_home(own, repair=True).state == "ok"
    PhotoFind(own).close()


def test_a_group_may_write_if_this_user_is_all_of_it(
    own: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.root.chmod(0o770)
    monkeypatch.setattr(home_guard, "_is_group_of_one", lambda group: True)
    check_home(own)
    monkeypatch.setattr(home_guard, "_is_group_of_one", lambda group: False)
    refused(own)


def test_a_home_of_another_user_is_refused_and_left_alone(own: Home) -> None:
    own.root.chmod(0o777)
    give_away(own.root)
    assert "belongs to" in refused(own)
    check = examine_home(own, repair=True)
    assert (check.state, own.root.stat().st_mode & 0o777) == ("broken", 0o777)


def test_root_does_not_work_in_the_home_of_a_user(own: Home) -> None:
    give_away(own.root.parent)
    for home in (own, Home(own.root.parent / "new")):
        assert "belongs to" in refused(home)
        with pytest.raises(LibraryError) as caught:
            check_home(home)
        assert (caught.value.hint or "").startswith("run photofind as ")
    give_away(own.root)
    assert "belongs to" in refused(own)


def test_a_home_in_a_folder_that_others_can_write_to_is_refused(own: Home) -> None:
    own.root.parent.chmod(0o777)
    assert "others can write to" in refused(own)
    assert "others can write to" in refused(Home(own.root.parent / "new"))
    assert examine_home(own, repair=True).state == "broken"
    assert own.root.parent.stat().st_mode & 0o777 == 0o777
    own.root.parent.chmod(0o1777)  # As /tmp: entries stay with their owners.
    check_home(own)


def test_a_link_is_followed_and_every_folder_on_its_way_counts(own: Home, tmp_path: Path) -> None:
    link = Home(tmp_path / "link")
    link.root.symlink_to("own/../own/home")
    check_home(link)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (shared / "other").symlink_to(own.root)
    assert "others can write to" in refused(Home(shared / "other"))
    link.root.unlink()
    link.root.symlink_to(shared / "other" / "deeper")
    assert "others can write to" in refused(link)
    shared.chmod(0o1777)
    check_home(link)
    give_away(shared / "other")
    assert "belongs to" in refused(link)


def test_links_in_a_circle_and_files_are_no_homes(tmp_path: Path) -> None:
    circle, file = Home(tmp_path / "circle"), Home(tmp_path / "file")
    circle.root.symlink_to(circle.root)
    assert "circle of links" in refused(circle)
    file.root.write_bytes(b"")
    assert "is not a folder" in refused(file)


def test_files_of_others_in_the_home_are_named(own: Home) -> None:
    own.catalog.write_bytes(b"")
    assert examine_home(own, repair=False).state == "ok"
    give_away(own.catalog)
    check = examine_home(own, repair=True)
    assert check.state == "broken"
    assert "catalog" in check.message
    assert "sudo chown -R" in check.advice
