"""What reading and embedding made of one photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from photofind.images.metadata_fields import Metadata

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Extracted"]


@dataclass(frozen=True, kw_only=True)
class Extracted(Metadata):
    """The result for one photo.

    Attributes
    ----------
    path
        The photo.
    content
        Its content id, hexadecimal; empty if its bytes could not be read.
    width, height, format
        Of the whole photo, upright, in pixels; 0 and empty if it was not decoded.
    fingerprint
        Of its pixels, if all of it was decoded; see :mod:`photofind.images.fingerprint`.
    vector
        The embedding, float32 (dimension,), of unit length; None for failures and known contents.
    failure
        Why there is no embedding, in one line; None without an error.
    refused
        Whether it took the worker down, so that another extractor may be able to embed it.
    passing
        Whether the failure is due to the machine at that moment, not to the bytes of the photo.
    put_off
        Whether it took so long that the others of its batch were not to wait for it.
    lacks_sidecar
        Whether its sidecar could not be read for such a reason.
    tags
        Words for what it shows with their confidences, highest first, if the extractor can tag and
        the photo was embedded.
    note
        What is wrong with its file, where only a part of it could be read.
    made_by
        The identity of the extractor that read it; None where its worker ended before.
    """

    path: str
    content: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    fingerprint: str | None = None
    vector: npt.NDArray[np.float32] | None = None
    failure: str | None = None
    refused: bool = False
    passing: bool = False
    put_off: bool = False
    lacks_sidecar: bool = False
    tags: tuple[tuple[str, float], ...] = ()
    note: str | None = None
    made_by: str | None = None
