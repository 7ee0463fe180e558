"""XMP (ISO 16684-1), from the packet inside a photo or from its sidecar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from photofind.images.metadata_fields import Metadata, parse_time, valid_position

__all__ = ["xmp_metadata"]

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_EXIF = "{http://ns.adobe.com/exif/1.0/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"

_LONGEST = 4 << 20
"""In bytes; longer packets hold an editor's history or a depth map and are not parsed."""

_ANGLE = re.compile(r"(\d+),(\d+(?:\.\d*)?)(?:,(\d+(?:\.\d*)?))?([NSEW])")
"""Degrees, minutes and optional seconds: ``48,51.5034N``."""


def xmp_metadata(packet: bytes) -> Metadata:
    """Return the metadata in an XMP packet; empty if it is damaged or declares entities."""
    packet = packet.strip(b"\0 \t\r\n")
    if not packet or len(packet) > _LONGEST:
        return Metadata()
    try:
        root = ElementTree.fromstring(packet)
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        return Metadata()  # LookupError and ValueError: an unknown or wrong encoding.
    latitude, longitude = valid_position(
        _degrees(_first(root, _EXIF + "GPSLatitude")),
        _degrees(_first(root, _EXIF + "GPSLongitude")),
    )
    return Metadata(
        captured=parse_time(_first(root, _EXIF + "DateTimeOriginal"))
        or parse_time(_first(root, _PHOTOSHOP + "DateCreated")),
        latitude=latitude,
        longitude=longitude,
        keywords=tuple(_values(root, _DC + "subject")),
        caption=_first(root, _DC + "description") or None,
    )


def _first(root: Element, name: str) -> str:
    return next(_values(root, name), "")


def _values(root: Element, name: str) -> Iterator[str]:
    """Yield the values of a property, which may be an attribute, an element or a list."""
    for description in root.iter(_RDF + "Description"):
        texts = [description.get(name)]
        for element in description.iterfind(name):
            texts += [item.text for item in element.iter(_RDF + "li")] or [element.text]
        yield from (text.strip() for text in texts if text and text.strip())


def _degrees(text: str) -> float | None:
    match = _ANGLE.fullmatch(text)
    if match is None:
        return None
    degrees, minutes, seconds, reference = match.groups(default="0")
    angle = int(degrees) + float(minutes) / 60 + float(seconds) / 3600
    return -angle if reference in "SW" else angle
