"""Metadata made to do harm: whatever it is, reading it takes little and gives little."""

from __future__ import annotations

import io
import json
import struct
import time
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from photofind.images.heif_head import heif_head
from photofind.images.metadata import read_metadata
from photofind.images.metadata_fields import Metadata
from photofind.images.xmp import xmp_metadata

SECONDS = 10.0  # Of processor time; a thousandth is usual.
LONGEST = 64_000
pytestmark = pytest.mark.filterwarnings("ignore")

FEW = settings(max_examples=100, deadline=None)


def check(metadata: Metadata, began: float) -> None:
    assert time.process_time() - began < SECONDS
    assert len(json.dumps(asdict(metadata))) < LONGEST
    assert len(metadata.keywords) <= 1000
    assert len(set(metadata.keywords)) == len(metadata.keywords)
    assert all(word.encode() and len(word) <= 200 for word in metadata.keywords)


TAGS = ["rdf:RDF", "rdf:Description", "rdf:Bag", "rdf:Alt", "rdf:li"]
TAGS += ["dc:subject", "dc:description", "exif:GPSLatitude", "exif:DateTimeOriginal", "x:other"]
SPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "dc": "http://purl.org/dc/elements/1.1/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "x": "adobe:ns:meta/",
    }.items()
)


def element(content: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Elements with a repeated content."""
    return st.builds(
        lambda tag, attribute, inner, times: (
            f'<{tag} {attribute}="{times}">' + inner[:20_000] * times + f"</{tag}>"
        ),
        st.sampled_from(TAGS),
        st.sampled_from(["dc:subject", "dc:description", "exif:GPSLatitude", "x:a"]),
        content,
        st.sampled_from([1, 2, 3, 40]),
    )


XML = st.recursive(
    st.sampled_from(["", "sea", "é" * 300, "33,51.4S", "2021-05-03", "&lt;", "<![CDATA[<]]>"]),
    element,
    max_leaves=8,
)


@FEW
@given(inner=XML, wraps=st.booleans())
def test_any_xml(inner, wraps):
    if wraps:
        inner = f"<rdf:RDF><rdf:Description>{inner}</rdf:Description></rdf:RDF>"
    began = time.process_time()
    check(xmp_metadata(f"<x:xmpmeta {SPACES}>{inner}</x:xmpmeta>".encode()), began)


DATASETS = st.tuples(
    st.sampled_from([25, 55, 60, 120, 5]), st.binary(max_size=60), st.sampled_from([1, 3, 200])
)


@FEW
@given(datasets=st.lists(DATASETS, max_size=12), tail=st.binary(max_size=12))
def test_any_iptc(datasets, tail):
    block = b"".join(
        times * (struct.pack(">BBBH", 28, 2, number, len(value)) + value)
        for number, value, times in datasets
    )
    block = (block + tail)[:60_000]
    resource = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block
    resource += bytes(len(block) % 2)
    segment = b"\xff\xed" + struct.pack(">H", len(resource) + 2) + resource
    began = time.process_time()
    check(read_metadata(JPEG[:2] + segment + JPEG[2:]), began)


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    return buffer.getvalue()


JPEG = jpeg()
ENTRY = st.tuples(
    st.sampled_from([270, 271, 272, 274, 306, 700, 513, 514, 33723, 34665, 34853, 40094, 36867]),
    st.integers(0, 13),
    st.sampled_from([0, 1, 2, 8, 1000, 2**16, 2**31, 2**32 - 1]),
    st.one_of(st.integers(0, 400), st.integers(0, 2**32 - 1)),
)


@FEW
@given(
    directories=st.lists(st.lists(ENTRY, max_size=8), min_size=1, max_size=4),
    following=st.integers(0, 300),
    order=st.sampled_from(["<", ">"]),
    tail=st.binary(max_size=200),
)
def test_any_exif(directories, following, order, tail):
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    for entries in directories:
        block += struct.pack(f"{order}H", len(entries))
        block += b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
        block += struct.pack(f"{order}I", following)
    block += tail
    segment = b"Exif\0\0" + block
    in_jpeg = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + JPEG[2:]
    for data in (in_jpeg, block):
        began = time.process_time()
        check(read_metadata(data), began)


def box(kind: bytes, content: bytes, length: int | None) -> bytes:
    return struct.pack(">I", len(content) + 8 if length is None else length) + kind + content


BOXES = st.recursive(
    st.one_of(st.binary(max_size=40), st.just(bytes(200))),
    lambda inner: st.builds(
        lambda kind, content, length, times: box(kind, content[:2000] * times, length),
        st.sampled_from([b"meta", b"iloc", b"iref", b"thmb", b"cdsc", b"iinf", b"mdat", b"free"]),
        inner,
        st.sampled_from([None, None, None, 0, 1, 7, 8, 2**32 - 1]),
        st.sampled_from([1, 2, 30]),
    ),
    max_leaves=8,
)


@FEW
@given(parts=st.lists(BOXES, max_size=4))
def test_any_boxes(parts):
    data = box(b"ftyp", b"heic\0\0\0\0mif1heic", None) + b"".join(parts)
    began = time.process_time()
    head = heif_head(io.BytesIO(data), len(data))
    assert head is None or len(head) == len(data)
    check(read_metadata(data), began)
