"""What a worker of the fleet does. Dask calls these functions by their names.

A task takes bytes and returns bytes. The worker reads photos as photofind does on one machine: in a
child process with the extractor, which it loads by its entry point, and which may crash or hang.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

from photofind.errors import PhotofindError
from photofind.extractors.extracted import Extracted
from photofind.extractors.extraction import Extraction
from photofind.extractors.info import ExtractorInfo
from photofind.images.formats import sidecar_of
from photofind.images.limits import Limits
from photofind_dask.messages import pack, packed_results, unpack

__all__ = [
    "PATHS",
    "THREADS",
    "Request",
    "describe",
    "description",
    "difference",
    "read",
    "sidecar_bytes",
]

PATHS = "PHOTOFIND_FLEET_PATHS"
"""The variable of a worker that says where it sees folders: ``THERE=HERE``, several by ``;``."""

THREADS = "PHOTOFIND_FLEET_THREADS"
"""The variable of a worker that says how many threads decode and embed; one per core without it."""

_SUFFIXES = frozenset({".py", ".tflite", ".onnx", ".keras", ".h5", ".npz", ".json", ".toml", ".pb"})

Request = dict[str, Any]

_lock = Lock()
_extractions: dict[str, Extraction] = {}
_infos: dict[str, ExtractorInfo] = {}


def describe(request: bytes) -> bytes:
    """Return what a worker has: the versions of photofind and of an extractor.

    Parameters
    ----------
    request
        ``extractor``, its name, and ``options``, as `photofind.extractors.fleets.WorkOptions` has.

    Returns
    -------
    bytes
        The fields of :func:`description` and ``host``; or ``error``, a line.
    """
    asked = unpack(request)
    try:
        _, info = _extraction(asked)
    except PhotofindError as error:
        return pack({"host": socket.gethostname(), "error": str(error)})
    return pack({"host": socket.gethostname(), **description(info)})


def description(info: ExtractorInfo) -> dict[str, str]:
    """Return what has to be the same on all machines: versions, and a digest of code and model."""
    return {
        "photofind": _own_version(),
        "extractor": info.version,
        "model": _digest(info.build, tuple(info.code)),
    }


def read(request: bytes) -> bytes:
    """Read photos.

    Parameters
    ----------
    request
        ``extractor`` and ``options`` as of :func:`describe`; ``expected``, the description that the
        worker has to have; ``method``, ``arguments`` and ``paths``; and ``files``, for each path
        its bytes and those of its sidecar (or nothing), where the worker does not see the paths.

    Returns
    -------
    bytes
        The results, ``seconds``, and the places of photos that are ``missing`` on this machine; or
        ``unfit``, a line that says why this worker cannot do it.
    """
    asked = unpack(request)
    began = time.monotonic()
    try:
        extraction, info = _extraction(asked)
        if (described := description(info)) != asked["expected"]:
            return _unfit(difference(socket.gethostname(), described, asked))
        with _files(asked) as paths:
            missing = [place for place, path in enumerate(paths) if not os.path.lexists(path)]
            there = [path for place, path in enumerate(paths) if place not in missing]
            found = _read(extraction, asked, there)
    except PhotofindError as error:  # It cannot be loaded here, or a mount does not answer.
        return _unfit(f"{socket.gethostname()}: {error}")
    if {one.made_by for one in found if one is not None} - {None, info.identity}:
        _forget(asked)
        return _unfit(f"{socket.gethostname()}: the extractor changed while it read")
    results = iter(found)
    everything = [None if place in missing else next(results) for place in range(len(paths))]
    seconds = time.monotonic() - began
    return pack({**packed_results(everything), "missing": missing, "seconds": seconds})


def difference(host: str, found: dict[str, str], asked: Request) -> str:
    """Return a line that names a worker and the versions that differ, its and those here."""
    names = {"photofind": "photofind", "extractor": asked["extractor"],
             "model": f"the code or model of {asked['extractor']}"}  # fmt: skip
    parts = [
        f"{names[kind]} {found[kind]}, and here {wanted} is"
        for kind, wanted in asked["expected"].items()
        if found[kind] != wanted
    ]
    return f"the worker {host} has {'; '.join(parts)}"


def _unfit(reason: str) -> bytes:
    from distributed import get_worker

    return pack({"unfit": reason, "worker": get_worker().address})


def _read(
    extraction: Extraction, asked: Request, paths: Sequence[str]
) -> Sequence[Extracted | None]:
    if not paths:
        return []
    if asked["method"] == "extract_previews":
        return extraction.extract_previews(paths)
    arguments = asked["arguments"]
    return extraction.extract(paths, arguments["known"], in_company=arguments["in_company"])


def _extraction(asked: Request) -> tuple[Extraction, ExtractorInfo]:
    """Return what reads photos here, and what its extractor is; made once."""
    key = _key(asked)
    with _lock:
        if key not in _extractions:
            options = dict(asked["options"])
            limits = Limits(**options.pop("limits"))
            _extractions[key] = Extraction(
                asked["extractor"],
                threads=int(os.environ.get(THREADS, "0")),
                limits=limits,
                idle_seconds=600,
                **options,
            )
        if key not in _infos:
            _infos[key] = _extractions[key].info()
        return _extractions[key], _infos[key]


def _forget(asked: Request) -> None:
    """Have an extractor loaded again as it is installed now."""
    with _lock:
        _infos.pop(_key(asked), None)
        if (extraction := _extractions.pop(_key(asked), None)) is not None:
            extraction.close()


def _key(asked: Request) -> str:
    return json.dumps([asked["extractor"], asked["options"]], sort_keys=True)


@contextmanager
def _files(asked: Request) -> Iterator[list[str]]:
    """Give the paths of the photos on this machine; of those that came as bytes, for a while."""
    if asked.get("files") is None:
        yield [_seen_here(path) for path in asked["paths"]]
        return
    with tempfile.TemporaryDirectory(prefix="photofind-") as folder:
        paths = []
        for number, (path, (data, sidecar)) in enumerate(
            zip(asked["paths"], asked["files"], strict=True)
        ):
            place = Path(folder, str(number))
            place.mkdir()
            # Its ending tells formats apart, and a sidecar is found by the name.
            file = place / Path(path).name
            file.write_bytes(data)
            if sidecar is not None:
                file.with_name(f"{file.name}.xmp").write_bytes(sidecar)
            paths.append(str(file))
        yield paths


def sidecar_bytes(path: str) -> bytes | None:
    """Return the bytes of the sidecar of a photo; None where there is none."""
    sidecar = sidecar_of(Path(path))
    return sidecar.read_bytes() if sidecar else None


def _seen_here(path: str) -> str:
    """Return where this machine sees a path of the one that asks."""
    for pair in filter(None, os.environ.get(PATHS, "").split(";")):
        there, _, here = pair.partition("=")
        if path == there or path.startswith(there.rstrip("/\\") + "/"):
            return here.rstrip("/\\") + path[len(there.rstrip("/\\")) :]
    return path


@cache
def _own_version() -> str:
    return version("photofind")


@cache
def _digest(build: str, code: tuple[str, ...]) -> str:
    """Return a digest of the contents of code and weights, wherever and whenever installed."""
    digest = hashlib.sha256()
    for root in map(Path, code):
        files = [root]
        if root.is_dir():
            files = [file for file in root.rglob("*") if file.suffix.lower() in _SUFFIXES]
        for file in sorted(files, key=lambda file: file.relative_to(root.parent).as_posix()):
            if file.is_file():
                digest.update(f"{file.relative_to(root.parent).as_posix()}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]
