from __future__ import annotations

import pytest

from photofind.indexing.watching import inotify_limits
from photofind.indexing.watching.inotify_limits import (
    INSTANCES,
    WATCHES,
    LimitReachedError,
    how_to_raise,
    read_limit,
)


@pytest.fixture
def limits(tmp_path, monkeypatch):
    monkeypatch.setattr(inotify_limits, "_FOLDER", tmp_path)
    return tmp_path


def test_limits_are_read(limits):
    (limits / WATCHES).write_text("8192\n")
    assert read_limit(WATCHES) == 8192
    assert LimitReachedError(WATCHES).allowed == 8192


@pytest.mark.parametrize("text", [None, "", "many"])
def test_what_cannot_be_read_is_not_known(limits, text):
    if text is not None:
        (limits / WATCHES).write_text(text)
    assert read_limit(WATCHES) is None


def test_the_command_raises_the_limit_at_once_and_for_good():
    assert how_to_raise(WATCHES, 8192, 20_000) == (
        "echo fs.inotify.max_user_watches=524288 | "
        "sudo tee /etc/sysctl.d/60-photofind-watches.conf && sudo sysctl --system"
    )
    assert how_to_raise(INSTANCES, 128, 0) == (
        "echo fs.inotify.max_user_instances=1024 | "
        "sudo tee /etc/sysctl.d/60-photofind-instances.conf && sudo sysctl --system"
    )


@pytest.mark.parametrize(
    ("allowed", "needed"), [(524_288, 1), (1_048_576, 600_000), (8_192, 10**7)]
)
def test_the_limit_is_raised_far_enough_for_what_is_needed_beside_what_is_used(allowed, needed):
    raised = int(how_to_raise(WATCHES, allowed, needed).split("=")[1].split()[0])
    assert raised > allowed + needed
