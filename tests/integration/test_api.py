"""The daemon's API over real sockets: what it answers, and what it never gives."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from PIL import Image
from served_library import TOKEN, Served, jpeg, serving, wait_for
from waiting import patience

from photofind.daemon import requests, streams, uploads
from photofind.errors import ImageError, LockedError, NewerFormatError, WorkerCrashedError
from photofind.model import Event, Progress
from photofind.paths import Home

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def served(home: Home) -> Iterator[Served]:
    with serving(home) as served:
        yield served


class Reply:
    """A status, the headers, and the body of an answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)

    @property
    def error(self) -> tuple[str, str]:
        return self.json["error"]["type"], self.json["error"]["message"]


def ask(
    served: Served, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> Reply:
    """Ask with the token, unless the headers say otherwise; objects are sent as JSON."""
    sent = {"Authorization": f"Bearer {TOKEN}"}
    if body is not None and not isinstance(body, bytes):
        body, sent = json.dumps(body).encode(), sent | JSON
    sent |= headers or {}
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=patience(30))) as connection:
        connection.request(method, path, body, {k: v for k, v in sent.items() if v})
        answer = connection.getresponse()
        answer_headers = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, answer_headers, answer.read())


def send(served: Served, data: bytes) -> bytes:
    """Send bytes as they are; return the head of the answer."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=patience(20)) as connection:
        connection.sendall(data)
        answer = b""
        while b"\r\n\r\n" not in answer and (piece := connection.recv(65536)):
            answer += piece
    return answer


def head_of(served: Served, path: str, size: int) -> bytes:
    """Return the head of a request whose body is so large."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {size}\r\n\r\n"
    ).encode()


# What is answered.


def test_every_operation_reaches_the_library(served: Served, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg())
    served.library.put(photo)
    folder = str(tmp_path)
    assert ask(served, "GET", "/api/status").json["photos"] == 2
    assert (
        ask(served, "POST", "/api/folders", {"path": folder, "excludes": ["*.png"]}).status == 204
    )
    assert ask(served, "GET", "/api/folders").json[0]["excludes"] == ["*.png"]
    covers = ask(served, "GET", f"/api/folders/covers?path={quote(folder)}")
    assert covers.json == {"covers": True}
    assert ask(served, "POST", "/api/folders/remove", {"path": folder}).json == {"removed": 2}
    assert ask(served, "GET", "/api/photos/1").json["camera"] == "Canon EOS"
    assert ask(served, "GET", f"/api/photos?path={quote(str(photo))}").json[0]["id"] == 1
    query = f"/api/photos?folder={quote(folder)}&since=2021&until=2022-05&offset=0&limit=5"
    query += "&tag=a%20b&tag=c"
    assert [one["id"] for one in ask(served, "GET", query).json] == [1]
    assert ("photos", (folder, "2021", "2022-05", ("a b", "c"), 0, 5, None)) in served.library.asked
    assert ask(served, "GET", "/api/tags").json[0] == {
        "name": "seashore", "photos": 2, "extractors": ["mobilenet"], "keyword": False,
    }  # fmt: skip
    (tagged,) = ask(served, "GET", "/api/tagged?tag=sea&tag=DOG&limit=5").json
    tag = {"name": "seashore", "confidence": 0.8, "space": "mobilenet@1", "confirmed": False}
    assert tagged["tags"][0] == tag
    assert ("tagged", (("sea", "DOG"), 5)) in served.library.asked
    assert ask(served, "GET", "/api/duplicates").json[0]["similarity"] == 0.97
    assert ask(served, "GET", "/api/failures").json[0]["reason"] == "the file is empty"
    assert ask(served, "GET", "/api/extractors").json[0]["dimension"] == 1280
    assert ask(served, "GET", "/api/doctor").json[0]["state"] == "broken"
    assert ask(served, "POST", "/api/doctor/repair").json[0]["state"] == "repaired"
    assert ask(served, "POST", "/api/pause").status == 204
    assert ask(served, "POST", "/api/pause", {"seconds": 7200}).status == 204
    assert [asked for asked in served.library.asked if asked[0] == "pause"] == [
        ("pause", None),
        ("pause", 7200),
    ]
    assert ask(served, "POST", "/api/resume").status == 204
    assert ask(served, "PUT", "/api/settings/hits", {"value": "5"}).json == {"value": 5}
    settings = ask(served, "GET", "/api/settings").json
    assert [one["value"] for one in settings if one["name"] == "hits"] == [5]
    assert ask(served, "DELETE", "/api/settings/hits").json == {"value": 20}


def test_a_hit_of_an_upload_is_explained(served: Served, tmp_path: Path) -> None:
    photo = tmp_path / "one.jpg"
    photo.write_bytes(jpeg())
    known = served.library.put(photo)
    upload = ask(served, "POST", "/api/uploads", jpeg(color="red")).json["upload"]
    told = ask(served, "POST", "/api/explain", {"query": upload, "hit": known.id}).json
    assert told["query"] == {"path": upload, "id": None}
    assert told["hit"] == {"path": str(photo), "id": known.id}
    assert told["notes"] == ["about the picture that was sent"], "no path of ours is told"
    assert told["parts"][0]["note"] == "so says the picture that was sent"
    told = ask(served, "POST", "/api/explain", {"query": known.id, "hit": str(photo)}).json
    assert told["query"]["id"] == known.id


def test_a_query_may_name_paths_numbers_and_uploads(served: Served, tmp_path: Path) -> None:
    one, other = tmp_path / "one.jpg", tmp_path / "other.jpg"
    for path in (one, other):
        path.write_bytes(jpeg())
    served.library.put(other)
    upload = ask(served, "POST", "/api/uploads", jpeg(color="red")).json["upload"]
    answer = ask(
        served,
        "POST",
        "/api/similar",
        {
            "like": [str(one), 1, upload],
            "unlike": [str(other)],
            "limit": 1,
            "plain": True,
            "tags": ["sea"],
        },
    ).json
    assert answer["query"]["like"] == [str(one), str(other), upload], "no path of ours is told"
    assert [hit["path"] for hit in answer["hits"]] == [str(other)]
    (query,) = (argument for name, argument in served.library.asked if name == "similar")
    assert query.like[:2] == (str(one), 1)
    assert Path(query.like[2]).read_bytes() == jpeg(color="red")
    assert query.min_score is None, "the settings say it where the request does not"
    assert query.tags == ("sea",)
    assert query.plain
    assert not query.every


def test_what_is_not_there_is_said_so(served: Served, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.jpg")
    for method, path, body, status, kind in (
        ("GET", "/api/photos/7", None, 404, "LibraryError"),
        ("GET", "/api/photos/7/thumbnail", None, 404, "LibraryError"),
        ("GET", "/api/photos/7/file", None, 404, "LibraryError"),
        ("GET", f"/api/photos?path={missing}", None, 404, "LibraryError"),
        ("GET", f"/api/uploads/{'0' * 32}/thumbnail", None, 404, "LibraryError"),
        ("POST", "/api/similar", {"like": [7]}, 404, "LibraryError"),
        ("POST", "/api/similar", {"like": ["upload:" + "0" * 32]}, 404, "LibraryError"),
        ("POST", "/api/similar", {"like": ["upload:../../settings.toml"]}, 404, "LibraryError"),
        ("POST", "/api/explain", {"query": "upload:" + "0" * 32, "hit": 1}, 404, "LibraryError"),
        ("POST", "/api/explain", {"query": "/a.jpg"}, 422, "RequestError"),
        ("POST", "/api/similar", {"like": [missing]}, 422, "ImageError"),
        ("POST", "/api/folders", {"path": missing}, 409, "LibraryError"),
        ("PUT", "/api/settings/nonsense", {"value": "5"}, 422, "SettingsError"),
        ("GET", "/api/nonsense", None, 404, "RequestError"),
        ("GET", "/nonsense", None, 404, "RequestError"),
        ("DELETE", "/api/status", None, 405, "RequestError"),
    ):
        reply = ask(served, method, path, body)
        assert (reply.status, reply.error[0]) == (status, kind), (method, path)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ImageError("m", "h"), 422, "ImageError"),
        (LockedError("m", "h"), 423, "LockedError"),
        (NewerFormatError("m", "h"), 409, "NewerFormatError"),
        (WorkerCrashedError("m", "h", "its traceback"), 409, "WorkerCrashedError"),
        (FileNotFoundError(2, "No such file or directory", "/a/\udcff"), 409, "LibraryError"),
    ],
)
def test_errors_have_their_class_and_a_status(
    served: Served, error: Exception, status: int, kind: str
) -> None:
    served.library.error = error
    for method, path, body in (
        ("GET", "/api/status", None),
        ("GET", "/api/photos/1", None),
        ("POST", "/api/similar", {"like": ["/photo.jpg"]}),
        ("POST", "/api/resume", None),
    ):
        reply = ask(served, method, path, body)
        assert (reply.status, reply.error[0]) == (status, kind), (method, path)


def test_what_nobody_expected_is_logged_and_told_without_details(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.library.error = ZeroDivisionError("a secret")
    reply = ask(served, "GET", "/api/status")
    assert reply.status == 500
    assert reply.error[0] == "PhotofindError"
    assert b"secret" not in reply.body
    assert "ZeroDivisionError: a secret" in caplog.text
    served.library.error = None
    assert ask(served, "GET", "/api/status").status == 200


def test_answers_count_the_problems_of_the_library(served: Served) -> None:
    assert "photofind-problems" not in ask(served, "GET", "/api/folders").headers
    served.library.problems.append("the catalog is torn")
    assert ask(served, "GET", "/api/folders").headers["photofind-problems"] == "1"


# Requests that are not understood.


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/similar", {"like": []}),
        ("POST", "/api/similar", {"like": ["photo.jpg"]}),
        ("POST", "/api/similar", {"like": ["/a\0b"]}),
        ("POST", "/api/similar", {"like": ["/\ud800"]}),
        ("POST", "/api/similar", {"like": ["/" + "a" * 5000]}),
        ("POST", "/api/similar", {"like": [-1]}),
        ("POST", "/api/similar", {"like": [True]}),
        ("POST", "/api/similar", {"like": [1.5]}),
        ("POST", "/api/similar", {"like": [None]}),
        ("POST", "/api/similar", {"like": "/photo.jpg"}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "limit": 0}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "limit": 10**30}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "min_score": float("nan")}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "min_score": 2}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "since": "yesterday"}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "plain": "yes"}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "nonsense": 1}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "\ud800": 1}),
        ("POST", "/api/similar", {"like": ["/p.jpg"] * 101}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "tags": "dog"}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "tags": [" "]}),
        ("POST", "/api/similar", {"like": ["/p.jpg"], "tags": ["dog"] * 21}),
        ("GET", "/api/photos?tag=", None),
        ("GET", "/api/tagged", None),
        ("GET", "/api/tagged?tag=%00", None),
        ("POST", "/api/similar", None),
        ("POST", "/api/similar", b"{"),
        ("POST", "/api/similar", b"\xff\xfe{}"),
        ("POST", "/api/similar", b"[" * 100_000),
        ("POST", "/api/similar", b"9" * 10_000),
        ("POST", "/api/folders", {"path": "Pictures"}),
        ("POST", "/api/folders", {"path": "/a", "excludes": [1]}),
        ("POST", "/api/folders", {"path": ""}),
        ("POST", "/api/folders", []),
        ("POST", "/api/pause", {"seconds": -1}),
        ("POST", "/api/pause", {"seconds": float("inf")}),
        ("PUT", "/api/settings/hits", {"value": 5}),
        ("POST", "/api/links", {"path": "https://example.org/"}),
        ("POST", "/api/links", {"path": "//example.org/"}),
        ("POST", "/api/links", {"path": "/\\example.org/"}),
        ("GET", "/api/photos/one", None),
        ("GET", "/api/photos/-1", None),
        ("GET", "/api/photos/1e3", None),
        ("GET", f"/api/photos/{10**40}", None),
        ("GET", "/api/photos/1/thumbnail?size=100", None),
        ("GET", "/api/photos/1/thumbnail?size=", None),
        ("GET", "/api/photos?limit=-1", None),
        ("GET", "/api/photos?path=photo.jpg", None),
        ("GET", "/api/photos?path=%00", None),
        ("GET", "/api/photos?since=%FF", None),
        ("GET", "/api/photos?" + "&".join(f"a{n}=1" for n in range(200)), None),
        ("GET", "/api/folders/covers", None),
        ("GET", "/api/uploads/..%2F..%2Fsettings.toml/thumbnail", None),
        ("GET", "/api/uploads/nonsense/thumbnail", None),
        ("GET", "/api/evaluations/nonsense/report", None),
        ("GET", "/api/evaluations/..%2F..%2Fsettings.toml/report", None),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(
    served: Served, method: str, path: str, body: Any
) -> None:
    reply = ask(served, method, path, body, JSON)
    assert reply.status in (400, 404, 422)
    kind, message = reply.error
    assert kind == "RequestError"
    assert message
    assert "\n" not in message
    assert served.library.asked == []


def test_bodies_that_are_no_json_by_their_type_are_not_read_as_it(served: Served) -> None:
    body = json.dumps({"path": "/"}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        reply = ask(served, "POST", "/api/folders", body, {"Content-Type": kind})
        assert reply.status == 422, kind
    assert served.library.asked == []


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_names_that_are_not_utf8_come_and_go(served: Served, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/a\xff b%\n'\"#&+"
    Path(os.fsdecode(folder)).mkdir()
    photo = folder + b"/\xe9t\xe9.jpg"
    Path(os.fsdecode(photo)).write_bytes(jpeg())
    path = os.fsdecode(photo)
    served.library.put(Path(path))
    assert ask(served, "POST", "/api/folders", {"path": os.fsdecode(folder)}).status == 204
    covers = ask(served, "GET", f"/api/folders/covers?path={quote_from_bytes(folder)}")
    assert covers.json == {"covers": True}
    found = ask(served, "GET", f"/api/photos?path={quote_from_bytes(photo)}")
    assert found.json[0]["path"] == path
    assert found.body.isascii()
    answer = ask(served, "POST", "/api/similar", {"like": [path], "folder": os.fsdecode(folder)})
    assert answer.json["hits"][0]["path"] == path
    assert ask(served, "GET", "/api/photos/1/file").body == jpeg()
    missing = ask(served, "POST", "/api/similar", {"like": [path + "x"]})
    assert (path + "x") in missing.error[1]


def test_paths_are_made_straight(served: Served, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    ask(served, "POST", "/api/folders", {"path": f"{tmp_path}/b/..//a/./"})
    assert served.library.asked == [("add_folder", (str(tmp_path / "a"), ()))]


# The file of a photo.


def test_the_file_is_the_photo_and_can_be_had_in_parts(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "été 1.jpg"
    data = jpeg((800, 600))
    path.write_bytes(data)
    served.library.put(path)
    whole = ask(served, "GET", "/api/photos/1/file")
    assert whole.body == data
    assert whole.headers["content-type"] == "image/jpeg"
    assert whole.headers["content-disposition"] == "inline; filename*=UTF-8''%C3%A9t%C3%A9%201.jpg"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'; sandbox" in whole.headers["content-security-policy"]
    size = len(data)
    for wanted, start, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=5-{size + 5}", 5, size),
    ):
        part = ask(served, "GET", "/api/photos/1/file", headers={"Range": wanted})
        assert part.status == 206
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.body == data[start:end]
    for wanted in (f"bytes={size}-", "bytes=-0", "bytes=9-5"):
        assert ask(served, "GET", "/api/photos/1/file", headers={"Range": wanted}).status == 416
    for wanted in ("bytes=0-1,4-5", "lines=1-2", "bytes=a-b", "bytes=-", "bytes=" + "9" * 99 + "-"):
        reply = ask(served, "GET", "/api/photos/1/file", headers={"Range": wanted})
        assert (reply.status, reply.body) == (200, data), wanted
    tag = whole.headers["etag"]
    again = ask(served, "GET", "/api/photos/1/file", headers={"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")
    other = {"Range": "bytes=0-9", "If-Range": '"other"'}
    assert ask(served, "GET", "/api/photos/1/file", headers=other).body == data


def test_only_what_still_is_that_photo_is_given_away(served: Served, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    text = tmp_path / "text.jpg"
    text.write_text("the secret, called a photo")
    page = tmp_path / "page.jpg"
    page.write_text("<html>the secret</html>")
    drawing = tmp_path / "drawing.svg"
    drawing.write_text("<svg xmlns='http://www.w3.org/2000/svg'>the secret</svg>")
    link = tmp_path / "link.jpg"
    link.symlink_to(secret)
    map_text, bitmap_text = tmp_path / "text.ppm", tmp_path / "text.bmp"
    map_text.write_text("P6 is the secret, and this is a text that is long enough for a header")
    bitmap_text.write_text("BM is the secret, and this is a text that is long enough for a header")
    pipe = tmp_path / "pipe.jpg"
    if hasattr(os, "mkfifo"):
        os.mkfifo(pipe)
    failed = tmp_path / "failed.jpg"
    failed.write_bytes(jpeg())
    png = tmp_path / "now-a-jpeg.png"
    png.write_bytes(jpeg())
    numbers = [
        served.library.put(path, **details).id
        for path, details in (
            (text, {}),
            (page, {}),
            (page, {"format": ""}),
            (drawing, {"format": "SVG"}),
            (drawing, {"format": ""}),
            (link, {}),
            (map_text, {"format": "PPM"}),
            (map_text, {"format": ""}),
            (bitmap_text, {"format": "BMP"}),
            (bitmap_text, {"format": ""}),
            (pipe, {}),
            (tmp_path, {}),
            (tmp_path / "gone.jpg", {}),
            (failed, {"failure": "the file is empty"}),
            (png, {"format": "PNG"}),
            (Path("/proc/self/environ"), {}),
            (Path("/proc/self/environ"), {"format": ""}),
            (Path("/dev/zero"), {}),
            (Path("/etc/passwd"), {}),
        )
    ]
    for number in numbers:
        reply = ask(served, "GET", f"/api/photos/{number}/file")
        assert reply.status in (404, 409), served.library.details[number].path
        assert reply.error[0] == "LibraryError"
        assert b"the secret" not in reply.body
    for path in ("/api/photos/..%2F..%2Fetc%2Fpasswd/file", "/api/photos/../../etc/passwd"):
        assert ask(served, "GET", path).status in (404, 422)


def test_a_photo_behind_a_link_and_a_preliminary_one_are_given(
    served: Served, tmp_path: Path
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg())
    link = tmp_path / "link.jpg"
    link.symlink_to(path)
    served.library.put(link)
    served.library.put(path, format="", preliminary=True)
    for number in (1, 2):
        reply = ask(served, "GET", f"/api/photos/{number}/file")
        assert (reply.body, reply.headers["content-type"]) == (jpeg(), "image/jpeg")


@pytest.mark.parametrize(
    "format_name", ["PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM"]
)
def test_other_formats_have_their_own_types(
    served: Served, tmp_path: Path, format_name: str
) -> None:
    path = tmp_path / "photo"
    Image.new("RGB", (64, 64), "teal").save(path, format_name)
    served.library.put(path, format=format_name)
    reply = ask(served, "GET", "/api/photos/1/file")
    assert reply.body == path.read_bytes()
    assert reply.headers["content-type"].startswith("image/")
    assert "svg" not in reply.headers["content-type"]


def test_thumbnails_are_kept_by_the_browser(served: Served, tmp_path: Path) -> None:
    served.library.put(tmp_path / "photo.jpg")
    first = ask(served, "GET", "/api/photos/1/thumbnail?size=128")
    assert first.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(first.body)).size == (128, 64)
    assert first.headers["cache-control"].startswith("private")
    tag = {"If-None-Match": first.headers["etag"]}
    assert ask(served, "GET", "/api/photos/1/thumbnail?size=128", headers=tag).status == 304
    assert ask(served, "GET", "/api/photos/1/thumbnail", headers=tag).status == 200


def test_a_report_is_shown_and_can_do_nothing(served: Served) -> None:
    (record,) = ask(served, "GET", "/api/evaluations").json
    reply = ask(served, "GET", f"/api/evaluations/{record['id']}/report")
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.body.startswith(b"<!DOCTYPE html>")
    policy = reply.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "img-src data:", "sandbox", "frame-ancestors 'none'"} <= {*policy}
    assert not any("unsafe" in rule or "script" in rule for rule in policy)
    other = ask(served, "GET", "/api/evaluations/20240131T120000-00000000/report")
    assert other.status == 409
    assert "no such report" in other.error[1]


# Uploads.


def form(*parts: tuple[str, bytes], boundary: str = "xyz") -> tuple[bytes, dict[str, str]]:
    """Return a form of named parts, and the headers that go with it."""
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; name=%s; filename=a.jpg\r\n\r\n%s\r\n"
        % (boundary.encode(), name.encode(), data)
        for name, data in parts
    )
    kind = f"multipart/form-data; boundary={boundary}"
    return body + b"--%s--\r\n" % boundary.encode(), {"Content-Type": kind}


def kept(home: Home) -> list[Path]:
    folder = home.cache / "uploads"
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("size", [(64, 48), (2000, 1500)])
def test_an_upload_is_kept_privately_as_it_came(served: Served, size: tuple[int, int]) -> None:
    data = jpeg(size) + os.urandom(3_000_000 if size[0] > 64 else 0)
    body, headers = form(("other", b"1"), ("file", data), ("file", b"2"))
    for upload in (
        ask(served, "POST", "/api/uploads", data, {"Content-Type": "image/jpeg"}),
        ask(served, "POST", "/api/uploads", body, headers),
    ):
        number = upload.json["upload"].removeprefix("upload:")
        path = served.home.cache / "uploads" / number
        assert path.read_bytes() == data
        if os.name != "nt":
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.parent.stat().st_mode & 0o777 == 0o700
        small = ask(served, "GET", f"/api/uploads/{number}/thumbnail?size=128")
        assert max(Image.open(io.BytesIO(small.body)).size) <= 128
    assert len(kept(served.home)) == 2


def test_uploads_that_are_none_leave_nothing(served: Served) -> None:
    bodies = [
        (b"", {}),
        (b"", {"Content-Type": "multipart/form-data"}),
        (jpeg(), {"Content-Type": "multipart/form-data; boundary=xyz"}),
        (jpeg(), {"Content-Type": "multipart/form-data; boundary=" + "x" * 300}),
        form(("picture", jpeg())),
        form(("file", b"")),
        (form(("file", jpeg()))[0][:-20], form()[1]),
        (b"--xyz\r\n" + b"A: b\r\n" * 10_000, form()[1]),
        (b"--xyz\r\n" + b"A" * 100_000, form()[1]),
        (b"\0" * 1000, form()[1]),
    ]
    for body, headers in bodies:
        reply = ask(served, "POST", "/api/uploads", body, headers)
        assert reply.status == 422, body[:100]
        assert reply.error[0] == "RequestError"
    assert kept(served.home) == []


def test_large_uploads_are_refused_soon_and_by_what_is_sent(served: Served) -> None:
    object.__setattr__(served.library.settings, "max_megabytes", 1.0)
    promised = send(served, head_of(served, "/api/uploads", 10**11))
    assert promised.startswith(b"HTTP/1.1 413 ")

    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(50_000)

    with closing(HTTPConnection("127.0.0.1", served.port, timeout=patience(30))) as connection:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", "/api/uploads", chunks(), headers, encode_chunked=True)
        assert connection.getresponse().status == 413
    assert kept(served.home) == []
    body = json.dumps({"path": "/" + " " * 2_000_000}).encode()
    for path in ("/api/folders", "/api/photos/trash"):
        assert ask(served, "POST", path, body, JSON).status == 413
    assert ask(served, "GET", "/api/status").status == 200


def test_old_uploads_go(served: Served) -> None:
    ask(served, "POST", "/api/uploads", b"old")
    (old,) = kept(served.home)
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    names = [ask(served, "POST", "/api/uploads", b"new").json["upload"] for _ in range(51)]
    assert not old.exists()
    assert len(kept(served.home)) == 50
    assert (served.home.cache / "uploads" / names[-1].removeprefix("upload:")).exists()


def test_an_upload_goes_when_its_day_ends(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without another one, and what was not sent whole goes at the next start."""
    folder = home.cache / "uploads"
    folder.mkdir(parents=True)
    half, old, new = (folder / name for name in ("0" * 32 + ".part", "1" * 32, "2" * 32))
    for path, hours in ((half, 0), (old, 24), (new, 23)):
        path.write_bytes(jpeg())
        os.utime(path, (time.time() - hours * 3600,) * 2)
    with serving(home) as served:
        assert not half.exists()
        wait_for(lambda: not old.exists())
        assert new.exists()
        os.utime(new, (time.time() - 25 * 3600,) * 2)
        reply = ask(served, "GET", f"/api/uploads/{new.name}/thumbnail")
        assert (reply.status, reply.error[0]) == (404, "LibraryError")
    monkeypatch.setattr(uploads, "_LOOK_SECONDS", 0.05)
    os.utime(new, (time.time(),) * 2)
    with serving(home):
        os.utime(new, (time.time() - 25 * 3600,) * 2)
        wait_for(lambda: not new.exists())


def test_an_upload_that_stops_midway_leaves_nothing(served: Served) -> None:
    head = head_of(served, "/api/uploads", 1_000_000)
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head + bytes(600_000))
        wait_for(lambda: kept(served.home))
    wait_for(lambda: not kept(served.home))


def test_the_path_of_an_upload_is_not_told(served: Served) -> None:
    number = ask(served, "POST", "/api/uploads", b"no picture").json["upload"][7:]
    reply = ask(served, "GET", f"/api/uploads/{number}/thumbnail")
    assert reply.error == ("ImageError", "the picture that was sent is no picture")
    served.library.error = ImageError(f"{served.home.cache / 'uploads' / number} is bad")
    reply = ask(served, "POST", "/api/similar", {"like": [f"upload:{number}"]})
    assert reply.error == ("ImageError", "the picture that was sent is bad")


# Clients that misbehave.


def test_slow_bodies_hold_up_nobody_and_end(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_PATIENCE", 1.0)
    head = head_of(served, "/api/folders", 1000)
    slow = [
        socket.create_connection(("127.0.0.1", served.port), timeout=patience(20))
        for _ in range(60)
    ]
    for connection in slow:
        connection.sendall(head + b"{")
    assert ask(served, "GET", "/api/status").status == 200
    for connection in slow:
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
        connection.close()


def test_malformed_requests_are_answered_or_dropped(served: Served) -> None:
    head = f"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    for data in (
        b"\0\1\2\3\r\n\r\n",
        b"GET\r\n\r\n",
        head.encode() + b"Host: other\r\n\r\n",
        head.encode() + b"A: " + b"b" * 100_000 + b"\r\n\r\n",
        head.encode() + b"A: b\r\n" * 20_000 + b"\r\n",
        head.encode() + b"Content-Length: -1\r\n\r\n",
        head.encode() + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ):
        with suppress(ConnectionError):  # Closed while more was on its way.
            # A head that is too long may have come in one piece, and is understood then.
            assert send(served, data)[:13] in (b"HTTP/1.1 400 ", b"HTTP/1.1 401 ")
    assert ask(served, "GET", "/api/status").status == 200


def test_fifty_ask_at_once_while_queries_wait(served: Served) -> None:
    served.library.hold.clear()
    statuses: list[int] = []

    def query() -> None:
        statuses.append(ask(served, "POST", "/api/similar", {"like": [__file__]}).status)

    threads = [threading.Thread(target=query) for _ in range(50)]
    for thread in threads:
        thread.start()
    wait_for(lambda: sum(name == "similar" for name, _ in served.library.asked) == 4)
    assert ask(served, "GET", "/api/status").status == 200
    served.library.hold.set()
    for thread in threads:
        thread.join(patience(60))
    assert statuses == [200] * 50


# What goes on: indexing and events.


def lines_of(served: Served, body: dict[str, Any]) -> list[Any]:
    reply = ask(served, "POST", "/api/index", body)
    assert reply.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in reply.body.splitlines() if line]


def test_an_indexing_tells_how_far_it_is_and_what_came_of_it(served: Served) -> None:
    lines = lines_of(served, {"folders": ["/photos"], "retry_failed": True})
    assert list(lines[-1]) == ["report"]
    assert lines[-1]["report"]["notes"] == ["a note"]
    assert {key for line in lines[:-1] for key in line} <= {"progress"}
    assert ("index", (("/photos",), False, True, False, None)) in served.library.asked
    served.library.error = LockedError("it is locked", "wait")
    error = {"type": "LockedError", "message": "it is locked", "hint": "wait"}
    assert lines_of(served, {})[-1] == {"error": error}
    served.library.error = ZeroDivisionError()
    assert lines_of(served, {})[-1]["error"]["type"] == "PhotofindError"


def test_an_indexing_goes_on_without_its_client(served: Served) -> None:
    served.library.hold.clear()
    head = head_of(served, "/api/index", 2)
    with socket.create_connection(("127.0.0.1", served.port), timeout=patience(20)) as connection:
        connection.sendall(head + b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        wait_for(lambda: ("index", (None, False, False, False, None)) in served.library.asked)
    served.library.hold.set()
    wait_for(lambda: ("indexed", None) in served.library.asked)


def test_no_more_than_some_indexings_go_on(served: Served) -> None:
    served.library.hold.clear()
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(lines_of(served, {})[-1])) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(answers) == 4)
    assert all(answer["error"]["type"] == "RequestError" for answer in answers)
    served.library.hold.set()
    for thread in threads:
        thread.join(patience(60))
    assert sum("report" in answer for answer in answers) == 16


def test_who_waits_for_an_indexing_hears_from_the_server(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_INDEX_SECONDS", 0.05)
    served.library.hold.clear()
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=patience(30))) as connection:
        headers = {"Authorization": f"Bearer {TOKEN}"} | JSON
        connection.request("POST", "/api/index", b"{}", headers)
        answer = connection.getresponse()
        lines = [answer.readline()]
        while lines[-2:] != [b"\n", b"\n"]:
            lines.append(answer.readline())
        served.library.hold.set()
        assert b'{"report":' in answer.read()


class Listener:
    """Reads events in a thread."""

    def __init__(self, served: Served) -> None:
        self._connection = HTTPConnection("127.0.0.1", served.port, timeout=patience(60))
        self._connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {TOKEN}"})
        self._answer = self._connection.getresponse()
        assert self._answer.getheader("content-type", "").startswith("text/event-stream")
        self.first = self._answer.readline()
        self.lines: list[bytes] = []
        self.thread = threading.Thread(target=self._read, daemon=True)

    def read(self) -> None:
        self.thread.start()

    def close(self) -> None:
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(patience(60))
        self._connection.close()

    def _read(self) -> None:
        with suppress(HTTPException):  # Where the listener was closed.
            while line := self._answer.readline():
                self.lines.append(line)


def test_events_come_as_they_happen_until_the_server_stops(served: Served) -> None:
    listener = Listener(served)
    assert listener.first == b": events follow\n"
    listener.read()
    served.library.publish(Event("activity", Progress("reading photos", 1, 2)))
    wait_for(lambda: b"event: activity\n" in listener.lines)
    served.library.publish(Event("notice", {"topic": "offline", "text": "\udcff\nline"}))
    wait_for(lambda: b"event: notice\n" in listener.lines)
    served.server.stop()
    listener.thread.join(patience(60))
    events = [line for line in listener.lines if line.startswith((b"event", b"data"))]
    assert json.loads(events[1][5:])["total"] == 2
    assert json.loads(events[3][5:]) == {"topic": "offline", "text": "\udcff\nline"}
    assert events[4:] == [b"event: stopping\n", b"data: null\n"]
    assert served.library.subscribers == []


def test_a_slow_listener_gets_what_is_newest(served: Served) -> None:
    listener = Listener(served)
    # More than the buffers between the two hold.
    for number in range(200):
        served.library.publish(Event("activity", {"number": number, "padding": "x" * 100_000}))
        served.library.publish(Event("notice", {"number": number}))
    listener.read()
    wait_for(lambda: any(b'"number":199,' in line for line in listener.lines))
    numbers = [
        json.loads(line[5:])["number"]
        for line in listener.lines
        if line.startswith(b"data") and b"padding" in line
    ]
    assert numbers == sorted(numbers)
    assert len(numbers) < 200
    wait_for(lambda: b'data: {"number":199}\n' in listener.lines)
    listener.close()
    wait_for(
        lambda: (served.library.publish(Event("state", {})), not served.library.subscribers)[1]
    )


def test_a_listener_that_left_is_forgotten(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_EVENTS_SECONDS", 0.1)
    listener = Listener(served)
    listener.read()
    wait_for(lambda: b": nothing new\n" in listener.lines)
    listener.close()
    wait_for(lambda: not served.library.subscribers)


# The end.


def test_stop_ends_the_server_with_what_is_under_way(served: Served) -> None:
    listener = Listener(served)
    listener.read()
    served.library.hold.clear()
    indexing: list[Any] = []
    index = threading.Thread(target=lambda: indexing.extend(lines_of(served, {})))
    index.start()
    wait_for(lambda: ("index", (None, False, False, False, None)) in served.library.asked)
    assert ask(served, "POST", "/api/stop").status == 202
    served.thread.join(patience(60))
    assert not served.thread.is_alive()
    index.join(patience(60))
    assert indexing[-1]["error"]["type"] == "DaemonError"
    served.library.hold.set()
    with pytest.raises(ConnectionRefusedError):
        ask(served, "GET", "/api/status")


def test_a_query_that_never_ends_does_not_keep_the_server(served: Served) -> None:
    served.library.hold.clear()
    replies: list[Reply] = []

    def query() -> None:
        replies.append(ask(served, "POST", "/api/similar", {"like": [__file__]}))

    thread = threading.Thread(target=query)
    thread.start()
    wait_for(lambda: any(name == "similar" for name, _ in served.library.asked))
    served.server.stop()
    served.thread.join(patience(60))
    assert not served.thread.is_alive()
    served.library.hold.set()
    thread.join(patience(60))
    assert (replies[0].status, replies[0].error[0]) == (503, "DaemonError")


def test_a_server_may_be_stopped_before_it_serves(home: Home) -> None:
    from served_library import FakeLibrary

    from photofind.daemon.server import Server

    server = Server(FakeLibrary(home), TOKEN, home)
    server.stop()
    server.serve()
    server.stop()
