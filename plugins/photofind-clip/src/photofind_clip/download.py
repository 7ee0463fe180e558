"""Fetching a model from Hugging Face, where the user asks for it, with checksums.

Everything is fetched of one revision. Each file is compared with the hash that the repository lists
for it: of large files the SHA-256, of the others Git's own.
"""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from photofind.errors import ExtractorError
from photofind_clip.model import FILES, OPTIONAL_FILES

__all__ = ["HUB", "REPOSITORY", "Progress", "download"]

HUB = "https://huggingface.co"
REPOSITORY = "Xenova/clip-vit-base-patch32"
"""OpenAI's CLIP ViT-B/32, exported to ONNX: 606 MB."""

_SECONDS = 60.0
_PIECE = 1 << 20
_LARGEST_LIST = 16_000_000

Progress = Callable[[str, int, int], None]
"""Called with the name of a file, how much of it is there, and how large it is, in bytes."""


@dataclass(frozen=True)
class _Offer:
    path: str
    size: int
    sha256: str | None
    git: str


def download(
    folder: Path,
    repository: str = REPOSITORY,
    revision: str = "main",
    *,
    hub: str = HUB,
    progress: Progress = lambda name, done, size: None,
) -> str:
    """Download the files of a model into a folder; return the commit that they are of.

    Raises
    ------
    ExtractorError
        It cannot be downloaded, lacks a file, or a checksum differs.
    OSError
        A file cannot be written.
    """
    about = f"{repository} on {urllib.parse.urlsplit(hub).netloc}"
    quoted = urllib.parse.quote(repository)
    chosen = urllib.parse.quote(revision, safe="")
    listed = _get(f"{hub}/api/models/{quoted}/revision/{chosen}?blobs=true", about)
    try:
        value = json.loads(listed)
        commit, offers = str(value["sha"]), _offers(value)
    except (
        *(ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError),
    ) as error:
        raise ExtractorError(f"{about} does not list its files as expected") from error
    for name in FILES:
        if name not in offers:
            raise ExtractorError(
                f"{about} has no {name}, so it is no such model",
                "choose a repository with vision_model.onnx and text_model.onnx",
            )
    for name, offer in offers.items():
        address = f"{hub}/{quoted}/resolve/{commit}/{urllib.parse.quote(offer.path)}"
        _fetch(address, folder / name, offer, progress)
    return commit


def _offers(value: dict[str, Any]) -> dict[str, _Offer]:
    """Return what a repository lists of the files that a model has."""
    offers: dict[str, _Offer] = {}
    for one in value["siblings"]:
        path = str(one["rfilename"])
        name = path.rpartition("/")[2]
        if name in (*FILES, *OPTIONAL_FILES) and path in (name, f"onnx/{name}"):
            large = one.get("lfs") or {}
            offers[name] = _Offer(path, int(one["size"]), large.get("sha256"), str(one["blobId"]))
    return offers


def _get(address: str, about: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:
            return bytes(answer.read(_LARGEST_LIST))
    except (OSError, HTTPException, ValueError) as error:
        raise _unreachable(about, error) from error


def _fetch(address: str, file: Path, offer: _Offer, progress: Progress) -> None:
    done, digest = 0, hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % offer.size, usedforsecurity=False)
    with file.open("wb") as opened:
        for piece in _pieces(address, offer.path):
            opened.write(piece)
            digest.update(piece)
            git.update(piece)
            done += len(piece)
            progress(file.name, done, offer.size)
            if done > offer.size:
                break
    if done < offer.size:
        raise ExtractorError(
            f"{offer.path} is incomplete: the connection ended after {done} of {offer.size} bytes",
            "try again; what was downloaded is not used",
        )
    is_right = digest.hexdigest() == offer.sha256 if offer.sha256 else git.hexdigest() == offer.git
    if done > offer.size or not is_right:
        raise ExtractorError(
            f"{offer.path} is not what the repository lists: its checksum is another",
            "try again; what was downloaded is not used",
        )


def _pieces(address: str, what: str) -> Iterator[bytes]:
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:
            while piece := answer.read(_PIECE):
                yield piece
    except (OSError, HTTPException, ValueError) as error:
        raise _unreachable(what, error) from error


def _unreachable(what: str, error: Exception) -> ExtractorError:
    reason = getattr(error, "reason", None) or error
    return ExtractorError(
        f"{what} cannot be downloaded: {' '.join(str(reason).split())}",
        "download it on another machine, and `python -m photofind_clip add FOLDER`",
    )
