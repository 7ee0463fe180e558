"""An interpreter that works wherever its folder lies.

The best is python-build-standalone's ``install_only_stripped``: it needs nothing but the C library.
Another one, such as what pyenv built, is made to work elsewhere with the libraries that it uses.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

from building.project import run, tool

__all__ = ["binaries", "interpreter_of", "standalone", "unpack_interpreter"]

_UNUSED = (
    "test", "idlelib", "turtledemo", "lib2to3", "ensurepip", "tkinter", "turtle.py",
    "lib-dynload/_tkinter.*", "lib-dynload/_test*", "lib-dynload/_ctypes_test*", "config-*",
    "site-packages", "__phello__", "pydoc_data", "EXTERNALLY-MANAGED",
)  # fmt: skip

# What every system with a desktop or a shell has: the C library and the compiler's runtime.
_OF_SYSTEM = re.compile(
    r"(ld-linux|linux-vdso|lib(c|m|dl|rt|pthread|util|resolv|nsl|crypt|gcc_s|stdc\+\+)\.so)"
)


def unpack_interpreter(source: str, tree: Path) -> Path:
    """Make an interpreter's files the beginning of ``tree``; return its executable.

    Parameters
    ----------
    source
        A version, such as 3.13: python-build-standalone's, which uv gets and checks. Or a folder
        with ``bin`` and ``lib``, or an archive with one, or the archive's URL, with its checksum
        after ``#sha256=``.
    tree
        A folder that does not exist yet.
    """
    with tempfile.TemporaryDirectory() as temporary:
        if re.fullmatch(r"3\.\d+", source):
            source = str(standalone(source, Path(temporary, "standalone")))
        if source.startswith("https://"):
            source = str(_downloaded(source, Path(temporary, "archive")))
        if Path(source).is_file():
            with tarfile.open(source) as archive:
                archive.extractall(Path(temporary, "unpacked"), filter="tar")
            (executable,) = Path(temporary, "unpacked").glob("**/bin/python3")
            source = str(executable.parents[1])
        return _copied(Path(source), tree)


def standalone(version: str, folder: Path) -> Path:
    """Return python-build-standalone's newest interpreter of a version, in a folder below one."""
    run([tool("uv"), "python", "install", "--no-bin", "--install-dir", folder, version])
    # Beside it is a link with a shorter name.
    (found,) = (one for one in folder.glob("cpython-*") if one.is_dir() and not one.is_symlink())
    return found


def interpreter_of(tree: Path) -> Path:
    """Return the executable of the interpreter in a tree."""
    (executable,) = (one for one in tree.glob("bin/python3.*") if re.search(r"3\.\d+$", one.name))
    return executable


def binaries(tree: Path) -> list[Path]:
    """Return the files below a folder that are ELF programs or libraries."""
    found = []
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as opened:
                if opened.read(4) == b"\x7fELF":
                    found.append(path)
    return found


def _downloaded(url: str, to: Path) -> Path:
    address, _, expected = url.partition("#sha256=")
    if not expected:
        sys.exit(f"{address} needs its checksum: write #sha256=... behind it")
    with urllib.request.urlopen(address) as answer:
        content = answer.read()
    if (actual := hashlib.sha256(content).hexdigest()) != expected:
        sys.exit(f"{address} has the checksum {actual}, not {expected}")
    to.write_bytes(content)
    return to


def _copied(source: Path, tree: Path) -> Path:
    """Copy what of an interpreter is used."""
    executable = interpreter_of(source)
    name = executable.name
    (tree / "bin").mkdir(parents=True)
    (tree / "lib").mkdir()
    shutil.copy2(executable, tree / "bin" / name)
    for link in ("python3", "python"):
        (tree / "bin" / link).symlink_to(name)
    unused = shutil.ignore_patterns("__pycache__", *(one for one in _UNUSED if "/" not in one))
    library = source / "lib" / name
    shutil.copytree(library, tree / "lib" / name, symlinks=True, ignore=unused)
    for pattern in _UNUSED:
        for path in (tree / "lib" / name).glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (tree / "lib" / name / "site-packages").mkdir()
    if "libpython" in run(["ldd", executable]):
        for path in source.glob("lib/libpython3*.so*"):
            shutil.copy2(path, tree / "lib", follow_symlinks=False)
    shutil.copytree(source / "include", tree / "include", symlinks=True)
    for path in source.glob("LICENSE*"):
        shutil.copy2(path, tree)
    _take_libraries_along(tree)
    return tree / "bin" / name


def _take_libraries_along(tree: Path) -> None:
    """Copy the libraries that come from elsewhere, and make all be found from where they are."""
    for binary in binaries(tree):
        needed = run(["ldd", binary])
        foreign = [
            Path(found)
            for found in re.findall(r"=> (/\S+)", needed)
            if not _OF_SYSTEM.match(Path(found).name) and not Path(found).is_relative_to(tree)
        ]
        for library in foreign:
            if not (copy := tree / "lib" / library.name).exists():
                shutil.copy2(library, copy)
                run([tool("patchelf"), "--set-rpath", "$ORIGIN", copy])
        if foreign:
            up = "/".join(".." for _ in binary.relative_to(tree).parts[:-1])
            run([tool("patchelf"), "--set-rpath", f"$ORIGIN/{up}/lib", binary])
