"""Tries in threads: those that take long keep no other waiting."""

from __future__ import annotations

import threading

from photofind.app.probes import AT_ONCE, Probes


def test_what_takes_long_is_left_and_asked_for_again() -> None:
    going_on = threading.Event()
    probes: Probes[str, str] = Probes(1.0)
    tried: list[str] = []

    def attempt(name: str) -> str:
        tried.append(name)
        if name.startswith("slow"):
            assert going_on.wait(60)
        return name.upper()

    names = [*(f"slow {n}" for n in range(AT_ONCE + 1)), "quick"]
    assert probes.results(names, attempt) == {"quick": "QUICK"}
    going_on.set()
    while probes.results(names[:1], attempt) != {"slow 0": "SLOW 0"}:
        pass
    assert tried.count("slow 0") == 1
