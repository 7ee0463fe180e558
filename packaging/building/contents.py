"""What is inside: a bill of materials, the licences, and checksums of what was built."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from building.interpreter import interpreter_of
from building.project import ROOT, run, tool

__all__ = ["BILL", "LICENCES", "refused", "write_checksums", "write_contents"]

BILL = "sbom.cdx.json"
LICENCES = "licenses.txt"
SUMS = "SHA256SUMS"

# Families that may be passed on beside photofind, by the words in which packages name them.
_ACCEPTED = re.compile(
    r"apache|bsd|\bmit\b|\bisc|python software foundation|\bpsf|python-2\.0|mpl|mozilla public|lgpl"
    r"|lesser general public|hpnd|historical permission|zlib|unlicense|cc0|0bsd|public domain",
    re.IGNORECASE,
)

# What was looked at: libheif is built with the encoder x265, which may be passed on by the terms of
# the GPL, of its version 3 too, which goes with Apache's licence.
_LOOKED_AT = {"pillow_heif": ("GPLv2",)}


def write_contents(tree: Path, folder: Path) -> None:
    """Write the bill of materials (CycloneDX) and the licences of everything in a tree.

    Raises
    ------
    SystemExit
        If a licence is not known, or none of those that are accepted.
    """
    python = interpreter_of(tree)
    folder.mkdir(parents=True, exist_ok=True)
    bill = folder / BILL
    environment = [tool("cyclonedx-py"), "environment", "--output-reproducible"]
    described = ["--pyproject", ROOT / "pyproject.toml", "--mc-type", "application"]
    run([*environment, *described, "--output-file", bill, python])
    bill.write_text(json.dumps(_with_interpreter(json.loads(bill.read_text()), python), indent=1))
    listing = [tool("pip-licenses"), f"--python={python}", "--format=json", "--from=mixed"]
    details = ["--with-system", "--with-license-file", "--with-notice-file", "--with-urls"]
    licences = json.loads(run([*listing, *details]))
    if wrong := [*refused(licences), *_refused_inside(tree)]:
        sys.exit("licences that nobody has looked at: " + ", ".join(wrong))
    (folder / LICENCES).write_text(_text(licences, tree, python), "utf-8")


def refused(licences: list[dict[str, Any]]) -> list[str]:
    """Return the packages, each with its licence, that may not be passed on without a look."""
    return [
        f"{one['Name']} ({one['License']})"
        for one in licences
        if not _ACCEPTED.search(one["License"])
    ]


def _refused_inside(tree: Path) -> list[str]:
    """Return the same of libraries that lie inside of packages, where their wheels name them."""
    found = [
        (path.parents[1].name.partition("-")[0], licence)
        for path in _licences_inside(tree)
        for licence in re.findall(r"^License: *(.+)$", path.read_text("utf-8", "replace"), re.M)
    ]
    return [
        f"{package} holds {licence}"
        for package, licence in found
        if not _ACCEPTED.search(licence) and licence not in _LOOKED_AT.get(package, ())
    ]


def write_checksums(folder: Path) -> Path:
    """Write the SHA-256 of every file in a folder, as ``sha256sum --check`` reads them."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    lines = []
    for path in files:
        with path.open("rb") as opened:
            lines.append(f"{hashlib.file_digest(opened, 'sha256').hexdigest()}  {path.name}\n")
    (folder / SUMS).write_text("".join(lines))
    return folder / SUMS


def _licences_inside(tree: Path) -> list[Path]:
    """Return the files in which wheels name the libraries that they hold."""
    files = sorted(tree.glob("lib/python3*/site-packages/*.dist-info/licenses/*"))
    return [path for path in files if re.search("bundled|third.?party", path.name, re.IGNORECASE)]


def _with_interpreter(bill: dict[str, Any], python: Path) -> dict[str, Any]:
    """Return the bill with CPython, which is no package of its own environment."""
    version = run([python, "-c", "import platform; print(platform.python_version())"]).strip()
    bill.setdefault("components", []).append(
        {
            "type": "application",
            "bom-ref": f"cpython=={version}",
            "name": "cpython",
            "version": version,
            "cpe": f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*",
            "licenses": [{"license": {"id": "PSF-2.0"}}],
        }
    )
    return bill


def _text(licences: list[dict[str, Any]], tree: Path, python: Path) -> str:
    """Return all licences in one text, with those of libraries that are inside of packages."""
    parts = [
        f"CPython and the libraries beside it\n\n{path.read_text('utf-8')}"
        for path in (*tree.glob("LICENSE*"), *tree.glob(f"lib/{python.name}/LICENSE*"))
    ]
    for one in licences:
        texts = [one[kind] for kind in ("LicenseText", "NoticeText") if one[kind] != "UNKNOWN"]
        heading = f"{one['Name']} {one['Version']}: {one['License']}\n{one['URL']}"
        parts.append("\n\n".join((heading, *texts)))
    for path in _licences_inside(tree):
        inside = path.relative_to(tree / "lib" / python.name / "site-packages")
        parts.append(f"{inside}\n\n{path.read_text('utf-8', 'replace')}")
    return f"\n\n{'=' * 100}\n\n".join(parts) + "\n"
