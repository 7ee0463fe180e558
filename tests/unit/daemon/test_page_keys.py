"""A page and the next daemon prove to each other that the last one let the page in."""

from __future__ import annotations

import hashlib
import hmac
import stat
import time

import pytest

from photofind.daemon import page_keys
from photofind.daemon.page_keys import Generation, PageKeys, recall, remember
from photofind.paths import Home

PORT = 4000


def generation(name: str) -> Generation:
    key = hashlib.sha256(name.encode()).hexdigest()  # The ids of tests are the same everywhere.
    return Generation(PORT, f"photofind-{name}.localhost", key)


LAST, NEXT, LATER = generation("last"), generation("next"), generation("later")


def prove(key: str, question: str, host: str = NEXT.host, port: int = PORT) -> str:
    said = f"page {question} {port} {host}".encode("utf-8", "replace")
    return hmac.new(bytes.fromhex(key), said, hashlib.sha256).hexdigest()


@pytest.fixture
def page() -> dict[str, str]:
    """A page of the last daemon."""
    return PageKeys(generation("before"), LAST).key_for_page(time.time())


def question_for(page: dict[str, str], daemon: PageKeys) -> str:
    said = daemon.introduction(page["page"], "mine")
    assert said is not None
    return said["question"]


def test_a_page_and_the_next_daemon_know_each_other(page: dict[str, str]) -> None:
    following = PageKeys(LAST, NEXT)
    said = following.introduction(page["page"], "mine")
    assert said is not None
    assert said["host"] == NEXT.host
    shown = f"daemon mine {said['question']} {PORT} {NEXT.host}".encode()
    expected = hmac.new(bytes.fromhex(page["key"]), shown, hashlib.sha256).hexdigest()
    assert said["proof"] == expected
    proof = prove(page["key"], said["question"])
    begun = following.proves(page["page"], said["question"], proof)
    assert begun == pytest.approx(time.time(), abs=60)
    assert following.proves(page["page"], said["question"], proof) is None  # Once.


def test_no_later_daemon_knows_the_page(page: dict[str, str]) -> None:
    later = PageKeys(NEXT, LATER)
    said = later.introduction(page["page"], "mine")
    assert said is not None
    shown = f"daemon mine {said['question']} {PORT} {LATER.host}".encode()
    assert said["proof"] != hmac.new(bytes.fromhex(page["key"]), shown, hashlib.sha256).hexdigest()
    proof = prove(page["key"], said["question"], LATER.host)
    assert later.proves(page["page"], said["question"], proof) is None


def test_nobody_else_is_known(page: dict[str, str]) -> None:
    other = PageKeys(generation("before"), LAST).key_for_page(time.time())
    daemon = PageKeys(LAST, NEXT)
    assert page["key"] != other["key"]
    for name, proof in (
        (page["page"], lambda question: prove(other["key"], question)),
        (other["page"], lambda question: prove(other["key"], question)),
        (page["page"], lambda question: prove(page["key"], question, port=PORT + 1)),
        (page["page"], lambda question: prove(page["key"], question, LATER.host)),
        (page["page"], lambda question: prove(page["key"], "0" * 32)),
        (page["page"], lambda question: ""),
        (page["page"], lambda question: "\udcff"),
        ("", lambda question: prove(page["key"], question)),
    ):
        question = question_for(page, daemon)
        assert daemon.proves(name, question, proof(question)) is None
    for made_up in ("", "0" * 32, "f" * 12 + "-0-0", "\udcff-0-\udcff", "-", "--"):
        assert daemon.proves(page["page"], made_up, prove(page["key"], made_up)) is None
    question = question_for(page, daemon)
    longer = "f" + question
    assert daemon.proves(page["page"], longer, prove(page["key"], longer)) is None


@pytest.mark.parametrize(
    "name", ["", "x", "0" * 32, "f" * 13 + "-" + "0" * 32, "\udcff", "-1-" + "0" * 32]
)
def test_what_is_no_page_gets_no_answer(name: str) -> None:
    assert PageKeys(LAST, NEXT).introduction(name, "mine") is None


def test_questions_of_strangers_push_out_no_others(page: dict[str, str]) -> None:
    daemon = PageKeys(LAST, NEXT)
    question = question_for(page, daemon)
    for _ in range(5000):
        daemon.introduction(page["page"], "mine")
    assert daemon.proves(page["page"], question, prove(page["key"], question)) is not None


def test_questions_and_keys_have_an_end(
    page: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, now = PageKeys(LAST, NEXT), time.time()
    monkeypatch.setattr(page_keys.time, "time", lambda: now)
    question = question_for(page, daemon)
    monkeypatch.setattr(page_keys.time, "time", lambda: now + 32)
    assert daemon.proves(page["page"], question, prove(page["key"], question)) is None
    monkeypatch.setattr(page_keys.time, "time", lambda: now + 6.9 * 86400)
    question = question_for(page, daemon)
    begun = daemon.proves(page["page"], question, prove(page["key"], question))
    assert begun == pytest.approx(now, abs=60)  # However late it returns, its time goes on.
    again = daemon.key_for_page(begun or now)
    monkeypatch.setattr(page_keys.time, "time", lambda: now + 7.1 * 86400)
    assert daemon.introduction(page["page"], "mine") is None
    assert PageKeys(NEXT, LATER).introduction(again["page"], "mine") is None


def test_keys_can_be_forgotten() -> None:
    last = PageKeys(generation("before"), LAST)
    page = last.key_for_page(time.time())
    left = last.change()
    assert (left.port, left.host) == (LAST.port, LAST.host)
    daemon = PageKeys(left, NEXT)
    question = question_for(page, daemon)
    assert daemon.proves(page["page"], question, prove(page["key"], question)) is None
    page = last.key_for_page(time.time())
    question = question_for(page, daemon)
    assert daemon.proves(page["page"], question, prove(page["key"], question)) is not None


def test_what_is_left_to_the_next_daemon(home: Home) -> None:
    first = recall(home)
    assert (first.port, first.host, first.named) == (0, "", ())
    assert recall(home).key != first.key  # Nothing is written by asking.
    left = Generation(PORT, NEXT.host, first.key, ("/a/\udcff.jpg",))
    remember(home, left)
    assert recall(home) == left
    assert stat.S_IMODE((home.root / "pages.json").stat().st_mode) == 0o600


def test_what_an_older_version_left_can_be_read(home: Home) -> None:
    home.root.mkdir(parents=True)
    (home.root / "pages.json").write_text(f'{{"port": {PORT}, "key": "{LAST.key}"}}')
    left = recall(home)
    assert (left.port, left.host, left.version) == (PORT, "", 1)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        f'{{"port": 70000, "key": "{LAST.key}"}}',
        f'{{"port": "1", "key": "{LAST.key}"}}',
        f'{{"port": 1, "key": "{LAST.key}", "host": "a b"}}',
        f'{{"port": 1, "key": "{LAST.key}", "named": 5}}',
        f'{{"port": 1, "key": "{LAST.key}", "version": 3}}',
        '{"port": 1, "key": "x"}',
    ],
)
def test_what_cannot_be_used_is_replaced(home: Home, content: str) -> None:
    home.root.mkdir(parents=True)
    (home.root / "pages.json").write_text(content)
    assert recall(home).port == 0
    assert len(recall(home).key) == 64
