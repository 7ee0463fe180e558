from __future__ import annotations

import sys

import pytest

from photofind.indexing.watching.suspension import Suspension, seconds_asleep


def test_linux_tells_for_how_long_it_slept():
    asleep = 0.0
    suspension = Suspension(lambda: asleep)
    suspension.before_wait(10)
    assert not suspension.after_wait()
    asleep += 0.5
    assert not suspension.after_wait()
    asleep += 3600
    assert suspension.after_wait()
    assert not suspension.after_wait()


@pytest.mark.parametrize("error", [AttributeError, OSError])
def test_elsewhere_a_wait_that_ends_much_too_late_tells(error):
    now = 1000.0

    def unknown() -> float:
        raise error

    suspension = Suspension(unknown, lambda: now)
    suspension.before_wait(10)
    now += 30
    assert not suspension.after_wait()
    suspension.before_wait(10)
    now += 3600
    assert suspension.after_wait()
    suspension.before_wait(10)
    now -= 3600  # Somebody set the clock.
    assert not suspension.after_wait()


@pytest.mark.skipif(sys.platform != "linux", reason="the clocks of Linux")
def test_this_machine_was_not_asleep_just_now():
    before = seconds_asleep()
    assert abs(seconds_asleep() - before) < 1
