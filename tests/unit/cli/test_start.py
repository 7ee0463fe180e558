"""Starting is fast, because nothing heavy is imported before it is needed."""

from __future__ import annotations

from loaded_modules import modules_loaded_by


def test_the_commands_start_without_anything_heavy() -> None:
    loaded = modules_loaded_by("import photofind.cli")
    assert not loaded & {
        *("numpy", "PIL", "tinydb", "rich", "tensorflow", "keras", "numba", "sklearn"),
        *("pynndescent", "ai_edge_litert", "psutil", "asyncio", "multiprocessing"),
    }
