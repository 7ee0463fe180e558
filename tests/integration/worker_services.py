"""Services for the tests of workers: what plugins do, and what they should not."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

from photofind.errors import ImageError


class PluginImageError(ImageError):
    pass


class Service:
    def __init__(self, greeting="hello"):
        self.greeting = greeting

    def greet(self):
        return self.greeting

    def process_id(self):
        return os.getpid()

    def environment(self, name):
        return os.environ.get(name)

    def niceness(self):
        return os.nice(0)

    def oom_score(self):
        return int(Path("/proc/self/oom_score_adj").read_text())

    def search_path(self):
        return sys.path

    def echo(self, *arrays, **arguments):
        return arguments, list(arrays)

    def total(self, array):
        return int(array.sum())

    def exists(self, path):
        return Path(path).exists()

    def count(self, to, pause=0.0, note=None):
        for number in range(to):
            time.sleep(pause)
            note(number)
        return to

    def note_from_threads(self, threads, notes, note):
        def work():
            for number in range(notes):
                note([number] * 100)

        running = [threading.Thread(target=work) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return "done"

    def fail(self, kind):
        if kind == "image":
            raise ImageError("a.jpg is truncated", "restore it from a backup")
        if kind == "plugin":
            raise PluginImageError("b.raw is truncated")
        if kind == "memory":
            raise MemoryError
        if kind == "threads":
            raise RuntimeError("can't start new thread")
        if kind == "descriptors":
            raise OSError(errno.EMFILE, "Too many open files")
        if kind == "exit":
            sys.exit("the plugin gave up")
        raise ValueError("two\nlines")

    def not_json(self):
        return {1, 2, 3}

    def objects(self):
        import numpy as np  # Here, so that the other services start fast.

        return None, [np.array([object()])]

    def leave(self, code):
        print("last words", file=sys.stderr)
        os._exit(code)

    def crash(self):
        ctypes.string_at(0)

    def kill(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def sleep(self, duration):
        time.sleep(duration)

    def sleep_after_note(self, duration, note):
        note("asleep")
        time.sleep(duration)

    def hold_memory(self, megabytes, duration=0.0):
        self.held = b"x" * (megabytes * 1_000_000)
        time.sleep(duration)

    def hold_interpreter(self, note):
        note("holding")
        re.match(r"(a+)+$", "a" * 64 + "b")

    def chatter(self):
        print("from Python")
        os.write(1, b"from C\n")
        sys.stdout.flush()
        return sys.stdin.read()

    def fork(self):
        child = os.fork()
        if child == 0:
            time.sleep(20)
            os._exit(0)
        return child

    def process(self, paths, deadly, note):
        for position, path in enumerate(paths):
            note({"started": position})
            if path in deadly:
                os._exit(9)
            note({"finished": position})
        return len(paths)


class Patient:
    """Takes long to be made, and says so."""

    def __init__(self, duration, pause, note):
        begun = time.monotonic()
        while time.monotonic() - begun < duration:
            time.sleep(pause)
            note("still here")

    def done(self):
        return True


class Unwilling:
    def __init__(self):
        raise ImageError("the model is missing", "install it")


class Fatal:
    def __init__(self):
        os._exit(5)


class Slow:
    def __init__(self):
        time.sleep(60)
