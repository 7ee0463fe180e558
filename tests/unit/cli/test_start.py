"""Starting is fast, because nothing heavy is imported before it is needed."""

from __future__ import annotations

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
