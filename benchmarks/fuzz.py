"""Damaged metadata for as long as wanted; exits with 1 at the first input that is out of bounds.

    python benchmarks/fuzz.py --minutes 60 --out DIR [FILE ...]

XMP, IPTC, EXIF and HEIF, of photos made here and of the files given, and a file of settings are
changed at random: bytes, numbers, parts repeated, moved, nested and cut. Each is parsed as
photofind does it, and what cannot be used in settings is repaired. No input may
raise anything, take more than 5 s of processor time or 300 MB of memory, or give a record of more
than 64 kB. The input that does is kept in DIR. With atheris installed, it chooses the inputs by the
code that they reach.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import hashlib
import io
import json
import random
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from photofind.errors import ImageError
from photofind.images.heif_head import heif_head
from photofind.images.metadata import read_metadata
from photofind.images.preview import read_embedded_thumbnail
from photofind.images.xmp import xmp_metadata
from photofind.settings import read_settings, repair_settings, set_setting
from photofind.system.memory import limit_memory

MOST_SECONDS, MOST_BYTES, LONGEST_RECORD = 5.0, 300_000_000, 64_000
LONGEST_INPUT = 1 << 20
LONGEST_SETTINGS = 1 << 14

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 exif:DateTimeOriginal="2021-05-03T10:11:12" exif:GPSLatitude="33,51.4S"
 exif:GPSLongitude="151,12,36E"><dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>sand</rdf:li>
 </rdf:Bag></dc:subject><dc:description><rdf:Alt><rdf:li xml:lang="x-default">At the sea</rdf:li>
 </rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"""

SETTINGS = b"""# Mine
extractor = "mobilenet:2, colour"  # both
hits = 30
min_score = 0.25
exclude = [
    "/tmp/**", "IMG_[0-9]?.jpg", "!kept*",
]
previews = false
[table]
also = '''words'''
"""


def seeds() -> list[bytes]:
    """Return photos with all kinds of metadata, a packet of XMP, and a file of settings."""
    exif = Image.Exif()
    exif.update({Base.Make: "Maker", Base.Model: "Model", Base.Orientation: 6})
    exif.update({Base.ImageDescription: "A dog", Base.XPKeywords: "a;b".encode("utf-16-le")})
    exif.get_ifd(IFD.Exif).update({Base.DateTimeOriginal: "2021:05:03 10:11:12"})
    exif.get_ifd(IFD.Exif).update({Base.UserComment: b"UNICODE\0a\0b\0"})
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (1.0, 2.0, 3.0)})
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSLongitudeRef: "E", GPS.GPSLongitude: (1.0, 2.0, 3.0)})
    made = [XMP, SETTINGS]
    for format_name in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"):
        buffer = io.BytesIO()
        options = {} if format_name == "TIFF" else {"xmp": XMP}
        Image.new("RGB", (160, 120)).save(buffer, format_name, exif=exif.tobytes(), **options)
        made.append(buffer.getvalue())
    sets = ((25, b"dog"), (25, b"cat"), (55, b"20210503"), (60, b"101112+0200"), (120, b"A dog"))
    block = b"".join(b"\x1c\2%c%c%c" % (n, 0, len(value)) + value for n, value in sets)
    block += bytes(len(block) % 2)
    resource_block = b"Photoshop 3.0\x008BIM\4\4\0\0" + len(block).to_bytes(4) + block
    jpeg = made[2]
    segment = b"\xff\xed" + (len(resource_block) + 2).to_bytes(2) + resource_block
    return [*made, jpeg[:2] + segment + jpeg[2:]]


def changed(generator: random.Random, data: bytes) -> bytes:
    """Return data with some changes."""
    new = bytearray(data)
    for _ in range(generator.choice((1, 2, 4, 8))):
        if not new:
            break
        # Mostly near the beginning, where the metadata is.
        place = int(len(new) * generator.random() ** generator.choice((1, 3)))
        end = min(place + int(2 ** generator.uniform(0, 12)), len(new))
        part = bytes(new[place:end])
        match generator.randrange(7):
            case 0:
                new[place] = generator.randrange(256)
            case 1:
                size = generator.choice((1, 2, 4, 8))
                value = generator.choice(
                    (0, 1, 127, 128, 2**31 - 1, 2**32 - 1, 2**64 - 1, len(new))
                )
                order = generator.choice(("little", "big"))
                new[place : place + size] = (value % 256**size).to_bytes(size, order)
            case 2:
                new[place:place] = part * int(2 ** generator.uniform(0, 14))
            case 3:
                del new[place:end]
            case 4:
                other = generator.randrange(len(new))
                new[other:other] = part
            case 5:
                new[place:end] = generator.randbytes(end - place)
            case 6:
                tag = generator.choice((b"<rdf:Description>", b"<rdf:li>", b"<dc:subject>", b"<a>"))
                new[place:place] = tag * int(2 ** generator.uniform(0, 10))
        del new[LONGEST_INPUT:]
    return bytes(new)


def parse(data: bytes, path: Path) -> None:
    """Parse data in all the ways of photofind.

    Raises
    ------
    AssertionError
        A record is too long, or settings are not repaired.
    """
    path.write_bytes(data)
    for metadata in (xmp_metadata(data), read_metadata(data), read_metadata(b"", data)):
        length = len(json.dumps(asdict(metadata)))
        assert length < LONGEST_RECORD, f"a record of {length:,} bytes"
    heif_head(io.BytesIO(data), len(data))
    with contextlib.suppress(ImageError):
        read_embedded_thumbnail(path)
    path.write_bytes(data[:LONGEST_SETTINGS])
    read_settings(path)
    set_setting(path, "hits", "7")
    repair_settings(path)
    repaired = read_settings(path)
    assert not repaired.faults, f"{repaired}"
    assert repaired.settings.hits == 7, f"{repaired}"


def checked(out: Path) -> Callable[[bytes], None]:
    """Return what parses an input, keeps it if it is out of bounds, and raises then."""
    path = out / "input"
    highest = 0

    def check(data: bytes) -> None:
        nonlocal highest
        began = time.process_time()
        faulthandler.dump_traceback_later(20 * MOST_SECONDS, exit=True)  # `input` is the cause.
        try:
            parse(data, path)
            seconds = time.process_time() - began
            assert seconds < MOST_SECONDS, f"{seconds:.1f} s"
            peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            growth, highest = peak - (highest or peak), peak
            assert growth < MOST_BYTES, f"{growth / 1e6:,.0f} MB"
        except BaseException:
            kept = out / f"bad-{hashlib.sha256(data).hexdigest()[:12]}"
            kept.write_bytes(data)
            print("out of bounds:", kept, file=sys.stderr)
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()

    return check


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=None, help="repeats the inputs of another run")
    parser.add_argument("files", type=Path, nargs="*")
    arguments = parser.parse_args()
    arguments.out.mkdir(exist_ok=True)
    limit_memory(2_000_000_000)
    known = seeds() + [file.read_bytes()[:LONGEST_INPUT] for file in arguments.files]
    check = checked(arguments.out)
    try:
        import atheris
    except ModuleNotFoundError:
        seed = arguments.seed if arguments.seed is not None else random.randrange(2**32)
        print(f"seed {seed}, {len(known)} files to change")
        generator = random.Random(seed)
        until, count = time.monotonic() + 60 * arguments.minutes, 0
        while time.monotonic() < until:
            check(changed(generator, generator.choice(known)))
            count += 1
        print(f"{count:,} inputs, all within the bounds")
        return
    corpus = arguments.out / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(known):
        (corpus / str(number)).write_bytes(data)
    seconds = int(60 * arguments.minutes)
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", str(corpus)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
