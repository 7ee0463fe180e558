import io
import json
import struct
from dataclasses import asdict

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from photofind.images import metadata
from photofind.images.metadata import Metadata, read_metadata
from photofind.images.xmp import xmp_metadata

pytestmark = pytest.mark.filterwarnings("ignore")


def photo(
    tags: dict[int, object] | None = None,
    shot: dict[int, object] | None = None,
    gps: dict[int, object] | None = None,
    format_name: str = "JPEG",
    **options: object,
) -> bytes:
    """Return a small photo with these EXIF tags."""
    exif = Image.Exif()
    exif.update(tags or {})
    exif.get_ifd(IFD.Exif).update(shot or {})
    exif.get_ifd(IFD.GPSInfo).update(gps or {})
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, format_name, exif=exif.tobytes(), **options)
    return buffer.getvalue()


def xmp(properties: str, attributes: str = "") -> bytes:
    return f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
    <x:xmpmeta xmlns:x="adobe:ns:meta/">
     <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
        xmlns:exif="http://ns.adobe.com/exif/1.0/"
        xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" {attributes}>
       {properties}
      </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def iptc(*datasets: tuple[int, bytes]) -> bytes:
    """Return a JPEG with an IPTC block in a Photoshop image resource."""
    block = b"".join(struct.pack(">BBBH", 28, 2, n, len(v)) + v for n, v in datasets)
    block += b"\0" * (len(block) % 2)
    resource = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block
    jpeg = photo()
    return jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(resource) + 2) + resource + jpeg[2:]


WORDS = "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li> été </rdf:li></rdf:Bag></dc:subject>"
CAPTION = (
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">On the beach</rdf:li>'
    '<rdf:li xml:lang="de">Am Strand</rdf:li></rdf:Alt></dc:description>'
)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_metadata_of_every_format(format_name):
    tags = {Base.Make: "Canon", Base.Model: "Canon EOS 5D", Base.ImageDescription: "A dog"}
    shot = {Base.DateTimeOriginal: "2021:05:03 10:11:12", Base.OffsetTimeOriginal: "+02:00"}
    gps = {
        GPS.GPSLatitude: (33.0, 51.0, 24.0),
        GPS.GPSLatitudeRef: "S",
        GPS.GPSLongitude: (151.0, 12.0, 36.0),
        GPS.GPSLongitudeRef: "E",
    }
    options: dict[str, object] = {"xmp": xmp(WORDS)}
    if format_name == "PNG":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp(WORDS).decode())
        options = {"pnginfo": text}
    if format_name == "TIFF":
        tags[Base.XMLPacket] = xmp(WORDS)
    metadata = read_metadata(photo(tags, shot, gps, format_name=format_name, **options))
    assert metadata.captured == "2021-05-03T10:11:12+02:00"
    assert metadata.camera == "Canon EOS 5D"
    assert metadata.latitude == pytest.approx(-33.856667, abs=1e-6)
    assert metadata.longitude == pytest.approx(151.21, abs=1e-6)
    assert metadata.keywords == ("sea", "été")
    assert metadata.caption == "A dog"


def test_a_photo_without_metadata():
    assert read_metadata(photo()) == Metadata()
    assert read_metadata(b"no photo at all") == Metadata()
    assert read_metadata(b"") == Metadata()


@pytest.mark.parametrize(
    ("tags", "shot", "captured"),
    [
        ({Base.DateTime: "2020:01:01 00:00:01"}, {}, "2020-01-01T00:00:01"),
        (
            {Base.DateTime: "2020:01:01 00:00:01"},
            {Base.DateTimeDigitized: "2019:01:01 00:00:01"},
            "2019-01-01T00:00:01",
        ),
        (
            {},
            {
                Base.DateTimeOriginal: "0000:00:00 00:00:00",
                Base.DateTimeDigitized: "2019:01:01 00:00:01",
            },
            "2019-01-01T00:00:01",
        ),
        (
            {},
            {Base.DateTimeOriginal: "2019:01:01 00:00:01", Base.OffsetTimeOriginal: "soon"},
            "2019-01-01T00:00:01",
        ),
        ({}, {Base.DateTimeOriginal: "2021:02:31 10:00:00"}, None),
        ({}, {Base.DateTimeOriginal: "    :  :     :  :  "}, None),
        ({}, {Base.DateTimeOriginal: 20210503}, None),
    ],
)
def test_the_first_valid_time_is_used(tags, shot, captured):
    assert read_metadata(photo(tags, shot)).captured == captured


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("NIKON CORPORATION", "NIKON D70", "NIKON D70"),
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("Canon\0\0", " Canon EOS R5 ", "Canon EOS R5"),
        ("", "D70", "D70"),
        ("Leica", "", "Leica"),
        (" \x1c ", "D70", "D70"),
        ("", "", None),
    ],
)
def test_the_maker_is_named_once(make, model, camera):
    assert read_metadata(photo({Base.Make: make, Base.Model: model})).camera == camera


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((91.0, 0.0, 0.0), (10.0, 0.0, 0.0)),
        ((10.0, 0.0, 0.0), (181.0, 0.0, 0.0)),
        ((IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0)), (10.0, 0.0, 0.0)),
        (10.0, (10.0, 0.0, 0.0)),
    ],
)
def test_invalid_positions_are_left_out(latitude, longitude):
    gps = {
        GPS.GPSLatitude: latitude,
        GPS.GPSLatitudeRef: "N",
        GPS.GPSLongitude: longitude,
        GPS.GPSLongitudeRef: "E",
    }
    metadata = read_metadata(photo({Base.Make: "Leica"}, gps=gps))
    assert (metadata.latitude, metadata.longitude) == (None, None)
    assert metadata.camera == "Leica"


def test_the_equator_is_valid():
    gps = {
        GPS.GPSLatitude: (0.0, 0.0, 0.0),
        GPS.GPSLatitudeRef: "N",
        GPS.GPSLongitude: (78.0, 27.0, 0.0),
        GPS.GPSLongitudeRef: "W",
    }
    metadata = read_metadata(photo(gps=gps))
    assert (metadata.latitude, metadata.longitude) == (0.0, pytest.approx(-78.45))


@pytest.mark.parametrize(
    ("comment", "caption"),
    [
        (b"ASCII\0\0\0A dog\0", "A dog"),
        (b"UNICODE\0" + "Été".encode("utf-16-be"), "Été"),
        (b"\0" * 8 + "Été".encode(), "Été"),
        (b"\0" * 64, None),
        (b"A dog", None),
    ],
)
def test_comments_name_their_encoding(comment, caption):
    assert read_metadata(photo(shot={Base.UserComment: comment})).caption == caption


def test_keywords_of_windows():
    keywords = "dog;  red ball;\0".encode("utf-16-le")
    assert read_metadata(photo({Base.XPKeywords: keywords})).keywords == ("dog", "red ball")


def test_text_is_utf_8_if_valid():
    for encoding in ("utf-8", "latin-1"):
        tags = {Base.ImageDescription: "Été".encode(encoding)}
        assert read_metadata(photo(tags)).caption == "Été"


def test_long_captions_are_cut():
    assert len(read_metadata(photo({Base.ImageDescription: "x" * 9999})).caption) == 2000


def test_iptc():
    data = iptc(
        (25, b"dog"),
        (25, "été".encode()),
        (25, "été".encode("latin-1")),
        (55, b"20210503"),
        (60, b"101112+0200"),
        (120, b"A dog"),
    )
    metadata = read_metadata(data)
    assert metadata.captured == "2021-05-03T10:11:12+02:00"
    assert metadata.keywords == ("dog", "été")
    assert metadata.caption == "A dog"
    assert read_metadata(iptc((55, b"20210503"))).captured == "2021-05-03T00:00:00"
    assert read_metadata(iptc((55, b"20210503"), (60, b"noon"))).captured == "2021-05-03T00:00:00"
    assert read_metadata(iptc((60, b"101112"))).captured is None
    assert read_metadata(iptc((25, b""))).keywords == ()
    assert read_metadata(iptc((25, b""), (25, b"dog"), (120, b""))).keywords == ("dog",)


@pytest.mark.parametrize("kind", [7, 4])
@pytest.mark.parametrize("datasets", [[b"", b"dog", b""], [b""]])
def test_empty_iptc_in_a_tiff(kind, datasets):
    """As cameras write it into their RAW files, which are TIFFs: as bytes or as numbers."""
    block = b"".join(struct.pack(">BBBH", 28, 2, 25, len(v)) + v for v in datasets)
    block += b"\0" * (-len(block) % 4)
    tags = ImageFileDirectory_v2()
    tags.tagtype[33723] = kind
    tags[33723] = block if kind == 7 else struct.unpack(f"<{len(block) // 4}L", block)
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "TIFF", tiffinfo=tags)
    keywords = read_metadata(buffer.getvalue()).keywords
    assert keywords in ((), ("dog",))
    assert keywords or kind == 4 or datasets == [b""]


@pytest.mark.parametrize("reader", ["iptc_metadata", "exif_of", "exif_metadata", "xmp_metadata"])
def test_what_no_part_is_known_to_raise_leaves_out_that_part(monkeypatch, caplog, reader):
    def fail(*_):
        raise AssertionError("nobody thought of it")

    data = photo({Base.Model: "Leica"}, xmp=xmp(WORDS, 'photoshop:City="Rome"'))
    whole = read_metadata(data)
    assert whole.camera
    assert whole.keywords
    monkeypatch.setattr(metadata, reader, fail)
    found = read_metadata(data)
    assert bool(found.camera) != reader.startswith("exif")
    assert bool(found.keywords) != (reader == "xmp_metadata")
    assert "nobody thought of it" in caplog.text
    assert "Traceback" not in caplog.text


def test_lack_of_memory_is_not_taken_for_damage(monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(metadata, "exif_of", fail)
    with pytest.raises(MemoryError):
        read_metadata(photo())


def test_xmp_as_elements_and_as_attributes():
    elements = xmp(
        WORDS + CAPTION + "<exif:DateTimeOriginal>2021-05-03T10:11:12.25+02:00"
        "</exif:DateTimeOriginal><exif:GPSLatitude>33,51.4S</exif:GPSLatitude>"
        "<exif:GPSLongitude>151,12,36E</exif:GPSLongitude>"
    )
    attributes = xmp(
        WORDS + CAPTION,
        'exif:DateTimeOriginal="2021-05-03T10:11:12+02:00" exif:GPSLatitude="33,51.4S"'
        ' exif:GPSLongitude="151,12,36E"',
    )
    for packet in (elements, attributes):
        metadata = read_metadata(photo(xmp=packet))
        assert metadata.captured == "2021-05-03T10:11:12+02:00"
        assert metadata.latitude == pytest.approx(-33.856667, abs=1e-6)
        assert metadata.longitude == pytest.approx(151.21)
        assert metadata.keywords == ("sea", "été")
        assert metadata.caption == "On the beach"


def test_a_scan_keeps_the_date_that_its_owner_gave_it():
    packet = xmp("", 'photoshop:DateCreated="1962-07-01"')
    data = photo({Base.DateTime: "2020:01:01 00:00:01"}, xmp=packet)
    assert read_metadata(data).captured == "1962-07-01T00:00:00"


def test_the_sidecar_takes_precedence():
    data = photo(
        {Base.ImageDescription: "From the camera", Base.Model: "D70"},
        {Base.DateTimeOriginal: "2021:05:03 10:11:12"},
        xmp=xmp("<dc:subject><rdf:Bag><rdf:li>inside</rdf:li></rdf:Bag></dc:subject>"),
    )
    assert read_metadata(data).keywords == ("inside",)
    metadata = read_metadata(data, xmp(WORDS + CAPTION))
    assert metadata.keywords == ("sea", "été")
    assert metadata.caption == "On the beach"
    assert metadata.captured == "2021-05-03T10:11:12"
    assert metadata.camera == "D70"


@pytest.mark.parametrize(
    "sidecar",
    [
        b"",
        b"not XML",
        xmp(WORDS)[:-40],
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        xmp(WORDS).replace(b"<x:xmpmeta", b"<!DOCTYPE x:xmpmeta><x:xmpmeta"),
        xmp(WORDS.replace("<dc:", f'<dc:subject xmlns:x="{"u" * 999}"/><dc:', 1)),
        b"<a>" * 200_000,
        xmp(WORDS) + b" " * (5 << 20) + b"<a/>",
    ],
)
def test_a_damaged_sidecar_is_ignored(sidecar):
    assert read_metadata(photo({Base.Model: "D70"}), sidecar) == Metadata(camera="D70")


LIGHTROOM = """<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:crs="http://ns.adobe.com/camera-raw/1.0/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
    dc:format="image/jpeg" exif:DateTimeOriginal="2021-05-03T10:11:12">
   <xmpMM:History><rdf:Seq><rdf:li stEvt:action="saved" stEvt:changed="/"/></rdf:Seq>
   </xmpMM:History>
   <dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>Normandy</rdf:li></rdf:Bag></dc:subject>
   <lr:hierarchicalSubject><rdf:Bag><rdf:li>places|Normandy</rdf:li></rdf:Bag>
   </lr:hierarchicalSubject>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">At the sea</rdf:li>
   </rdf:Alt></dc:description>
   <crs:Look><rdf:Description crs:Name="Colour"/></crs:Look>
  </rdf:Description></rdf:RDF></x:xmpmeta>"""
DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:darktable="http://darktable.sf.net/"
   exif:DateTimeOriginal="2021:05:03 10:11:12" darktable:xmp_version="5">
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">At the sea</rdf:li>
   </rdf:Alt></dc:description>
   <dc:subject>
    <rdf:Seq>
     <rdf:li>sea</rdf:li>
     <rdf:li>Normandy</rdf:li>
    </rdf:Seq>
   </dc:subject>
   <darktable:history><rdf:Seq><rdf:li darktable:num="0" darktable:params="g"/></rdf:Seq>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"""
DIGIKAM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:digiKam="http://www.digikam.org/ns/1.0/">
   <digiKam:TagsList><rdf:Seq><rdf:li>places/Normandy</rdf:li></rdf:Seq></digiKam:TagsList>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:DateTimeOriginal="2021-05-03T10:11:12">
   <dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>Normandy</rdf:li></rdf:Bag></dc:subject>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">At the sea</rdf:li>
   </rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


@pytest.mark.parametrize("sidecar", [LIGHTROOM, DARKTABLE, DIGIKAM])
def test_what_editors_write_is_read(sidecar):
    assert xmp_metadata(sidecar.encode()) == Metadata(
        captured="2021-05-03T10:11:12", keywords=("sea", "Normandy"), caption="At the sea"
    )


def test_nested_descriptions_do_not_multiply():
    def subject(items: str) -> str:
        return f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>"

    def nested(levels: int) -> str:
        item = f"<rdf:li>{subject('<rdf:li>inner</rdf:li>')}</rdf:li>"
        for _ in range(levels):
            inner = f"<rdf:Description>{subject(2 * item)}</rdf:Description>"
            item = f"<rdf:li>{inner}</rdf:li>"
        return subject(item)

    assert xmp_metadata(xmp(WORDS + nested(8))).keywords == ("sea", "été")
    assert xmp_metadata(xmp(nested(1) + WORDS)).keywords == ("sea", "été")


def test_what_is_kept_of_keywords_is_bounded():
    def words(count: int, length: int) -> tuple[str, ...]:
        items = "".join(f"<rdf:li>{n:06d}{'é' * (length - 6)}</rdf:li>" for n in range(count))
        return xmp_metadata(xmp(f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>")).keywords

    assert len(words(5000, 6)) == 1000
    assert {len(word) for word in words(3, 999)} == {200}
    assert 10 < len(words(1000, 200)) < 100
    doubled = "".join(f"<rdf:li>{n % 3}</rdf:li>" for n in range(5000))
    packet = xmp(f"<dc:subject><rdf:Bag>{doubled}</rdf:Bag></dc:subject>")
    assert xmp_metadata(packet).keywords == ("0", "1", "2")


def test_a_record_is_bounded_whatever_a_photo_holds():
    text = "\U0001f40b" * 70_000
    items = "".join(f"<rdf:li>{n}{text[:500]}</rdf:li>" for n in range(1500))
    packet = xmp(
        f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>"
        f"<dc:description>{text}</dc:description>"
    )
    data = photo({Base.Make: "m" * 20_000, Base.Model: "x" * 20_000})
    assert len(json.dumps(asdict(read_metadata(data, packet)))) < 60_000
    words = ("k;" + text[:9000]).encode("utf-16-le")
    in_exif = photo({Base.Model: "m" * 20_000, Base.XPKeywords: words})
    assert len(json.dumps(asdict(read_metadata(in_exif)))) < 10_000
    assert read_metadata(in_exif).camera == "m" * 200
    press = iptc(*((25, f"{n}".encode()) for n in range(5000)), (120, b"c" * 9000))
    assert len(read_metadata(press).keywords) == 1000
    assert len(read_metadata(press).caption or "") == 2000


def test_lone_surrogates_are_not_kept():
    data = photo({Base.XPKeywords: b"\x3d\xd8"})
    assert all(word.encode() for word in read_metadata(data).keywords)


def test_a_long_history_costs_no_keywords():
    history = "<dc:source><rdf:Seq>" + "<rdf:li/>" * 300_000 + "</rdf:Seq></dc:source>"
    assert xmp_metadata(xmp(WORDS + history)).keywords == ("sea", "été")
