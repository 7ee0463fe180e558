"""Reading the screen through AT-SPI, for tests; run by the system's Python."""

import json
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

SHOWN = (Atspi.StateType.SHOWING, Atspi.StateType.VISIBLE)


def children(thing):
    for index in range(min(thing.get_child_count(), 400)):
        try:
            child = thing.get_child_at_index(index)
        except GLib.Error:
            continue
        if child is not None:
            yield child


def walk(thing, depth=0):
    yield thing, depth
    if depth < 30:
        for child in children(thing):
            try:
                yield from walk(child, depth + 1)
            except GLib.Error:  # It has disappeared.
                continue


def is_shown(thing):
    states = thing.get_state_set()
    return all(states.contains(state) for state in SHOWN)


def role_of(thing):
    # AT-SPI before 2.53 calls a button a "push button".
    return thing.get_role_name().removeprefix("push ")


def facts_of(thing):
    place = thing.get_extents(Atspi.CoordType.SCREEN)
    return {
        "name": thing.get_name(),
        "role": role_of(thing),
        "x": place.x,
        "y": place.y,
        "width": place.width,
        "height": place.height,
    }


def find(name, role, within):
    for application in children(Atspi.get_desktop(0)):
        if within and application.get_name() != within:
            continue
        for thing, _ in walk(application):
            try:
                if thing.get_name() == name and (not role or role_of(thing) == role):
                    found = facts_of(thing)
                    if is_shown(thing) and found["width"] > 1 and found["x"] >= 0:
                        return found
            except GLib.Error:
                continue
    return None


def main(action, *arguments):
    Atspi.init()
    if action == "tree":
        for thing, depth in walk(Atspi.get_desktop(0)):
            try:
                if depth < 2 or is_shown(thing):
                    name, role, *place = facts_of(thing).values()
                    print("  " * depth, role, repr(name), *place)
            except GLib.Error:
                continue
        return
    name, role, within, seconds = arguments
    deadline = time.monotonic() + float(seconds)
    while True:
        began = time.monotonic()
        try:
            found = find(name, role, within)
        except GLib.Error:
            found = None
        if found:
            print(json.dumps(found))
            return
        if time.monotonic() > deadline:
            return
        # What is looked for needs the processors too.
        time.sleep(max(0.2, 2 * (time.monotonic() - began)))
        Atspi.get_desktop(0).clear_cache()


main(*sys.argv[1:])
