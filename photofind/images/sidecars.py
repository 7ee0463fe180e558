"""Keywords written into XMP sidecars (ISO 16684-1); the rest of a sidecar stays byte for byte.

Keywords stand in ``dc:subject``, which digiKam, darktable and Lightroom read. digiKam prefers its
own ``digiKam:TagsList``, and others ``lr:hierarchicalSubject``, where there are any, so these are
kept in step where they are.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape

from photofind.errors import LibraryError
from photofind.images.formats import sidecar_of
from photofind.images.xmp import encoding_of
from photofind.model.hierarchy import folded
from photofind.paths import sync_folder

__all__ = ["with_keywords", "write_keywords"]

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_DIGIKAM = "http://www.digikam.org/ns/1.0/"
_LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
_SUBJECT = f"{_DC} subject"
# Lists of paths, and what stands between the parts of one; their kinds of list.
_PATHS = {f"{_DIGIKAM} TagsList": "/", f"{_LIGHTROOM} hierarchicalSubject": "|"}
_KINDS = {
    _SUBJECT: "Bag",
    f"{_DIGIKAM} TagsList": "Seq",
    f"{_LIGHTROOM} hierarchicalSubject": "Bag",
}
_PREFIXES = {_RDF: "rdf", _DC: "dc", _DIGIKAM: "digiKam", _LIGHTROOM: "lr"}
_LISTS = {f"{_RDF} {kind}" for kind in ("Alt", "Bag", "Seq")}

_START_TAG = re.compile(rb"<[^\"'>]*(?:\"[^\"]*\"[^\"'>]*|'[^']*'[^\"'>]*)*>")

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML may hold (XML 1.0, 2.2)."""

_LARGEST = 64 << 20
"""In bytes: an editor's history may be long."""

_NEW = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    f' <rdf:RDF xmlns:rdf="{_RDF}">\n'
    '  <rdf:Description rdf:about=""/>\n'
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    '<?xpacket end="w"?>\n'
)


def write_keywords(
    photo: Path, add: Sequence[str], remove: Sequence[str], known: Sequence[str]
) -> Path:
    """Write keywords into the sidecar of a photo, atomically; return its path.

    Without a sidecar one is made, ``photo.jpg.xmp``. The photo itself is not touched.

    Parameters
    ----------
    add, remove
        Keywords that it is to have, and those that it is not to have, whatever their case.
    known
        The keywords that the photo has: a sidecar without any takes their place, so it gets them.

    Raises
    ------
    LibraryError
        The sidecar is none that can be changed safely, or cannot be written.
    """
    sidecar = photo.with_name(f"{photo.name}.xmp")
    try:
        sidecar = sidecar_of(photo) or sidecar
        target = Path(os.path.realpath(sidecar))
        packet = target.read_bytes() if target.exists() else None
        if packet is not None and len(packet) > _LARGEST:
            raise LibraryError(f"{sidecar} is too large for a sidecar", "it was left as it is")
        changed = with_keywords(packet, add, remove, known)
        if changed != packet:
            _replace(target, changed)
    except ValueError as error:
        raise LibraryError(f"{sidecar} was left as it is: {error}") from error
    except OSError as error:
        raise LibraryError(
            f"{sidecar} cannot be written: {error.strerror or error}",
            "the tags are kept in photofind's library",
        ) from error
    return sidecar


def with_keywords(
    packet: bytes | None, add: Sequence[str], remove: Sequence[str], known: Sequence[str]
) -> bytes:
    """Return a sidecar with keywords added and removed, as :func:`write_keywords` says.

    Raises
    ------
    ValueError
        It is no XMP, or has what no program writes into XMP.
    """
    encoding, text = _decoded(packet) if packet else ("utf-8", _NEW)
    data = text.encode("utf-8")
    found = _Places(data)
    gone = {*map(folded, remove)} - {*map(folded, add)}
    edits = []
    lists = {one.name: one for one in found.properties}
    for name, separator in {_SUBJECT: "", **_PATHS}.items():
        old = lists.get(name)
        if old is None and name != _SUBJECT:
            continue
        values = _changed(old.values if old else known, add, gone, separator)
        if old is None and values:
            edits.append(found.insertion(name, values))
        elif old is not None and values != old.values:
            edits.append((old.start, old.end, found.written(name, values, old.prefixes)))
    for start, end, new in sorted(edits, reverse=True):
        data = data[:start] + new.encode("utf-8") + data[end:]
    _Places(data)  # What is written is read once before it takes the place of what is there.
    return data.decode("utf-8").encode(encoding)


def _changed(old: Sequence[str], add: Iterable[str], gone: set[str], separator: str) -> list[str]:
    """Return keywords, or paths whose last part is one, as they are to be."""

    def keyword(value: str) -> str:
        return folded(value.rsplit(separator, 1)[-1] if separator else value)

    kept = [value for value in old if keyword(value) not in gone]
    there = {keyword(value) for value in kept}
    return [*kept, *(value for value in dict.fromkeys(add) if folded(value) not in there)]


@dataclass(frozen=True)
class _Property:
    """A list of keywords as it stands: from ``start`` to ``end``, in bytes."""

    name: str
    start: int
    end: int
    values: list[str]
    prefixes: dict[str, str]


@dataclass
class _Open:
    """An element that is open: its name, its start tag, the namespaces by their prefixes."""

    name: str
    start: int
    stop: int
    is_empty: bool
    prefixes: dict[str, str]
    values: list[str] = field(default_factory=list)


class _Places:
    """Where the keywords stand in a sidecar, and where they belong where there are none.

    Raises
    ------
    ValueError
        It is no XMP, or has what no program writes into XMP.
    """

    def __init__(self, data: bytes) -> None:
        self.properties: list[_Property] = []
        self._data = data
        self._open: list[_Open] = []
        self._new: dict[str, str] = {}  # Prefixes that the next element declares.
        self._text: list[str] | None = None
        self._home: tuple[_Open, int] | None = None  # Where keywords belong, and its end tag.
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartNamespaceDeclHandler = self._namespace
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            raise ValueError(f"it is no XMP ({error})") from error
        if self._home is None:
            raise ValueError("it is no XMP: it describes nothing")

    def insertion(self, name: str, values: Sequence[str]) -> tuple[int, int, str]:
        """Return what to replace, from where to where, for a list that is not there yet."""
        assert self._home is not None
        home, end = self._home
        written = f"\n   {self.written(name, values, home.prefixes)}\n  "
        if not home.is_empty:
            return end, end, written
        opened = self._data[home.start : home.stop].decode("utf-8")
        name_as_written = opened[1:].split(None, 1)[0].rstrip("/>")
        return home.stop - len("/>"), home.stop, f">{written}</{name_as_written}>"

    def written(self, name: str, values: Sequence[str], prefixes: dict[str, str]) -> str:
        """Return a list of keywords as XML, by the prefixes that hold where it stands."""
        declared = {}

        def qualified(namespace: str, local: str) -> str:
            known = [one for one, uri in prefixes.items() if uri == namespace and one]
            prefix = known[0] if known else _PREFIXES[namespace]
            if not known:
                declared[prefix] = namespace
            return f"{prefix}:{local}"

        namespace, _, local = name.partition(" ")
        own, kind, item = (
            qualified(namespace, local), qualified(_RDF, _KINDS[name]), qualified(_RDF, "li")
        )  # fmt: skip
        declarations = "".join(f' xmlns:{one}="{uri}"' for one, uri in declared.items())
        texts = (escape(_UNWRITABLE.sub(" ", value)) for value in values)
        items = "".join(f"\n     <{item}>{text}</{item}>" for text in texts)
        return f"<{own}{declarations}>\n    <{kind}>{items}\n    </{kind}>\n   </{own}>"

    def _doctype(self, *_: object) -> None:
        raise ValueError("it has a document type, which no program writes into XMP")

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        self._new[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        prefixes = {**(self._open[-1].prefixes if self._open else {}), **self._new}
        self._new = {}
        tag = _START_TAG.match(self._data, self._parser.CurrentByteIndex)
        if tag is None:
            raise ValueError("it is no XMP: a tag does not end")
        self._open.append(_Open(name, *tag.span(), tag[0].endswith(b"/>"), prefixes))
        self._text = [] if name == f"{_RDF} li" else None
        if self._is_in_description(0) and not _KINDS.keys().isdisjoint(attributes):
            raise ValueError("its keywords are an attribute, and no list")
        if self._is_in_description(4) and self._open[-4].name in _KINDS:
            raise ValueError("its keywords have parts of their own")

    def _characters(self, text: str) -> None:
        within = self._open[-2:]
        if text.strip() and within[-1].name in {*_KINDS, *_LISTS}:
            is_property = self._is_in_description(1) and within[-1].name in _KINDS
            if is_property or (self._is_in_description(2) and within[0].name in _KINDS):
                raise ValueError("its keywords are text, and no list")
        if self._text is not None:
            self._text.append(text)

    def _end(self, name: str) -> None:
        element = self._open[-1]
        if self._text is not None and self._is_in_description(3) and self._open[-2].name in _LISTS:
            self._open[-3].values.append("".join(self._text).strip())
        self._text = None
        end = element.start if element.is_empty else self._parser.CurrentByteIndex
        if name in _KINDS and self._is_in_description(1):
            stop = element.stop if element.is_empty else self._data.index(b">", end) + 1
            values = [value for value in element.values if value]
            around = self._open[-2].prefixes
            self.properties.append(_Property(name, element.start, stop, values, around))
        elif self._home is None and self._is_in_description(0):
            self._home = element, end
        self._open.pop()

    def _is_in_description(self, depth: int) -> bool:
        """Return whether the open element is so deep in a description right below rdf:RDF."""
        at = len(self._open) - 1 - depth
        return (
            at >= 1
            and self._open[at].name == f"{_RDF} Description"
            and self._open[at - 1].name == f"{_RDF} RDF"
        )


def _decoded(packet: bytes) -> tuple[str, str]:
    """Return the encoding of a sidecar, and its text.

    Raises
    ------
    ValueError
        It is none of those that XMP may have.
    """
    encoding = encoding_of(packet)
    try:
        return encoding, packet.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError("it is neither in UTF-8 nor in UTF-16") from None


def _replace(path: Path, data: bytes) -> None:
    """Replace a file by another content, with its permissions, or make it; all or nothing."""
    temporary = path.with_name(f".{os.urandom(8).hex()}.xmp.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)
