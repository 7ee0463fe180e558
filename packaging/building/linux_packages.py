"""The packages of Linux systems, .deb and .rpm, by nfpm."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

from building.project import PACKAGING, epoch, run, tool, version
from building.tree import newest_c_library

__all__ = ["build_package", "configuration"]

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_DESCRIPTION = """\
Show me the photos like this one: a private indexer for folders of photos.
photofind looks at the photos in your folders, learns what they show, and finds the ones that are
like a photo you point at. Nothing leaves your machine, and no photo is changed.
It has its own Python, in /opt/photofind.
"""


def configuration(tree: Path, usr: Path, c_library: str) -> dict[str, Any]:
    """Return nfpm's configuration.

    Parameters
    ----------
    tree, usr
        What becomes ``/opt/photofind``, and the files for ``/usr``.
    c_library
        The least version of glibc.
    """
    machine = platform.machine()
    scripts = PACKAGING / "linux" / "scripts"
    needed = [f"libc6 (>= {c_library})", "libstdc++6", "libgcc-s1"]
    symbols = [f"libc.so.6(GLIBC_{c_library})", "libstdc++.so.6()", "libgcc_s.so.1()"]
    return {
        "name": "photofind",
        "arch": _ARCHITECTURES.get(machine, machine),
        "platform": "linux",
        "version": version(),
        "release": "1",
        "section": "graphics",
        "priority": "optional",
        "maintainer": "The photofind authors <photofind@localhost>",
        "description": _DESCRIPTION,
        "license": "Apache-2.0 AND GPL-2.0-or-later AND LGPL-3.0-or-later AND others",
        "contents": [
            {"src": str(tree), "dst": "/opt/photofind", "type": "tree"},
            {"src": str(usr), "dst": "/usr", "type": "tree"},
            {"src": "/opt/photofind/bin/photofind", "dst": "/usr/bin/photofind", "type": "symlink"},
        ],
        "scripts": {
            "postinstall": str(scripts / "postinstall.sh"),
            "preremove": str(scripts / "preremove.sh"),
            "postremove": str(scripts / "postremove.sh"),
        },
        "deb": {"compression": "zstd"},
        "rpm": {"compression": "zstd", "group": "Applications/Multimedia"},
        "overrides": {
            "deb": {
                "depends": needed,
                # The icon's menu, and opening the page.
                "recommends": ["xdg-utils", "python3-gi", "gir1.2-ayatanaappindicator3-0.1"],
            },
            "rpm": {
                "depends": [f"{symbol}(64bit)" for symbol in symbols],
                "recommends": ["xdg-utils", "python3-gobject", "libayatana-appindicator-gtk3"],
            },
        },
    }


def build_package(kind: str, tree: Path, usr: Path, destination: Path) -> Path:
    """Build a package; return its path.

    Parameters
    ----------
    kind
        ``deb`` or ``rpm``.
    tree, usr
        As :func:`configuration` takes them.
    destination
        Its folder.
    """
    destination.mkdir(parents=True, exist_ok=True)
    machine = platform.machine()
    names = {
        "deb": f"photofind_{version()}_{_ARCHITECTURES.get(machine, machine)}.deb",
        "rpm": f"photofind-{version()}-1.{machine}.rpm",
    }
    described = tree.parent / "nfpm.json"
    # Every JSON is YAML, which nfpm reads.
    described.write_text(json.dumps(configuration(tree, usr, newest_c_library(tree)), indent=1))
    target = destination / names[kind]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch())}
    package = [tool("nfpm"), "package", "--config", described, "--packager", kind]
    run([*package, "--target", target], environment=environment)
    return target
