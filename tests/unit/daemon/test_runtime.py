from __future__ import annotations

import json

import pytest

from photofind.daemon.runtime import Runtime, read_runtime, remove_runtime, write_runtime
from photofind.paths import Home

RUNTIME = Runtime(123, 1.5, 4567, "secret", "0.1.0", 2.5)


def test_what_is_written_is_read_and_private(home: Home) -> None:
    assert read_runtime(home) is None
    write_runtime(home, RUNTIME)
    assert read_runtime(home) == RUNTIME
    path = home.root / "runtime.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["token"] == "secret"
    remove_runtime(home)
    assert read_runtime(home) is None
    remove_runtime(home)


def test_members_of_a_newer_version_are_passed_over(home: Home) -> None:
    write_runtime(home, RUNTIME)
    path = home.root / "runtime.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"more": 1}))
    assert read_runtime(home) == RUNTIME


@pytest.mark.parametrize(
    "content",
    ["", "{", "[" * 100_000, "[]", "null", "3", "{}", '{"pid": 1}', "\udcff",
     '{"pid": "many", "created": 1, "port": 1, "token": "", "version": "", "started": 1}',
     '{"pid": 1e999, "created": 1, "port": 1, "token": "", "version": "", "started": 1}'],
)  # fmt: skip
def test_what_is_no_runtime_file_is_none(home: Home, content: str) -> None:
    home.root.mkdir(parents=True)
    (home.root / "runtime.json").write_bytes(content.encode(errors="surrogateescape"))
    assert read_runtime(home) is None
