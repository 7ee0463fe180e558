"""The page's files, and its own routes."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from fake_operations import FakeOperations
from fastapi.testclient import TestClient

from photofind.daemon.api import create_api
from photofind.daemon.context import ApiContext
from photofind.errors import DesktopError
from photofind.model import Failure, Overview, Trashing, Untrashing
from photofind.model.references import PhotoNotFoundError
from photofind.web.pages import CONTENT_SECURITY_POLICY

ODD = os.fsdecode(b"/photos/<b>'\"\n%25#&+ \xff.jpg")


def photo(photo: int | str) -> Any:
    if photo != ODD:
        raise PhotoNotFoundError(f"there is no photo {photo} in the library")
    return SimpleNamespace(id=7)


def open_photo(photo: int) -> None:
    raise DesktopError("nothing opens it", "install something")


@pytest.fixture
def library() -> FakeOperations:
    return FakeOperations(
        photo=photo,
        overview=Overview(3, ((ODD, 3),), (("2021-05", 3),)),
        thumbnail_of=b"\xff\xd8\xff",
        open=open_photo,
        trash=Trashing((1,), (Failure(ODD, "it is not there"),), "0" * 32),
        untrash=Untrashing((ODD,)),
    )


@pytest.fixture
def client(library: FakeOperations) -> TestClient:
    access: Any = SimpleNamespace(is_named=lambda path: "secret" not in path)
    unused: Any = None
    return TestClient(create_api(ApiContext(library, unused, access, unused)))


class Elements(HTMLParser):
    """Records all elements with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def __getitem__(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_the_page_forbids_everything_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    elements = Elements(answer.text)
    assert elements["style"] == []
    for tag, attributes in elements.found:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "/").startswith(("/", "#")), (tag, attributes)
    assert all(script.get("src") for script in elements["script"])


def test_references_of_the_page_exist(client: TestClient) -> None:
    elements = Elements(client.get("/").text)
    ids = {attributes["id"] for _, attributes in elements.found if "id" in attributes}
    assert len(ids) == len([1 for _, attributes in elements.found if "id" in attributes])
    for tag, attributes in elements.found:
        for name in ("for", "aria-labelledby", "aria-describedby", "list"):
            if tag != "output" or name != "for":
                assert set((attributes.get(name) or "").split()) <= ids, (tag, attributes)
        if tag == "use":
            assert (attributes["href"] or "").removeprefix("#") in ids
    addresses = [
        address
        for _, attributes in elements.found
        for address in (attributes.get("src"), attributes.get("href"))
        if address and address.startswith("/static/")
    ]
    assert len(addresses) > 10
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
        kind = kinds[address.rpartition(".")[2]]
        assert answer.headers["content-type"].split(";")[0] == kind


STATIC = Path(__file__).parents[3] / "photofind" / "web" / "static"


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_modules_do_not_parse_html_and_refer_to_existing_elements(
    path: Path, client: TestClient
) -> None:
    code = path.read_text("utf-8")
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                   "new Function", "DOMParser", "setHTML", "javascript:"):  # fmt: skip
        assert danger not in code, danger
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", code)
    for name in re.findall(r'from "\./([^"]+)"', code):
        assert (STATIC / name).is_file(), name
    ids = {one["id"] for _, one in Elements(client.get("/").text).found if "id" in one}
    for name in re.findall(r'byId\("([a-z-]+)"\)', code):
        assert name in ids, name
    for name in re.findall(r'icon(?:\(|: )"([a-z]+)"', code):
        assert f"i-{name}" in ids, name


@pytest.mark.parametrize(
    "address",
    [
        "/static/0/page.css",
        "/static/../pages.py",
        "/static/{}/../pages.py",
        "/static/{}/page.css.bak",
        "/static/{}/%2e%2e%2fpages.py",
        "/static/{}/",
    ],
)
def test_nothing_else_is_served(client: TestClient, address: str) -> None:
    stamp = re.search(r"/static/([0-9a-f]+)/", client.get("/").text)
    assert stamp
    assert client.get(address.format(stamp.group(1))).status_code == 404


def test_photos_are_opened_and_shown(client: TestClient, library: FakeOperations) -> None:
    assert client.post("/api/photos/5/reveal").status_code == 204
    answer = client.post("/api/photos/5/open")
    assert (answer.status_code, answer.json()["error"]["message"]) == (409, "nothing opens it")
    assert library.asked == [("reveal", 5), ("open", 5)]
    for number in ("-1", "x", "1.5", str(2**70)):
        assert client.post(f"/api/photos/{number}/open").status_code == 422


def test_photos_are_moved_to_the_trash_and_back(
    client: TestClient, library: FakeOperations
) -> None:
    answer = client.post("/api/photos/trash", json={"ids": [1, 2]})
    assert answer.json() == {
        "trashed": [1],
        "failures": [
            {
                "path": ODD,
                "reason": "it is not there",
                "extractor": None,
                "retry": None,
                "is_note": False,
            }
        ],
        "undo": "0" * 32,
    }
    assert answer.text.isascii()
    answer = client.post("/api/photos/untrash", json={"undo": "0" * 32})
    assert answer.json() == {"restored": [ODD], "failures": [], "undo": None}
    assert library.asked == [("trash", ((1, 2), ())), ("untrash", "0" * 32)]


@pytest.mark.parametrize(
    "body", [{"undo": 5}, {"ids": []}, {"ids": ["1"]}, {"ids": [True]}, {"ids": [1], "more": 1},
             {"ids": list(range(10_001))}, [], {"ids": "12"}, {"ids": [1.0]}],
)  # fmt: skip
def test_invalid_requests_move_nothing(
    client: TestClient, library: FakeOperations, body: Any
) -> None:
    assert client.post("/api/photos/trash", json=body).status_code == 422
    assert client.post("/api/photos/untrash", json=body).status_code == 422
    assert library.asked == []


@pytest.mark.parametrize("encode", [quote, lambda path: quote(path).replace("%20", "+")])
def test_paths_are_bytes(client: TestClient, library: FakeOperations, encode: Any) -> None:
    path = encode(os.fsencode(ODD))
    assert client.get(f"/api/number?path={path}").json() == {"id": 7}
    assert client.get("/api/number?path=/else.jpg").json() == {"id": None}
    answer = client.get(f"/api/thumbnail?size=64&path={path}")
    assert answer.content == b"\xff\xd8\xff"
    assert answer.headers["content-type"] == "image/jpeg"
    assert client.get(f"/api/overview?folder={path}").json()["folders"] == [[ODD, 3]]
    client.get("/api/overview")
    asked = [one for one in library.asked if one[0] != "photo"]
    assert asked == [("thumbnail_of", (ODD, 64)), ("overview", ODD), ("overview", None)]
    for wrong in ("", "?path=", "?path=a.jpg", "?path=..%2Fa.jpg", "?path=%2Fa%00b",
                  "?path=%2Fsecret.jpg"):  # fmt: skip
        assert client.get(f"/api/thumbnail{wrong}").status_code == 409
    assert client.get("/api/thumbnail?path=/a&size=5000").status_code == 422


def test_folders_are_suggested(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Photos", "photographs", "papers", ".photos", os.fsdecode(b"photos \xff")):
        (tmp_path / name).mkdir()
    (tmp_path / "photo.jpg").touch()

    def suggested(typed: str) -> list[str]:
        answer = client.get(f"/api/folders/suggestions?path={quote(os.fsencode(typed))}")
        return [os.path.basename(path) for path in answer.json()["folders"]]  # noqa: PTH119

    assert suggested(f"{tmp_path}/pho") == ["Photos", "photographs", os.fsdecode(b"photos \xff")]
    assert suggested(f"{tmp_path}/.ph") == [".photos"]
    assert len(suggested(f"{tmp_path}/")) == 4
    assert suggested(f"{tmp_path}/Photos/") == []
    assert suggested(f"{tmp_path}/nowhere/x") == []
    monkeypatch.setenv("HOME", str(tmp_path))
    answer = client.get("/api/folders/suggestions").json()
    assert answer["home"] == str(tmp_path)
    assert str(tmp_path) in answer["folders"]
    assert suggested("~/pap") == ["papers"]
