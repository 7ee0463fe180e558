"""A page proves to the next daemon that the last one let it in, and nobody else can."""

from __future__ import annotations

import hashlib
import hmac
import stat

import pytest

from photofind.daemon import page_keys
from photofind.daemon.page_keys import PageKeys, Remembered, recall, remember
from photofind.paths import Home

KEY = "ab" * 32
PORT = 4000


def prove(key: str, question: str, port: int = PORT) -> str:
    said = f"{question} {port}".encode()
    return hmac.new(bytes.fromhex(key), said, hashlib.sha256).hexdigest()


def test_a_page_is_known_to_the_next_daemon_once_a_question() -> None:
    page = PageKeys(KEY, PORT).key_for_page()
    following = PageKeys(KEY, PORT)
    question = following.question()
    proof = prove(page["key"], question)
    assert following.proves(page["page"], question, proof)
    assert not following.proves(page["page"], question, proof)


def test_nobody_else_is() -> None:
    page, other = (PageKeys(KEY, PORT).key_for_page() for _ in range(2))
    daemon = PageKeys(KEY, PORT)
    assert page["key"] != other["key"]
    for name, proof in (
        (page["page"], lambda question: prove(other["key"], question)),
        (page["page"], lambda question: prove(page["key"], question, PORT + 1)),
        (page["page"], lambda question: prove(page["key"], "0" * 32)),
        (page["page"], lambda question: ""),
        (page["page"], lambda question: "\udcff"),
        ("", lambda question: prove(page["key"], question)),
    ):
        question = daemon.question()
        assert not daemon.proves(name, question, proof(question))
    assert not daemon.proves(page["page"], "0" * 32, prove(page["key"], "0" * 32))
    another = PageKeys("cd" * 32, PORT)
    question = another.question()
    assert not another.proves(page["page"], question, prove(page["key"], question))


def test_questions_grow_old_and_few(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = PageKeys(KEY, PORT)
    page = daemon.key_for_page()
    questions = [daemon.question() for _ in range(150)]
    assert not daemon.proves(page["page"], questions[0], prove(page["key"], questions[0]))
    assert daemon.proves(page["page"], questions[-1], prove(page["key"], questions[-1]))
    now = page_keys.time.monotonic()
    monkeypatch.setattr(page_keys.time, "monotonic", lambda: now + 31)
    assert not daemon.proves(page["page"], questions[-2], prove(page["key"], questions[-2]))


def test_port_and_key_are_left_to_the_next_daemon(home: Home) -> None:
    first = recall(home)
    assert first.port == 0
    assert recall(home).key != first.key  # Nothing is written by asking.
    remember(home, Remembered(PORT, first.key))
    assert recall(home) == Remembered(PORT, first.key)
    assert stat.S_IMODE((home.root / "pages.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        f'{{"port": 70000, "key": "{KEY}"}}',
        f'{{"port": "1", "key": "{KEY}"}}',
        '{"port": 1, "key": "x"}',
    ],
)
def test_what_cannot_be_used_is_replaced(home: Home, content: str) -> None:
    home.root.mkdir(parents=True)
    (home.root / "pages.json").write_text(content)
    assert recall(home).port == 0
    assert len(recall(home).key) == 64
