from __future__ import annotations

import os

import pytest

from photofind.indexing.excludes import Rules
from photofind.indexing.watching.watched_folder import WatchedFolder, is_relevant

posix = os.name == "posix"


def test_photos_and_sidecars_are_relevant():
    assert all(map(is_relevant, ("a.jpg", "A.CR2", "a.xmp", "a.jpg.XMP", "x\udcff.png")))
    assert not any(map(is_relevant, ("a.txt", "xmp", "jpg", "a.jpg~", "a.jpg.part")))


if posix:

    @pytest.mark.parametrize("folder", ["/p", "/p/"])
    def test_what_is_below_is_held_unless_it_or_a_folder_above_is_left_out(folder):
        p = WatchedFolder(folder, "/p", Rules(["/drafts/", "*.png"]), ())
        for path in ("/p/a.jpg", "/p/x/y/z/a.jpg", "/p/x/drafts/a.jpg", "/p/drafts"):
            assert p.holds(path)
        for path in (
            *("/p/a.png", "/p/x/a.png", "/p/drafts/a.jpg", "/p/drafts/x/a.jpg"),
            *("/p/.hidden/x/a.jpg", "/q/a.jpg", "/pa.jpg", "/"),
        ):
            assert not p.holds(path)
        assert not p.holds("/p/drafts", is_folder=True)

    def test_the_added_folder_itself_is_held_whatever_it_is_called():
        hidden = WatchedFolder("/p/.hidden", "/p/.hidden", Rules(), ())
        assert hidden.holds("/p/.hidden", is_folder=True)
        assert hidden.holds("/p/.hidden/a.jpg")

    def test_the_root_of_everything_may_be_added():
        root = WatchedFolder("/", "/", Rules(), ())
        assert root.holds("/a.jpg")
        assert root.holds("/x/a.jpg")
        assert not root.holds("/.x/a.jpg")
        assert root.path("x/a.jpg") == "/x/a.jpg"
        assert root.path("") == "/"

    def test_what_lies_apart_is_not_held_wherever_links_lead(tmp_path):
        link = WatchedFolder("/link", "/real", Rules(), ["/real/in", "/elsewhere", "/real"])
        assert link.inside == {"/real/in"}
        assert link.added == {"/real", "/real/in", "/elsewhere"}
        assert not link.holds("/link/in/a.jpg")
        assert not link.holds("/link/in", is_folder=True)
        assert link.holds("/link/inner/a.jpg")

    def test_the_same_rules_make_the_same_territory():
        one = WatchedFolder("/p", "/p", Rules(["a"]), ["/q"])
        assert one.is_like(WatchedFolder("/p", "/p", Rules(["a"]), ["/r"]))
        assert not one.is_like(WatchedFolder("/p", "/p", Rules(["b"]), ["/q"]))
        assert not one.is_like(WatchedFolder("/p", "/p", Rules(["a"]), ["/p/q"]))
        assert not one.is_like(WatchedFolder("/p", "/r", Rules(["a"]), ["/q"]))
        assert len({Rules(["a"]), Rules(["a"]), Rules(["b"])}) == 2
