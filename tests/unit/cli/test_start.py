"""Starting is fast, because nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

from loaded_modules import modules_loaded_by


def test_the_commands_start_without_anything_heavy() -> None:
    loaded = modules_loaded_by("import photofind.cli")
    assert not loaded & {
        *("numpy", "PIL", "tinydb", "rich", "tensorflow", "keras", "numba", "sklearn"),
        *("pynndescent", "ai_edge_litert", "psutil", "asyncio", "multiprocessing"),
    }


def test_a_search_loads_nothing_that_the_daemon_does_for_it() -> None:
    loaded = modules_loaded_by(
        "import photofind.cli.similar, photofind.daemon.client, photofind.model.query"
    )
    assert "photofind.operations" in loaded
    assert not loaded & {
        *("http.client", "email", "ssl", "encodings.idna", "logging", "tomllib", "shlex"),
        *("importlib.metadata", "click.shell_completion", "rich", "numpy", "asyncio"),
        *("photofind.settings", "photofind.library.stores", "photofind.model.duplicates"),
    }


def test_the_interpreter_need_not_look_through_all_that_is_left() -> None:
    # What is registered first is called last.
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 1000));"
    command = [sys.executable, "-c", f"{code} import photofind.cli"]
    assert subprocess.check_output(command, text=True) == "True\n"
