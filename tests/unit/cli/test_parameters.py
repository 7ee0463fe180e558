from __future__ import annotations

import os

import click
import pytest

from photofind.cli.parameters import AbsoluteFolder, AbsolutePath, ImagePath


@pytest.mark.parametrize("kind", [AbsolutePath, AbsoluteFolder, ImagePath])
def test_a_path_is_made_absolute_without_a_look_at_it(kind, tmp_path, monkeypatch) -> None:
    """Its drive may not answer."""

    def hang(*arguments: object, **options: object) -> None:
        raise AssertionError("the file was looked at")

    monkeypatch.chdir(tmp_path)
    made = kind()
    with monkeypatch.context() as patch:
        for name in ("stat", "lstat", "access"):
            patch.setattr(os, name, hang)
        paths = [made.convert(typed, None, None) for typed in ("a/../b.jpg", b"caf\xe9")]
    assert paths == [str(tmp_path / "b.jpg"), str(tmp_path / "caf\udce9")]


def test_an_empty_path_is_none() -> None:
    with pytest.raises(click.BadParameter, match="cannot be empty"):
        AbsolutePath().convert("", None, None)


def test_paths_are_completed_as_files_and_folders() -> None:
    command = click.Command("x", params=[click.Argument(["path"], type=AbsolutePath())])
    context = click.Context(command)
    kinds = [
        kind().shell_complete(context, command.params[0], "a")[0].type
        for kind in (AbsolutePath, AbsoluteFolder)
    ]
    assert kinds == ["file", "dir"]
