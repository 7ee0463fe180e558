"""``python -m photofind_keras_zoo``: lists the networks, and downloads weights."""

from __future__ import annotations

import argparse
import sys

from photofind.errors import ExtractorError
from photofind_keras_zoo.extractors import ZOO
from photofind_keras_zoo.weights import download, find

__all__ = ["main"]


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m photofind_keras_zoo")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show which weights are present")
    fetching = commands.add_parser("download", help="download weights into Keras's cache")
    fetching.add_argument("names", nargs="+", choices=[*ZOO], metavar="NAME")
    arguments = parser.parse_args()
    names = arguments.names if arguments.command == "download" else [*ZOO]
    code = 0
    for name in names:
        weights = ZOO[name].weights
        try:
            file = download(weights) if arguments.command == "download" else find(name, weights)
        except ExtractorError as error:
            print(f"{name}: {error.message}", file=sys.stderr)
            code = int(arguments.command == "download")
        else:
            print(f"{name}: {file}")
    return code


if __name__ == "__main__":
    sys.exit(main())
