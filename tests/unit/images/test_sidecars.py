"""Keywords written into sidecars: read back, and everything else as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photofind.errors import LibraryError
from photofind.images.sidecars import with_keywords, write_keywords
from photofind.images.xmp import xmp_metadata

# As darktable writes them.
DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:darktable="http://darktable.sf.net/"
   xmp:Rating="4" darktable:history_end="3&#10;>">
   <!-- a note -->
   <dc:subject>
    <rdf:Bag>
     <rdf:li>sea &amp; sky</rdf:li>
     <rdf:li>Dog</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>animals|dog</rdf:li>
     <rdf:li>sea &amp; sky</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <darktable:history>
    <rdf:Seq>
     <rdf:li darktable:operation="exposure" darktable:params="00\u00e9"/>
    </rdf:Seq>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
# As Lightroom writes them: one description, all in attributes.
LIGHTROOM = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF'
    ' xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description r:about=""'
    ' xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:Exposure2012="+0.50"/></r:RDF>'
    "</x:xmpmeta>"
)


def keywords(packet: bytes) -> tuple[str, ...]:
    return xmp_metadata(packet).keywords


def test_keywords_are_replaced_in_every_list_and_the_rest_stays() -> None:
    changed = with_keywords(DARKTABLE.encode(), ["red <bus>"], ["dog"], ["ignored"])
    assert keywords(changed) == ("sea & sky", "red <bus>")
    text = changed.decode()
    before, after = DARKTABLE.index("<dc:subject>"), DARKTABLE.index("<darktable:history>")
    assert text.startswith(DARKTABLE[:before])
    assert text.endswith(DARKTABLE[after:])
    assert "animals|dog" not in text


def test_what_is_there_already_changes_nothing() -> None:
    assert with_keywords(DARKTABLE.encode(), ["DOG"], ["cat"], []) == DARKTABLE.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_an_empty_description_gets_them_in_its_own_encoding(encoding: str) -> None:
    changed = with_keywords(LIGHTROOM.encode(encoding), ["h\u00e9ron"], [], ["known"])
    assert keywords(changed) == ("known", "h\u00e9ron")
    assert 'crs:Exposure2012="+0.50">' in changed.decode(encoding)
    again = with_keywords(changed, ["more"], ["known"], [])
    assert keywords(again) == ("h\u00e9ron", "more")


def test_all_may_go() -> None:
    changed = with_keywords(LIGHTROOM.encode(), ["a"], [], [])
    assert keywords(with_keywords(changed, [], ["A"], [])) == ()


@pytest.mark.parametrize(
    "packet",
    [
        b"no xml",
        b'<!DOCTYPE x [<!ENTITY e "e">]>' + LIGHTROOM.encode(),
        LIGHTROOM.replace("r:Description", "r:Other").encode(),
        LIGHTROOM.encode()[:-20],
        "<a>\u00e9</a>".encode("latin-1"),
        LIGHTROOM.replace(
            "crs:Exp", 'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:subject="a" crs:Exp'
        ).encode(),
    ],
)
def test_what_cannot_be_changed_safely_is_left(packet: bytes, tmp_path: Path) -> None:
    sidecar = tmp_path / "a.jpg.xmp"
    sidecar.write_bytes(packet)
    with pytest.raises(LibraryError, match="was left as it is"):
        write_keywords(tmp_path / "a.jpg", ["dog"], [], [])
    assert sidecar.read_bytes() == packet
    assert [*tmp_path.iterdir()] == [sidecar]


def test_a_new_sidecar_has_the_keywords_of_the_photo_too(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"a photo")
    sidecar = write_keywords(photo, ["dog"], ["Cat"], ["sea", "cat"])
    assert sidecar == tmp_path / "a.jpg.xmp"
    assert keywords(sidecar.read_bytes()) == ("sea", "dog")
    assert photo.read_bytes() == b"a photo"


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither such links nor such permissions")
def test_a_sidecar_keeps_its_place_and_its_permissions(tmp_path: Path) -> None:
    kept = tmp_path / "kept.xmp"
    kept.write_text(LIGHTROOM)
    kept.chmod(0o640)
    (tmp_path / "a.xmp").symlink_to(kept)
    assert write_keywords(tmp_path / "a.jpg", ["dog"], [], []) == tmp_path / "a.xmp"
    assert (tmp_path / "a.xmp").is_symlink()
    assert keywords(kept.read_bytes()) == ("dog",)
    assert kept.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("text", ["a\x01b", "a\x00b", "a\x0bb\ufffe"])
def test_what_no_xml_may_hold_is_left_out(text: str) -> None:
    changed = with_keywords(DARKTABLE.encode(), [text], [], [])
    assert ["a", "b"] in [one.split() for one in keywords(changed)]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("<dc:subject>dog</dc:subject>", "are text"),
        ("<dc:subject><rdf:Bag>dog</rdf:Bag></dc:subject>", "are text"),
        (
            "<dc:subject><rdf:Bag><rdf:li rdf:parseType='Resource'><rdf:value>dog</rdf:value>"
            "</rdf:li></rdf:Bag></dc:subject>",
            "have parts of their own",
        ),
    ],
)
def test_keywords_that_are_no_list_are_not_replaced(subject: str, reason: str) -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"{subject}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    with pytest.raises(ValueError, match=reason):
        with_keywords(packet.encode(), ["sea"], [], [])
