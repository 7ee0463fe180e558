"""``python -m photofind_clip``: adds a model, downloads one, and says which is there."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from photofind.errors import ExtractorError
from photofind.paths import private_folder
from photofind_clip.download import HUB, REPOSITORY, download
from photofind_clip.model import FILES, OPTIONAL_FILES, Model, default_folder, find_model

__all__ = ["main"]


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m photofind_clip")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("show", help="say which model is there")
    adding = commands.add_parser("add", help="copy a model into photofind's home")
    adding.add_argument("folder", type=Path, metavar="FOLDER")
    fetching = commands.add_parser("download", help="download a model into photofind's home")
    fetching.add_argument("repository", nargs="?", default=REPOSITORY, metavar="OWNER/NAME",
                          help=f"on huggingface.co; {REPOSITORY} by default")  # fmt: skip
    fetching.add_argument("--revision", default="main", metavar="COMMIT", help="of it")
    fetching.add_argument("--hub", default=HUB, metavar="ADDRESS", help="a mirror of it")
    for one in (adding, fetching):
        one.add_argument("--sha256", metavar="DIGEST",
                         help="take it only if `show` prints this digest of it")  # fmt: skip
    arguments = parser.parse_args()
    try:
        if arguments.command == "add":
            model = _install(lambda new: _copy(arguments.folder, new), arguments.sha256)
        elif arguments.command == "download":
            model = _install(
                lambda new: download(
                    new, arguments.repository, arguments.revision,
                    hub=arguments.hub, progress=_progress,
                ),
                arguments.sha256,
            )  # fmt: skip
        else:
            model = find_model()
    except (ExtractorError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(f"{model.folder}: {model.size[0]} x {model.size[1]} pixels, digest {model.digest}")
    return 0


def _install(fill: Callable[[Path], object], digest: str | None) -> Model:
    """Fill a new folder with a model, check it, and put it into photofind's home."""
    folder = default_folder()
    private_folder(folder.parent)
    with tempfile.TemporaryDirectory(prefix="clip-", dir=folder.parent) as made:
        new = Path(made) / "new"
        new.mkdir()
        fill(new)
        found = find_model(new).digest
        if digest is not None and found != digest.lower():
            raise ExtractorError(
                f"the model has the digest {found}, and another was asked for",
                "it was not taken; ask for the revision that has that digest",
            )
        for file in new.iterdir():
            file.chmod(0o600)
        old = Path(made) / "old"
        try:
            if folder.exists():
                os.rename(folder, old)  # noqa: PTH104
            os.rename(new, folder)  # noqa: PTH104
        finally:
            if old.exists() and not folder.exists():
                os.rename(old, folder)  # noqa: PTH104
    return find_model(folder)


def _copy(folder: Path, new: Path) -> None:
    model = find_model(folder.expanduser().absolute())
    for name in (*FILES, *OPTIONAL_FILES):
        if model.path(name).is_file():
            shutil.copyfile(model.path(name), new / name)


def _progress(name: str, done: int, size: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= size else ""
        print(f"\r{name}: {done / 1e6:,.0f} of {size / 1e6:,.0f} MB", end=end, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
