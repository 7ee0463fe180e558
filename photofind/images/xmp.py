"""XMP (ISO 16684-1), from the packet inside a photo or from its sidecar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.parsers import expat

from photofind.images.metadata_fields import (
    LONGEST_TEXT,
    Metadata,
    bounded_keywords,
    bounded_text,
    parse_time,
    valid_position,
)

__all__ = ["encoding_of", "xmp_metadata"]

# Names as expat gives them: namespace, a space, and the local name.
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_SUBJECT = "http://purl.org/dc/elements/1.1/ subject"
_CAPTION = "http://purl.org/dc/elements/1.1/ description"
_LATITUDE = "http://ns.adobe.com/exif/1.0/ GPSLatitude"
_LONGITUDE = "http://ns.adobe.com/exif/1.0/ GPSLongitude"
_TAKEN = "http://ns.adobe.com/exif/1.0/ DateTimeOriginal"
_CREATED = "http://ns.adobe.com/photoshop/1.0/ DateCreated"
# Keywords with those above them: "Places|Paris" and "Places/Paris".
_PATHS = {
    "http://ns.adobe.com/lightroom/1.0/ hierarchicalSubject": "|",
    "http://www.digikam.org/ns/1.0/ TagsList": "/",
}
_WANTED = {*_PATHS, _SUBJECT, _CAPTION, _LATITUDE, _LONGITUDE, _TAKEN, _CREATED}

_LISTS = {_RDF + kind for kind in ("Alt", "Bag", "Seq")}
_DESCRIPTION, _PROPERTY, _LIST, _ITEM = 1, 2, 3, 4
"""How deep below ``rdf:RDF`` each of them is, and nowhere else."""

_LONGEST = 4 << 20
"""In bytes; longer packets hold an editor's history or a depth map and are not parsed."""

_LONGEST_NAMESPACE = 128
"""In characters. The parser repeats it in every name, so a long one multiplies."""

_MOST_ELEMENTS, _DEEPEST, _MOST_VALUES = 200_000, 100, 10_000
"""What is read of a packet at most; the rest is ignored."""

_ANGLE = re.compile(r"(\d{1,3}),(\d{1,9}(?:\.\d*)?)(?:,(\d{1,9}(?:\.\d*)?))?([NSEW])", re.ASCII)
"""Degrees, minutes and optional seconds: ``48,51.5034N``."""


def xmp_metadata(packet: bytes) -> Metadata:
    """Return the metadata in an XMP packet; empty if it is damaged or has a document type.

    Only properties of the descriptions right below ``rdf:RDF`` are read. Time and memory grow with
    the length of the packet alone.
    """
    text = _text(packet)
    if not text or len(packet) > _LONGEST:
        return Metadata()
    found = _Properties()
    try:
        found.read(text)
    except _Enough:
        pass
    except (_Refused, expat.ExpatError, LookupError, ValueError):
        return Metadata()  # LookupError and ValueError: an unknown or wrong encoding.
    values = found.values
    latitude, longitude = valid_position(
        _degrees(_first(values, _LATITUDE)), _degrees(_first(values, _LONGITUDE))
    )
    return Metadata(
        captured=parse_time(_first(values, _TAKEN)) or parse_time(_first(values, _CREATED)),
        latitude=latitude,
        longitude=longitude,
        keywords=bounded_keywords(_keywords(values)),
        caption=bounded_text(_first(values, _CAPTION)),
    )


def encoding_of(packet: bytes) -> str:
    """Return the encoding of a packet: ``"utf-8"``, ``"utf-16-le"`` or ``"utf-16-be"``.

    Decoded in it, the mark of the order of bytes stays, if there is one.
    """
    if packet.startswith((b"\xff\xfe", b"<\0")):
        return "utf-16-le"
    return "utf-16-be" if packet.startswith((b"\xfe\xff", b"\0<")) else "utf-8"


def _text(packet: bytes) -> bytes | str:
    """Return a packet without what stands around it, decoded where it is in UTF-16."""
    encoding = encoding_of(packet)
    if encoding == "utf-8":
        return packet.strip(b"\0 \t\r\n")
    # The parser takes no notice of the encoding that a decoded text declares.
    return packet[:_LONGEST].decode(encoding, "replace").strip("\0 \t\r\n\ufeff")


def _keywords(values: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield keywords, then those at the end of paths."""
    yield from values.get(_SUBJECT, ())
    for name, separator in _PATHS.items():
        for path in values.get(name, ()):
            yield path.rsplit(separator, 1)[-1]


class _Enough(Exception):
    """As much was read as is read of any packet."""


class _Refused(Exception):
    """The packet has what no program writes into XMP, such as entities."""


class _Properties:
    """Reads the wanted properties of a packet without building a tree.

    Attributes
    ----------
    values
        The values of each property, in the order written.
    """

    def __init__(self) -> None:
        self.values: dict[str, list[str]] = {}
        self._elements = self._values = 0
        self._path: list[str] = []
        self._base: int | None = None  # The depth of rdf:RDF.
        self._property = ""  # The wanted one that is open.
        self._has_items = False
        self._text: list[str] | None = None  # Collected at the moment.
        self._length = 0

    def read(self, packet: bytes | str) -> None:
        """Read a packet.

        Raises
        ------
        _Enough, _Refused, ExpatError, LookupError, ValueError
            See :func:`xmp_metadata`.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        # Entities are declared in a document type, and nowhere else.
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(packet, True)

    def _doctype(self, *_: object) -> None:
        raise _Refused

    def _namespace(self, _: str | None, uri: str | None) -> None:
        if uri and len(uri) > _LONGEST_NAMESPACE:
            raise _Refused

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        if self._elements > _MOST_ELEMENTS or len(self._path) > _DEEPEST:
            raise _Enough
        self._text = None  # Only what stands before the first element in it is its text.
        self._path.append(name)
        if self._base is None:
            if name == _RDF + "RDF":
                self._base = len(self._path)
            return
        match len(self._path) - self._base:
            case depth if depth == _DESCRIPTION and name == _RDF + "Description":
                for wanted in _WANTED & attributes.keys():
                    self._keep(wanted, attributes[wanted])
            case depth if depth == _PROPERTY and self._path[-2] == _RDF + "Description":
                self._property = name if name in _WANTED else ""
                self._has_items = False
                self._collect()
            case depth if depth == _ITEM and name == _RDF + "li" and self._path[-2] in _LISTS:
                self._has_items = True
                self._collect()

    def _end(self, _: str) -> None:
        if self._base is not None:
            depth = len(self._path) - self._base
            if self._text is not None and (depth == _ITEM or not self._has_items):
                self._keep(self._property, "".join(self._text))
            if depth == _PROPERTY:
                self._property = ""
            elif depth == 0:
                self._base = None
        self._text = None
        self._path.pop()

    def _characters(self, text: str) -> None:
        if self._text is not None and self._length < LONGEST_TEXT:
            self._text.append(text)
            self._length += len(text)

    def _collect(self) -> None:
        """Collect the text of the element that has begun, if it belongs to a wanted property."""
        self._text = [] if self._property else None
        self._length = 0

    def _keep(self, name: str, value: str) -> None:
        if value := value.strip():
            self._values += 1
            if self._values > _MOST_VALUES:
                raise _Enough
            self.values.setdefault(name, []).append(value[:LONGEST_TEXT])


def _first(values: Mapping[str, list[str]], name: str) -> str:
    return next(iter(values.get(name, ())), "")


def _degrees(text: str) -> float | None:
    match = _ANGLE.fullmatch(text)
    if match is None:
        return None
    degrees, minutes, seconds, reference = match.groups(default="0")
    angle = int(degrees) + float(minutes) / 60 + float(seconds) / 3600
    return -angle if reference in "SW" else angle
