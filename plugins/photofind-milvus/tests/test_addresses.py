"""Addresses, secrets, names of paths: what needs no server."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from photofind_milvus.address import parse_address
from photofind_milvus.naming import Naming
from photofind_milvus.rows import taken_of
from photofind_milvus.tallies import Carried

from photofind.errors import LibraryError
from photofind.library.locations import Machine
from photofind.library.stores import check_engine, open_store
from photofind.paths import Home
from photofind.settings import Settings


@pytest.fixture
def user_home(tmp_path: Path) -> Home:
    root = tmp_path / "home"
    root.mkdir()
    return Home(root)


def test_an_address_says_where_and_how(user_home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("rosebud\n")
    secret.chmod(0o600)
    text = f"milvus://nas:1953/our_photos?tls=1&user=ada&password_file={secret}&machine=desk"
    address = parse_address(text + "&share=nas:/mnt/nas/&database=home", user_home)
    assert (address.host, address.port, address.name) == ("nas", 1953, "our_photos")
    assert (address.user, address.password, address.is_encrypted) == ("ada", "rosebud", True)
    assert (address.machine.shares, address.database) == ({"nas": "/mnt/nas"}, "home")
    assert "rosebud" not in repr(address)
    assert "rosebud" not in str(address)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("milvus://nas", "milvus://HOST:PORT/NAME"),
        ("milvus://nas/a-b", "milvus://HOST:PORT/NAME"),
        ("milvus://nas:port/photos", "port"),
        ("milvus://ada:rosebud@nas/photos", "no user and no password"),
        ("milvus://nas/photos?colour=red", "'colour'"),
        ("milvus://nas/photos?user=ada", "password_file"),
        ("milvus://nas/photos?share=nas:relative", "share=nas:/mnt/nas"),
        ("milvus://nas/photos?ca=/nowhere.pem", "/nowhere.pem"),
        ("milvus://nas/photos?token_file=/nowhere", "/nowhere"),
        ("milvus://nas/photos?timeout=never", "timeout"),
    ],
)
def test_what_is_no_address_is_said_in_a_line(user_home: Home, text: str, reason: str) -> None:
    with pytest.raises(LibraryError, match=re.escape(reason)) as caught:
        parse_address(text, user_home)
    assert "\n" not in str(caught.value)
    assert "rosebud" not in str(caught.value)


def test_a_secret_that_others_can_read_is_refused(user_home: Home) -> None:
    token = user_home.root / "milvus.token"
    token.write_text("rosebud")
    token.chmod(0o644)
    with pytest.raises(LibraryError, match="others can read") as caught:
        parse_address("milvus://nas/photos", user_home)
    assert "chmod 600" in str(caught.value)
    token.chmod(0o600)
    assert parse_address("milvus://nas/photos", user_home).token == "rosebud"


def test_paths_come_back_as_they_were() -> None:
    one = Naming(Machine("one", {"nas": "/mnt/nas", "inner": "/mnt/nas/inner"}))
    two = Naming(Machine("two", {"nas": "/volumes/nas"}))
    for path in ("/a/b.jpg", '/photos/caf\udce9/日本 \\ "a\n%.jpg', "/", "/mnt/nasty"):
        kept = one.kept(path)
        assert kept.isascii()
        assert not set(kept) & set("\"\\'\n")
        assert one.shown(kept) == path
        elsewhere = two.shown(kept)
        assert elsewhere == f"/@one{path}"
        assert two.kept(elsewhere) == kept
    assert one.kept("/mnt/nas/a") == "share:nas:/a" == two.kept("/volumes/nas/a")
    assert one.kept("/mnt/nas/inner/a") == "share:inner:/a"
    assert two.shown("share:inner:/a") == "/@share:inner/a"
    below = [place for place, _ in one.below("/mnt")]
    assert below == ["one:/mnt", "share:inner:", "share:nas:"]
    assert one.below("/") == []


def test_moments_become_numbers_in_their_order() -> None:
    moments = ["2019", "2020-05-01", "2020-05-01T10:00:00", "2020-05-01T10:00:01.5", "2021"]
    numbers = [taken_of(moment) for moment in moments]
    assert numbers == sorted(numbers)
    assert taken_of("no time") == 0


def test_words_are_counted_once_a_photo() -> None:
    chance = random.Random(3)
    carried, known = Carried(), {}
    assert carried.count([[1], [2]]) == [0, 0]
    assert carried.words() == set()
    for key in range(300):
        known[key] = chance.sample(range(40), chance.randrange(5))
        carried.add(key, known[key])
        if chance.random() < 0.4:
            gone = chance.choice([*known])
            del known[gone]
            carried.remove(gone)
        if not key % 50:
            groups = [range(0, 7), range(7, 8), range(20, 39), [99]]
            expected = [
                sum(not {*group}.isdisjoint(own) for own in known.values()) for group in groups
            ]
            assert carried.count(groups) == expected
            assert carried.words() == {word for own in known.values() for word in own}


def test_the_setting_names_the_engine(user_home: Home) -> None:
    check_engine("milvus://nas/photos")
    with pytest.raises(LibraryError, match="cannot be reached"):
        open_store(user_home, Settings(store="milvus://127.0.0.1:1/photos?timeout=2"))
    assert [*user_home.root.iterdir()] == []
