"""The page in a real Chromium: every action once, and its effect on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from chromium import ODD_NAMES, PATIENCE, Daemon, Page, chromium, make_album, until
from PIL import Image
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.select import Select
from skimage import data
from waiting import patience

from photofind.app.reports import keep_report, record_of
from photofind.daemon.lifecycle import stop
from photofind.settings import set_setting

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the daemon's desktop is Linux's")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def daemon(browser: Chrome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the album, started only if there is a browser."""
    root = tmp_path_factory.mktemp("gallery")
    running = Daemon(root).start()
    try:
        running.index(make_album(root / "album"))
        # An index that is built later changes the order of the hits, and one of a few photos waits
        # for minutes if the machine was too slow to read all of them before.
        command = [sys.executable, "-m", "photofind", "index", "--wait"]
        subprocess.run(command, env=running.environment, check=True)
        assert running.ask("GET", "/api/status")["search"]["path"] == "exact"
        yield running
    finally:
        running.stop()


@pytest.fixture
def album(daemon: Daemon) -> Path:
    return daemon.root / "album"


@pytest.fixture
def page(browser: Chrome, daemon: Daemon) -> Iterator[Page]:
    """The page; it must not log errors or request anything from other servers."""
    shown = Page(browser, daemon)
    shown.complaints()
    shown.requests()
    yield shown
    complaints, requests = shown.complaints(), shown.requests()
    shown.driver.get("about:blank")
    assert complaints == []
    elsewhere = [
        url for url in requests if not url.startswith((daemon.origin + "/", "blob:", "about:"))
    ]
    # The browser's new-tab page, before ours.
    assert [url for url in elsewhere if not url.startswith(("chrome:", "data:"))] == []


@pytest.fixture
def plain(daemon: Daemon) -> Iterator[Daemon]:
    """The same daemon; its settings are reset afterwards."""
    yield daemon
    for setting in daemon.ask("GET", "/api/settings"):
        if setting["value"] != setting["default"]:
            daemon.ask("DELETE", f"/api/settings/{setting['name']}")


def add_photo(daemon: Daemon, path: Path, rotation: int = 90) -> int:
    """Add a photo to the album, and wait until it is indexed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(data.rocket()).convert("RGB").rotate(rotation).resize((300, 300)).save(path)
    daemon.ask("POST", "/api/folders", {"path": str(daemon.root / "album")})
    until(lambda: daemon.knows(path), f"{path} in the library")
    return daemon.number(path)


# Browsing.


def test_without_a_query_all_photos_are_shown_by_time(page: Page, album: Path) -> None:
    page.open("/")
    page.says("#title", "All photos")
    names = page.hits()
    assert len(names) == len(page.daemon.ask("GET", "/api/photos?limit=1000"))
    headings = [heading.text for heading in page.all("#grid h2")]
    assert headings[-3:] == ["May 2021", "May 2020", "May 2019"]
    assert {"chelsea-original.jpg", "chelsea-small.jpg"} <= set(names[-9:])
    assert page.barriers() == []


def test_a_folder_and_a_year_are_chosen_and_removed(page: Page, album: Path) -> None:
    page.open("/").hits()
    page.click(f'#places a[title="{album}"]')
    page.click(f'#places a[title="{album}/2020"]')
    page.says("#title", "2020")
    assert {name.split("-")[0] for name in page.hits()} == {"astronaut", "rocket"}
    assert page.query == f"?folder={album}/2020"
    page.driver.back()
    page.says("#title", album.name)
    page.driver.forward()
    page.says("#title", "2020")
    page.driver.refresh()
    page.says("#title", "2020")
    until(lambda: len(page.hits()) == 8)
    page.click("#chips a")
    page.says("#title", "All photos")
    page.wait("#times a")
    year = next(link for link in page.all("#times > li > a") if "2021" in link.text)
    year.click()
    page.says("#title", "2021")
    assert {name.split("-")[0] for name in page.hits()} == {"camera", "coins"}
    page.click("#times .months a")
    page.says("#title", "May 2021")
    assert page.query == "?since=2021-05&until=2021-05"


def test_a_span_of_time_is_typed(page: Page, album: Path) -> None:
    page.open("/?until=2020").hits()
    assert page.script("return document.getElementById('until').value") == "2020-12-31"
    page.script(
        "const e = document.getElementById('since'); e.value = '2020-01-01';"
        "e.dispatchEvent(new Event('change'))"
    )
    # The filters are rebuilt in between.
    page.daemon.ask("POST", "/api/folders", {"path": str(album)})
    until(lambda: "since=2020-01-01" in page.query)
    until(lambda: {name.split("-")[0] for name in page.hits()} == {"astronaut", "rocket"})


def test_scrolling_shows_more(page: Page, daemon: Daemon) -> None:
    """With more photos than a page has; they are faked in answers of the daemon."""
    page.open("/").hits()
    page.script(
        """
        const photos = Array.from({length: 300}, (_, n) => ({
          id: 100000 + n, path: `/photos/${n}.jpg`, size: 1, modified: 1.7e18, width: 3, height: 2,
          captured: '2020-01-01', keywords: [], spaces: [], offline: false, preliminary: false}));
        const real = window.fetch;
        window.fetch = (address, ...rest) => {
          const asked = new URL(address, location.href);
          if (asked.pathname !== '/api/photos') return real(address, ...rest);
          const from = Number(asked.searchParams.get('offset'));
          return Promise.resolve(Response.json(photos.slice(from, from + 120)));
        };
        """
    )
    # They have no pictures.
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd(
        "Network.setBlockedURLs", {"urls": [f"*/api/photos/100{n}*" for n in range(3)]}
    )
    try:
        page.click("#places a")
        until(lambda: 0 < len(page.numbers()) <= 240 and page.numbers()[0] == 100000)
        until(
            lambda: (
                page.script("window.scrollTo(0, document.body.scrollHeight)")
                or len(page.numbers()) == 300
            )
        )
        page.says("#summary", "300 photos")
    finally:
        page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        page.complaints()


# Searching.


def test_find_similar_to_a_photo(page: Page, album: Path) -> None:
    page.open("/").hits()
    number = page.daemon.number(album / "2019/chelsea-original.jpg")
    page.hover(number)
    page.click(f'.card[data-id="{number}"] .like')
    page.says("#title", "Photos like this one")
    assert page.query == f"?like={number}"
    hits = page.hits()
    assert all(name.startswith("chelsea") for name in hits[:2])
    assert "chelsea-original.jpg" not in hits
    page.says("#like .name", "chelsea-original.jpg")
    scores = [int(one.text.removesuffix("\u202f%")) for one in page.all(".score")]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 80
    until(lambda: "chelsea-original.jpg" in page.driver.title)
    page.driver.back()
    page.says("#title", "All photos")
    page.driver.forward()
    page.says("#title", "Photos like this one")
    page.driver.refresh()
    assert page.hits() == hits


def test_a_hit_says_why_it_is_one(page: Page, album: Path) -> None:
    cat = page.daemon.number(album / "2019/chelsea-original.jpg")
    page.open(f"/?like={cat}").hits()
    hit = page.numbers()[0]
    page.hover(hit)
    page.click(f'.card[data-id="{hit}"] .why')
    page.says("#why-sentence", "What they share lies above all")
    page.says("#why-query-name", "chelsea-original.jpg")
    for side in ("query", "hit"):
        page.says(f"#why-{side}-share", "in the outlined quarter")
        page.wait(f"#why-{side} canvas")
        assert page.script(
            f"const canvas = document.querySelector('#why-{side} canvas');"
            "const {data} = canvas.getContext('2d').getImageData(0, 0, 7, 7);"
            "return [canvas.width, canvas.height, new Set(data).size > 9]"
        ) == [7, 7, True]
    assert page.barriers() == []
    # A part that is pointed at, or reached by keys, shows what it matches.
    until(lambda: page.script("return document.querySelector('#why-hit img').naturalWidth"))
    ActionChains(page.driver).move_to_element(page.wait("#why-hit")).perform()
    page.says("#why-says", "of the hit carries")
    page.says("#why-says", "In the query it is most like row")
    ActionChains(page.driver).move_to_element(page.wait("#why-title")).perform()
    until(lambda: not page.script("return document.getElementById('why-says').textContent"))
    page.script("document.getElementById('why-query').focus()")
    page.keys(Keys.ARROW_DOWN)
    page.says("#why-says", "of the query carries")
    before = page.text("#why-says")
    page.keys(Keys.ARROW_UP)
    until(lambda: page.text("#why-says") != before)
    page.keys(Keys.ESCAPE)
    page.gone("#why")
    page.do(hit, "why")
    page.says("#why-sentence", "What they share lies above all")
    page.click("#why-close")
    page.gone("#why")


def test_a_hit_of_a_picture_from_elsewhere_says_why_too(page: Page, tmp_path: Path) -> None:
    picture = tmp_path / "seen <b> elsewhere.jpg"
    Image.fromarray(data.chelsea()).crop((60, 20, 400, 280)).save(picture)
    page.open("/").hits()
    page.drop(picture)
    page.says("#title", "Photos like this one")
    first = page.hits()[0]
    page.script("document.querySelector('#grid .shot').focus()")
    page.keys("w")
    page.says("#why-query-name", "seen <b> elsewhere.jpg")
    page.says("#why-hit-name", first)
    page.says("#why-hit-share", "in the outlined quarter")
    page.keys(Keys.ESCAPE)
    page.gone("#why")
    # From the large photo, in a window of phone size.
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.script("document.querySelector('#grid .shot').click()")
        page.click("#viewer [data-do=why]")
        page.says("#why-hit-share", "in the outlined quarter")
        assert page.script("const why = document.getElementById('why');"
                           "return why.scrollWidth <= why.clientWidth")  # fmt: skip
        assert page.barriers() == []
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_words_find_photos_as_they_are_typed(page: Page) -> None:
    def things() -> set[str]:
        return {name.split("-")[0] for name in page.names()}

    page.open("/").hits()
    page.keys("/")
    until(lambda: page.focused() == "words")
    # The beginning of a word; then all of it, with a mistake.
    page.keys("astro")
    until(lambda: things() == {"astronaut"})
    page.keys("nuat")
    page.says("#notes", "No photo has \u201castronuat\u201d. These have \u201castronaut\u201d")
    assert things() == {"astronaut"}
    assert page.focused() == "words"
    assert page.text("#summary") == "4 photos"
    assert page.text(".found-by").startswith("name astronaut")
    assert page.barriers() == []
    # A time in two languages: all of it makes one step back.
    for text in ("summer", "mai 2020", "Mai 2020 -rocket"):
        page.keys(Keys.ESCAPE, text)
        until(lambda text=text: page.text("#title") == f"\u201c{text}\u201d")
    until(lambda: things() == {"astronaut"})
    page.keys(Keys.ARROW_DOWN)
    assert page.focused().startswith("shot")
    page.keys(Keys.ENTER)
    page.says("#viewer-place", "1 of 4")
    page.keys(Keys.ESCAPE)
    page.gone("#viewer")
    page.driver.refresh()
    until(lambda: things() == {"astronaut"})
    assert page.wait("#words").get_attribute("value") == "Mai 2020 -rocket"
    # Not all of the words, and none.
    page.open("/?words=rocket+coins")
    page.says("#notes", "No photo has all of these words")
    assert things() == {"rocket", "coins"}
    page.open("/?find").hits()
    until(lambda: page.focused() == "words")
    page.keys("after:soon")
    page.says("#notes", "is no time that photofind knows")
    page.keys(Keys.ESCAPE, "qqqqqqqq")
    page.says("#message", "No photo has these words")


def test_near_duplicates_are_stacked(page: Page, album: Path) -> None:
    number = page.daemon.number(album / "2021/coins-cropped.jpg")
    page.open(f"/?like={number}").hits()
    stacks = page.all(".stack")
    assert stacks
    before = page.numbers()
    hidden = {
        name
        for one in page.daemon.ask("POST", "/api/similar", {"like": [number], "limit": 60})["hits"]
        for name in one["copy_ids"]
    }
    assert not hidden & set(before)
    turn_all(page, "false")
    until(lambda: hidden <= set(page.numbers()))
    assert len(page.numbers()) == len(before) + len(hidden)
    turn_all(page, "true")
    until(lambda: page.numbers() == before)


def turn_all(page: Page, expanded: str) -> None:
    """Unfold all stacks, or fold them."""
    while stacks := page.driver.find_elements(
        "css selector", f'.stack[aria-expanded="{expanded}"]'
    ):
        page.script("arguments[0].scrollIntoView({block: 'center'})", stacks[0])
        stacks[0].click()


def test_more_like_this_and_less_like_that(page: Page, album: Path) -> None:
    number = page.daemon.number
    cat = number(album / "2019/chelsea-original.jpg")
    page.open(f"/?like={cat}").hits()
    cup, moon = page.numbers()[-2:]  # Neither is in a stack.
    page.do(cup, "more")
    page.says("#title", "Photos like these")
    assert page.query == f"?like={cat}&like={cup}"
    page.hits()
    page.do(moon, "less")
    until(lambda: page.query == f"?like={cat}&like={cup}&unlike={moon}")
    page.wait("#unlike img")
    hits = page.hits()
    answer = page.daemon.ask(
        "POST", "/api/similar", {"like": [cat, cup], "unlike": [moon], "limit": 60}
    )
    assert page.numbers() == [hit["id"] for hit in answer["hits"]]
    assert hits
    page.click("#unlike button")
    until(lambda: page.query == f"?like={cat}&like={cup}")
    page.click("#like button")
    until(lambda: page.query == f"?like={cup}")
    page.click("#like button")
    page.says("#title", "All photos")
    assert page.query == ""


def test_hits_are_judged_and_ranked_anew(page: Page, album: Path) -> None:
    coffee = page.daemon.number(album / "2019/coffee-original.jpg")
    page.open(f"/?like={coffee}")
    before = page.hits()
    right, wrong = page.numbers()[3], page.numbers()[1]
    page.hover(wrong)
    page.click(f'.card[data-id="{wrong}"] .judge-dislike')
    until(lambda: page.numbers() and wrong not in page.numbers(), "a hit that is left out")
    page.says("#feedback", "Ranked by your 1 dislike")
    # By keys: the focus stays at its place, so one goes on judging.
    page.card(right)
    page.script(f"document.querySelector('.card[data-id=\"{right}\"] .shot').focus()")
    page.keys("l")
    page.says("#feedback", "1 like and 1 dislike")
    pressed = f'.card[data-id="{right}"] .judge-like[aria-pressed="true"]'
    until(lambda: page.script(f"return !!document.querySelector('{pressed}')"), "a liked hit")
    assert right in page.numbers()[:2], "identical files first, then what is liked"
    until(lambda: page.script("return !!document.activeElement.closest('.card')"), "the focus")
    page.click("#feedback summary")
    assert [one.text for one in page.all("#feedback .judged .what")] == ["Liked", "Left out"]
    assert len(page.all("#feedback .proposals li")) >= 3
    assert page.barriers() == []
    page.click("#feedback .proposals .judge-dislike")
    page.says("#feedback", "1 like and 2 dislikes")
    # It is there again after a while, and can be left out.
    page.open(f"/?like={coffee}").hits()
    page.says("#feedback", "1 like and 2 dislikes")
    page.click('#feedback button[title^="Show the hits without"]')
    page.says("#feedback", "does not count here")
    assert page.hits() == before
    page.says("#chips", "Without what you judged")
    page.click("#feedback button")
    page.says("#feedback", "1 like and 2 dislikes")
    # In the viewer, and taken back there.
    page.hits()
    page.click(f'.card[data-id="{right}"] .shot')
    page.wait('#viewer [data-judge=like][aria-pressed="true"]')
    page.click("#viewer [data-judge=like]")
    page.wait('#viewer [data-judge=like][aria-pressed="false"]')
    page.keys(Keys.ESCAPE)
    page.gone("#viewer")
    page.says("#feedback", "2 dislikes")
    page.click("#feedback summary")
    page.click("#feedback .judged button")
    page.says("#feedback", "1 dislike")
    page.click("#feedback .panel-head .row button:last-child")
    page.gone("#feedback")
    assert page.hits() == before
    assert page.daemon.ask("GET", "/api/feedback") == []


def test_what_was_judged_is_listed_in_the_settings(page: Page, album: Path) -> None:
    coffee = page.daemon.number(album / "2019/coffee-original.jpg")
    rocket = page.daemon.number(album / "2020/rocket-original.jpg")
    page.daemon.ask("POST", "/api/feedback", {"like": [coffee], "dislikes": [rocket]})
    page.open("/?view=settings")
    page.says("#judgements", "No metric counts")
    page.click("#judgements .learned button:last-child")
    page.says("#judgements .learned", "too few")
    page.says("#judgements .rows", "1 judgement")
    assert page.barriers() == []
    page.click("#judgements details summary")
    page.says("#judgements .judged", "rocket-original.jpg")
    page.click("#judgements .judged button")
    page.says("#judgements", "Nothing is judged yet")
    assert page.daemon.ask("GET", "/api/feedback") == []


def test_a_minimum_score(page: Page, album: Path) -> None:
    number = page.daemon.number(album / "2019/chelsea-original.jpg")
    page.open(f"/?like={number}&min=0.9").hits()
    assert all(int(one.text.removesuffix("\u202f%")) >= 90 for one in page.all(".score"))
    slider = page.wait("#min")
    assert slider.get_attribute("value") == "90"
    slider.send_keys(Keys.ARROW_LEFT)
    until(lambda: page.query == f"?like={number}&min=0.85")
    page.open(
        f"/?like={page.daemon.number(album / '2022/brick-small.jpg')}&min=0.99&folder={album}/2020"
    )
    page.says("#message", "No photo is similar enough")
    page.click("#message button")
    page.gone("#message")
    assert page.hits()


@pytest.mark.parametrize("way", ["drop", "paste", "choose"])
def test_a_picture_from_elsewhere(page: Page, tmp_path: Path, way: str) -> None:
    picture = tmp_path / "seen <b> elsewhere.jpg"
    Image.fromarray(data.chelsea()).crop((60, 20, 400, 280)).save(picture)
    page.open("/").hits()
    if way == "choose":
        page.script("document.getElementById('file').hidden = false")
        page.wait("#file").send_keys(str(picture))
    else:
        page.drop(picture, way)
    page.says("#title", "Photos like this one")
    assert page.query.startswith("?like=upload:") or page.query.startswith("?like=upload%3A")
    assert page.hits()[0].startswith("chelsea")
    page.says("#like .name", "seen <b> elsewhere.jpg")
    page.driver.refresh()
    assert page.hits()[0].startswith("chelsea")


def test_other_files_are_refused_with_a_message(page: Page, tmp_path: Path) -> None:
    words = tmp_path / "words.jpg"
    words.write_text("These are words, not pixels.\n")
    page.open("/").hits()
    page.drop(words)
    page.wait("#message h2")
    page.click("#message a")
    page.says("#title", "All photos")
    assert any("422" in one for one in page.complaints())


@pytest.mark.parametrize("name", [b"seen elsewhere.jpg", *ODD_NAMES])
def test_a_path_outside_the_library(page: Page, tmp_path: Path, name: bytes) -> None:
    """As opened by a right-click."""
    path = os.fsencode(tmp_path) + b"/" + name
    with Path(os.fsdecode(path)).open("wb") as file:
        Image.fromarray(data.chelsea()).crop((60, 20, 400, 280)).save(file, "JPEG")
    page.driver.get(page.daemon.link(f"/?path={quote(path)}"))
    page.says("#title", "Photos like this one")
    assert page.hits()[0].startswith("chelsea")
    until(lambda: page.script("return document.querySelector('#like img').naturalWidth") or 0)
    page.click("#grid .like") if page.hover(page.numbers()[0]) else None
    page.driver.back()
    until(lambda: unquote_to_bytes(page.query.removeprefix("?path=")) == path)


def test_a_part_of_a_photo_is_chosen(page: Page, tmp_path: Path) -> None:
    wall = Image.new("RGB", (900, 600), "olive")
    wall.paste(Image.fromarray(data.chelsea()).resize((450, 300)), (450, 300))
    wall.save(tmp_path / "wall.png")
    page.open(f"/?path={tmp_path}/wall.png")
    page.hits()
    page.click("#choose-part")
    page.wait("#part")
    until(lambda: page.script("return document.querySelector('#part-picture').naturalWidth") > 0)
    assert page.focused() == "part-frame"
    assert page.barriers() == []
    picture = page.wait("#part-picture")
    width, height = picture.size["width"], picture.size["height"]
    (
        ActionChains(page.driver)
        .move_to_element_with_offset(picture, round(width * 0.01), round(height * 0.01))
        .click_and_hold()
        .move_to_element_with_offset(picture, width // 2 - 2, height // 2 - 2)
        .release()
        .perform()
    )
    page.keys(Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    page.click("#part-search")
    page.says("#title", "Photos like this part")
    page.says("#chips", "A part of the photo")
    assert page.hits()[0].startswith("chelsea")
    left, top, across, down = map(float, unquote(page.query).split("box=")[1].split(","))
    assert min(left, top) == pytest.approx(0.5, abs=0.05)
    assert min(across, down) == pytest.approx(0.5, abs=0.05)
    assert page.all("#like .part")
    page.driver.refresh()
    assert page.hits()[0].startswith("chelsea")
    page.click("#chips a")
    page.says("#title", "Photos like this one")
    assert "box" not in page.query


def test_a_part_is_moved_and_sized_by_keys(page: Page, tmp_path: Path) -> None:
    Image.fromarray(data.chelsea()).save(tmp_path / "cat.png")
    page.open(f"/?path={tmp_path}/cat.png")
    page.hits()
    page.click("#choose-part")
    page.wait("#part")
    page.says("#part-says", "25\u202f% from the left")
    page.keys(Keys.ARROW_LEFT)
    page.says("#part-says", "23\u202f% from the left")
    (
        ActionChains(page.driver)
        .key_down(Keys.SHIFT)
        .send_keys(Keys.ARROW_DOWN)
        .key_up(Keys.SHIFT)
        .perform()
    )
    page.says("#part-says", "52\u202f% high")
    page.keys(*[Keys.ARROW_UP] * 15)
    page.says("#part-says", "0\u202f% from the top")
    page.keys(Keys.ESCAPE)
    page.gone("#part")
    assert "box" not in page.query


def test_a_photo_from_outside_is_found_turned(page: Page, tmp_path: Path) -> None:
    turned = Image.fromarray(data.chelsea()).transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "turned.png")
    page.open(f"/?path={tmp_path}/turned.png")
    assert page.hits()[0].startswith("chelsea")
    page.says("#notes", "turned and mirrored")
    page.click("#turned")
    until(lambda: "turned=yes" in page.query)
    page.says("#chips", "Turned and mirrored too")
    assert page.hits()[0].startswith("chelsea")
    assert page.barriers() == []


def test_several_paths_make_one_query(page: Page, tmp_path: Path, album: Path) -> None:
    for name in ("chelsea", "coffee"):
        Image.fromarray(getattr(data, name)()).resize((300, 200)).save(tmp_path / f"{name}.png")
    page.driver.get(page.daemon.link(f"/?path={tmp_path}/chelsea.png&path={tmp_path}/coffee.png"))
    page.says("#title", "Photos like these")
    assert {name.split("-")[0] for name in page.hits()[:4]} <= {
        "chelsea",
        "coffee",
        "coffee again.jpg",
    }
    page.driver.get(page.daemon.link(f"/?path={album}/2019/chelsea-original.jpg"))
    page.wait("#like a").click()
    page.says("#viewer-name", "chelsea-original.jpg")


def test_new_photos_are_announced(page: Page, album: Path) -> None:
    page.open("/").hits()
    path = album / "2024/arrived just now.jpg"
    add_photo(page.daemon, path, 10)
    until(lambda: page.all("#news") or "arrived just now.jpg" in page.names(), "the news")
    if page.all("#news"):
        page.click("#news")
    until(lambda: "arrived just now.jpg" in page.names())


HELD_LISTING = """
const fetched = window.fetch;
window.fetch = async (address, ...rest) => {
  const answer = await fetched(address, ...rest);
  if (String(address).startsWith("/api/photos?")) {
    window.isHeld = true;
    await new Promise((resume) => { window.letGo = resume; });
    window.fetch = fetched;
  }
  return answer;
};
"""


def test_a_photo_that_comes_while_the_others_are_listed_is_announced(
    page: Page, album: Path
) -> None:
    page.open("/").hits()
    add_photo(page.daemon, album / "2024/before.jpg", 11)
    page.wait("#news")
    page.script(HELD_LISTING)
    page.click("#news")
    until(lambda: page.script("return window.isHeld"), "the listing")
    assert not page.all("#news")
    add_photo(page.daemon, album / "2024/meanwhile.jpg", 12)
    page.script("window.letGo()")
    page.says("#news", "1 new photo")
    assert "before.jpg" in page.names()
    page.click("#news")
    until(lambda: "meanwhile.jpg" in page.names())


# The viewer.


def test_the_viewer_shows_all_details(page: Page, album: Path) -> None:
    page.open(f"/?folder={album}/2019").hits()
    first, second, *_ = page.numbers()
    page.card(first).find_element("css selector", ".shot").click()
    page.says("#viewer-place", "1 of ")
    assert f"photo={first}" in page.query
    details = page.daemon.ask("GET", f"/api/photos/{first}")
    page.says("#viewer-name", Path(details["path"]).name)
    page.says("#viewer-facts", f"{details['width']} × {details['height']}")
    page.says("#viewer-facts", "2019")
    until(lambda: page.script("return document.getElementById('large').src.endsWith('/file')"))
    assert page.barriers() == []
    page.keys(Keys.ARROW_RIGHT)
    page.says("#viewer-place", "2 of ")
    assert f"photo={second}" in page.query
    page.driver.refresh()
    page.says("#viewer-place", "2 of ")
    page.keys(Keys.ARROW_LEFT)
    page.says("#viewer-place", "1 of ")
    page.keys(Keys.ESCAPE)
    page.gone("#viewer")
    assert "photo=" not in page.query
    until(lambda: page.focused().startswith("shot"))
    page.click("#grid .shot")
    page.wait("#viewer")
    page.driver.back()
    page.gone("#viewer")


def test_a_photo_is_opened_and_shown_in_its_folder(page: Page, album: Path) -> None:
    path = album / "2020/rocket-small.jpg"
    page.open("/").hits()
    number = page.daemon.number(path)
    page.do(number, "open")
    until(lambda: page.daemon.was_opened()[-1:] == [str(path)])
    page.do(number, "reveal")
    until(lambda: page.daemon.was_opened()[-1:] == [str(path.parent)])
    page.hover(number).find_element("css selector", ".shot").click()
    page.click("#viewer [data-do=open]")
    until(lambda: page.daemon.was_opened()[-1:] == [str(path)])


def copied(page: Page) -> str:
    return str(
        page.driver.execute_async_script(
            "navigator.clipboard.readText().then(arguments[0], e => arguments[0]('!' + e))"
        )
    )


def test_paths_are_copied(page: Page, album: Path) -> None:
    page.open(f"/?folder={album}/2019").hits()
    first, second, third, *_ = page.numbers()
    paths = [page.daemon.ask("GET", f"/api/photos/{one}")["path"] for one in (first, second, third)]
    page.do(first, "copy")
    page.says(".toast", "The path is copied")
    assert copied(page) == paths[0]
    page.click("#select")
    page.click(f'.card[data-id="{first}"] .pick')
    shot = page.card(third).find_element("css selector", ".shot")
    ActionChains(page.driver).key_down(Keys.SHIFT).click(shot).key_up(Keys.SHIFT).perform()
    page.says("#selection-count", "3 selected")
    assert page.barriers() == []
    page.click("#selection [data-do=copy]")
    page.says(".toast", "3 paths are copied")
    assert copied(page) == "\n".join(paths)
    page.keys(Keys.ESCAPE)
    page.gone("#selection")


def test_several_photos_are_searched_with(page: Page, album: Path) -> None:
    page.open(f"/?folder={album}/2020").hits()
    first, second, *_ = page.numbers()
    for number in (first, second):
        page.hover(number)
        page.click(f'.card[data-id="{number}"] .pick')
    page.click("#selection [data-do=similar]")
    page.says("#title", "Photos like these")
    assert page.query == f"?like={first}&like={second}&folder={album}/2020"
    page.gone("#selection")


# The trash.


def test_one_photo_to_the_trash_and_back(page: Page, album: Path) -> None:
    path = album / "2023/to be missed.jpg"
    number = add_photo(page.daemon, path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    similar = page.daemon.ask("POST", "/api/similar", {"like": [str(path)], "limit": 5})
    page.open(f"/?folder={album}/2023").hits()
    page.do(number, "trash")
    page.says("#ask-list", str(path))
    page.click("#ask-no")
    page.gone("#ask")
    assert path.exists()
    assert number in page.numbers()
    page.do(number, "trash")
    page.wait("#ask")
    assert page.barriers() == []
    page.click("#ask-yes")
    page.says(".toast", "in the trash")
    until(lambda: not path.exists())
    assert number not in page.numbers()
    (item,) = (page.daemon.trash / "files").iterdir()
    assert item.read_bytes() == before[0]
    assert (
        f"/2023/{quote(path.name)}"
        in (page.daemon.trash / "info" / f"{item.name}.trashinfo").read_text()
    )
    until(lambda: not page.daemon.knows(path), "the library's knowledge")
    page.click(".toast .primary")
    page.says(".toast", "restored")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert not item.exists()
    assert not list((page.daemon.trash / "info").iterdir())
    until(lambda: page.daemon.knows(path), "the photo in the library again")
    until(lambda: path.name in page.names(), "the photo on the page again")
    again = page.daemon.ask("POST", "/api/similar", {"like": [str(path)], "limit": 5})
    hits = [[(hit["path"], hit["score"]) for hit in one["hits"]] for one in (similar, again)]
    assert hits[0] == hits[1]


def test_several_photos_to_the_trash(page: Page, album: Path) -> None:
    paths = [album / f"2023/unwanted {n}.jpg" for n in range(3)]
    numbers = [add_photo(page.daemon, path, 30 * place + 5) for place, path in enumerate(paths)]
    page.open(f"/?folder={album}/2023").hits()
    for number in numbers:
        page.hover(number)
        page.click(f'.card[data-id="{number}"] .pick')
    page.click("#selection [data-do=trash]")
    page.says("#ask-title", "Move 3 photos to the trash?")
    page.click("#ask-yes")
    page.says(".toast", "3 photos are in the trash")
    assert not any(path.exists() for path in paths)
    assert not set(numbers) & set(page.numbers())
    until(lambda: not any(map(page.daemon.knows, paths)), "the library's knowledge")
    page.driver.refresh()
    page.hits()
    assert not set(numbers) & set(page.numbers())


def test_the_photo_in_the_viewer_to_the_trash(page: Page, album: Path) -> None:
    path = album / "2023/large and unwanted.jpg"
    number = add_photo(page.daemon, path, 45)
    page.open(f"/?folder={album}/2023").hits()
    page.hover(number).find_element("css selector", ".shot").click()
    page.says("#viewer-name", path.name)
    page.click("#viewer [data-do=trash]")
    page.click("#ask-yes")
    until(lambda: not path.exists())
    until(lambda: str(number) not in page.query)
    page.click(".toast .primary")  # It is reachable although the viewer shows the next photo.
    until(path.exists)


def test_a_changed_file_is_not_moved(page: Page, album: Path) -> None:
    path = album / "2023/another by now.jpg"
    number = add_photo(page.daemon, path, 60)
    page.open(f"/?folder={album}/2023").hits()
    page.daemon.ask("POST", "/api/pause", {})
    try:
        Image.fromarray(data.coffee()).save(path)
        page.do(number, "trash")
        page.click("#ask-yes")
        page.says(".toast.bad", "has changed since it was indexed")
        assert path.exists()
    finally:
        page.daemon.ask("POST", "/api/resume")


def test_undo_stays_where_others_could_not_be_moved(page: Page, album: Path) -> None:
    paths = [album / f"2023/some changed {n}.jpg" for n in range(5)]
    numbers = [add_photo(page.daemon, path, 7 * place + 3) for place, path in enumerate(paths)]
    page.open(f"/?folder={album}/2023").hits()
    page.daemon.ask("POST", "/api/pause", {})
    try:
        for path in paths[1:]:
            Image.fromarray(data.coffee()).save(path)
        for number in numbers:
            page.hover(number)
            page.click(f'.card[data-id="{number}"] .pick')
        page.click("#selection [data-do=trash]")
        page.click("#ask-yes")
        page.says(".toast.bad", "3 more photos could not be moved")
        assert [path.exists() for path in paths] == [False, True, True, True, True]
        page.click(".toast .primary")
        until(paths[0].exists)
    finally:
        page.daemon.ask("POST", "/api/resume")
    for path in paths:
        path.unlink()


# File names with special characters.


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_work_everywhere(page: Page, album: Path, name: bytes) -> None:
    path = os.fsencode(album) + b"/odd/" + name
    number = page.daemon.number(os.fsdecode(path))
    page.open(f"/?folder={quote(os.fsencode(album))}/odd").hits()
    assert page.driver.title == "photofind"
    page.do(number, "open")
    until(lambda: page.daemon.was_opened()[-1:] == [os.fsdecode(path)])
    page.do(number, "copy")
    page.says(".toast", "The path is copied")
    text = copied(page)
    if text.startswith("$'"):
        shell = f"printf %s {text}"
        printed = subprocess.run(["bash", "-c", shell], capture_output=True, check=True).stdout
        assert printed == path
    else:
        assert os.fsencode(text) == path
    page.hover(number).find_element("css selector", ".shot").click()
    shown = page.wait("#viewer-name").text
    for part in ("<", ">", "#1?&=+"):
        if part.encode() in name:
            assert part in shown
    page.click("#viewer [data-do=similar]")
    page.says("#title", "Photos like this one")
    page.hits()
    page.driver.get(page.daemon.link(f"/?path={quote(path)}"))
    page.hits()
    assert (
        page.script(
            "return document.querySelectorAll('#view-photos script, #grid [onerror]').length"
        )
        == 0
    )


def test_an_odd_name_to_the_trash_and_back(page: Page, album: Path) -> None:
    for place, name in enumerate((b"go\n\xff<b>'\".jpg", b"-%0A#\xf0\x9f\x90\x88.jpg")):
        path = Path(os.fsdecode(os.fsencode(album) + b"/2023/" + name))
        number = add_photo(page.daemon, path, 100 + 20 * place)
        content = path.read_bytes()
        page.open(f"/?folder={album}/2023").hits()
        page.do(number, "trash")
        page.click("#ask-yes")
        until(lambda path=path: not path.exists())
        page.click(".toast .primary")
        until(path.exists)
        assert path.read_bytes() == content
        until(lambda path=path: page.daemon.knows(path))


# Duplicates.


def test_duplicates_are_compared_and_one_is_moved_to_the_trash(page: Page, album: Path) -> None:
    original, copy = album / "2024/twice.jpg", album / "2024/copies/twice again.jpg"
    picture = Image.fromarray(data.immunohistochemistry()).convert("RGB")
    for path, size in ((original, 500), (copy, 400)):
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.resize((size, size)).save(path)
    os.utime(copy, (1.5e9, 1.5e9))
    identical = [album / "2024/stones.png", album / "2024/copies/stones again.png"]
    Image.fromarray(data.gravel()).resize((200, 200)).save(identical[0])
    shutil.copy(*identical)
    page.daemon.ask("POST", "/api/folders", {"path": str(album)})
    until(lambda: all(map(page.daemon.knows, (original, copy, *identical))))
    page.open("/?view=duplicates")
    page.says("#duplicates-summary", "redundant file")
    assert page.barriers() == []
    page.click('[aria-label="Compare: the files of twice.jpg"]')
    page.says("#compare .one:first-child", "500 × 500")
    page.says("#compare .one:first-child .better", "larger")
    assert any(one.text == "newer" for one in page.all("#compare .one:first-child .better"))
    assert page.barriers() == []
    page.click('[aria-label="Move to trash: twice again.jpg"]')
    page.click("#ask-yes")
    until(lambda: not copy.exists())
    assert original.exists()
    page.gone("#compare")
    page.gone('[aria-label="Compare: the files of twice.jpg"]')
    page.click('[data-kind="identical content"]')
    page.says("#groups", "stones again.png")
    assert all("identical" in one.text for one in page.all(".group-head"))


def make_copies(album: Path, names: list[str]) -> dict[str, tuple[Path, Path]]:
    """Write pictures of scikit-image, each with a copy of half its size in another folder."""
    made = {}
    for name in names:
        picture = Image.fromarray(getattr(data, name)()).convert("RGB").resize((480, 360))
        paths = album / f"2025/{name}.jpg", album / f"2025/copies/{name} small.jpg"
        paths[1].parent.mkdir(parents=True, exist_ok=True)
        picture.save(paths[0], quality=95)
        picture.resize((240, 180)).save(paths[1], quality=95)
        made[name] = paths
    return made


def test_duplicates_are_cleaned_up_and_put_back_at_once(page: Page, album: Path) -> None:
    made = make_copies(album, ["page", "text", "colorwheel"])
    contents = {path: path.read_bytes() for paths in made.values() for path in paths}
    page.daemon.ask("POST", "/api/folders", {"path": str(album)})
    until(lambda: all(map(page.daemon.knows, contents)))
    page.open("/?view=duplicates")
    for name in made:
        page.click(f'[aria-label="Select: the files of {name}.jpg"]')
    page.says("#groups", "most pixels (480 \u00d7 360)")
    page.says("#trash-groups", "Move 3 files to trash")
    assert page.barriers() == []
    page.click('[aria-label="Keep: colorwheel small.jpg"]')
    page.says("#trash-groups", "Move 2 files to trash")
    page.click("#trash-groups")
    page.click("#ask-yes")
    until(lambda: not made["page"][1].exists() and not made["text"][1].exists())
    assert all(path.exists() for path in (made["page"][0], made["text"][0], *made["colorwheel"]))
    page.gone('[aria-label="Select: the files of page.jpg"]')
    page.click(".toast .primary")
    until(lambda: all(path.exists() for path in contents))
    assert {path: path.read_bytes() for path in contents} == contents
    until(lambda: all(map(page.daemon.knows, contents)))


def test_one_stays_where_what_was_to_be_kept_is_in_the_trash(page: Page, album: Path) -> None:
    ((first, small),) = make_copies(album, ["logo"]).values()
    tiny = small.with_name("logo tiny.jpg")
    Image.open(first).resize((160, 120)).save(tiny, quality=95)
    page.daemon.ask("POST", "/api/folders", {"path": str(album)})
    until(lambda: all(map(page.daemon.knows, (first, small, tiny))))
    page.open("/?view=duplicates")
    page.click('[aria-label="Compare: the files of logo.jpg"]')
    page.click('[aria-label="Move to trash: logo.jpg"]')
    page.click("#ask-yes")
    until(lambda: not first.exists())
    page.click("#compare-close")
    page.says("#groups", "Keep logo small.jpg: what was to be kept is in the trash. 1 file may go.")
    page.click('[aria-label="Select: the files of logo small.jpg"]')
    page.says("#trash-groups", "Move 1 file to trash")
    page.click("#trash-groups")
    page.click("#ask-yes")
    until(lambda: not tiny.exists())
    assert small.exists()


def test_each_file_of_a_large_group_can_be_kept(page: Page, album: Path) -> None:
    paths = [album / f"2026/many {number:02}.png" for number in range(14)]
    paths[0].parent.mkdir()
    Image.effect_mandelbrot((300, 200), (-2, -1.5, 1, 1.5), 60).save(paths[0])
    for path in paths[1:]:
        shutil.copy(paths[0], path)
    page.daemon.ask("POST", "/api/folders", {"path": str(album)})
    until(lambda: all(map(page.daemon.knows, paths)))
    page.open("/?view=duplicates")
    page.says("#groups", "13 files may go.")
    page.click(".more-files")
    page.gone(".more-files")
    page.click('[aria-label="Keep: many 13.png"]')
    page.says("#groups", "12 files may go.")
    assert page.barriers() == []


def choose(page: Page, css: str, value: str) -> None:
    """Choose an option of a list, which may be drawn anew meanwhile."""

    def is_chosen() -> bool:
        Select(page.wait(css)).select_by_value(value)
        return page.wait(css).get_property("value") == value

    until(is_chosen)


def test_what_lies_in_a_folder_is_kept(page: Page, album: Path) -> None:
    ((first, second),) = make_copies(album, ["retina"]).values()
    page.daemon.ask("POST", "/api/folders", {"path": str(album)})
    until(lambda: page.daemon.knows(first) and page.daemon.knows(second))
    page.open("/?view=duplicates")
    page.says("#groups", "most pixels")
    choose(page, "#keep-rule", "folder")
    choose(page, "#keep-folder", str(second.parent))
    page.says("#groups", "Keep retina small.jpg: in the folder to keep")
    assert page.barriers() == []


def test_what_is_not_the_same_is_told_remembered_and_taken_back(page: Page, album: Path) -> None:
    ((first, second),) = make_copies(album, ["checkerboard"]).values()
    page.daemon.ask("POST", "/api/folders", {"path": str(album)})
    until(lambda: page.daemon.knows(first) and page.daemon.knows(second))
    page.open("/?view=duplicates")
    page.click('[aria-label="Not the same: checkerboard small.jpg"]')
    page.gone('[aria-label="Compare: the files of checkerboard.jpg"]')
    page.says("#told-apart-title", "1 pair")
    moved = second.with_name("renamed.jpg")
    second.rename(moved)
    until(lambda: page.daemon.knows(moved) and not page.daemon.knows(second))
    query = {"like": [str(album / "2025/checkerboard.jpg")], "limit": 60}
    assert not any(str(moved) in hit["copies"] for hit in hits_of(page, query))
    page.open("/?view=duplicates")
    open_told_apart(page)
    page.says("#told-apart-list", "renamed.jpg")
    assert page.barriers() == []
    page.click("#told-apart-list button")
    page.wait('[aria-label="Compare: the files of checkerboard.jpg"]')
    page.gone("#told-apart")


def open_told_apart(page: Page) -> None:
    """Open the list of what is not the same; groups that are drawn meanwhile move it."""

    def is_open() -> bool:
        return bool(page.all("#told-apart[open]"))

    def click() -> bool:
        if not is_open():
            page.click("#told-apart-title")
        return is_open()

    until(click, "the list of what is not the same")


def hits_of(page: Page, query: dict[str, object]) -> list[dict[str, list[str]]]:
    """Return the hits of a query."""
    hits: list[dict[str, list[str]]] = page.daemon.ask("POST", "/api/similar", query)["hits"]
    return hits


# Library and settings.


def card_of(folder: Path, album: Path) -> Path:
    """Make a folder with a copy, the same picture saved otherwise, a new photo, and no photo."""
    folder.mkdir()
    shutil.copy(album / "2019/chelsea-original.jpg", folder / "copy.jpg")
    Image.open(album / "2020/rocket-original.jpg").rotate(90, expand=True).save(
        folder / "turned.png"
    )
    # A picture that no other test puts into the album.
    Image.fromarray(data.clock()).save(folder / "new.jpg")
    (folder / "words.jpg").write_text("words")
    return folder


def heap(page: Page, name: str) -> list[str]:
    return [row.text for row in page.all(f'[data-heap="{name}"] .path')]


@pytest.mark.parametrize("way", ["named", "chosen"])
def test_what_is_new_in_a_folder(page: Page, album: Path, tmp_path: Path, way: str) -> None:
    card = card_of(tmp_path / "card", album)
    page.open("/?view=known")
    page.says("#known-title", "Which of these do I have?")
    if way == "named":
        page.wait("#known-path").send_keys(str(card), Keys.ENTER)
        prefix = ""
    else:
        page.script("document.getElementById('known-files').hidden = false")
        page.wait("#known-files").send_keys(str(card))
        prefix = "card/"
    until(lambda: "new" in page.wait("#known-summary").text)
    assert page.wait("#known-summary").text == "1 photo of 4 is new."
    assert heap(page, "identical") == [f"{prefix}copy.jpg"]
    assert heap(page, "same picture") == [f"{prefix}turned.png"]
    assert heap(page, "new") == [f"{prefix}new.jpg"]
    assert heap(page, "failed") == [f"{prefix}words.jpg"]
    assert "rotated" in page.wait('[data-heap="same picture"]').text
    assert page.barriers() == []
    if way == "named":
        assert page.query == f"?view=known&folder={card}"
    page.click('[data-heap="identical"] a')
    page.says("#viewer-name", "chelsea-original.jpg")


def test_a_folder_that_is_not_there_is_told(page: Page, tmp_path: Path) -> None:
    page.open(f"/?view=known&folder={quote(str(tmp_path / 'none'))}")
    until(lambda: "cannot be looked at: it is missing" in page.wait("#toast-list").text)
    assert "409" in page.complaints()[0]


def test_a_folder_is_added_changed_and_removed(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "more 'photos' & <i> things"
    (folder / "private").mkdir(parents=True)
    Image.fromarray(data.coins()).save(folder / "coins.png")
    Image.fromarray(data.moon()).save(folder / "private/moon.png")
    page.open("/?view=library")
    page.wait("#folders .path")
    page.wait("#add-path").send_keys(str(folder), Keys.ENTER)
    row = f'#folders li[data-path="{folder}"]'
    until(lambda: page.daemon.knows(folder / "private/moon.png"))
    page.says(row, "2 photos")
    page.click(f"{row} [data-name=excludes]")
    page.wait("#excludes").send_keys("private/\n*.gif")
    assert page.barriers() == []
    page.click("#ask-yes")
    until(lambda: not page.daemon.knows(folder / "private/moon.png"))
    page.says(row, "without private/, *.gif")
    Image.fromarray(data.camera()).save(folder / "camera.png")
    page.click(f"{row} [data-name=look]")
    until(lambda: any("2 photos: " in one.text for one in page.all(".toast")), "it", 3 * PATIENCE)
    page.says(row, "2 photos")
    page.click(f"{row} [data-name=remove]")
    page.says("#ask-list", str(folder))
    page.click("#ask-no")
    page.says(row, "2 photos")
    page.click(f"{row} [data-name=remove]")
    page.click("#ask-yes")
    page.says(".toast", "2 photos removed from the library")
    page.gone(row)
    assert not page.daemon.knows(folder / "coins.png")
    assert (folder / "coins.png").exists()


def test_a_missing_folder_is_refused_with_a_message(page: Page, tmp_path: Path) -> None:
    page.open("/?view=library")
    page.wait("#add-path").send_keys(str(tmp_path / "nowhere"), Keys.ENTER)
    page.says(".toast.bad", "is not a folder")
    assert any("409" in one for one in page.complaints())


def test_folders_are_suggested(page: Page, album: Path) -> None:
    page.open("/?view=library")
    page.wait("#add-path").send_keys(str(album) + "/20")
    until(
        lambda: (
            page.script(
                "return [...document.querySelectorAll('#add-suggestions option')].map(o => o.value)"
            )[:2]
            == [f"{album}/2019", f"{album}/2020"]
        )
    )


def test_failed_photos_are_listed_with_reasons(page: Page, album: Path) -> None:
    page.open("/?view=library")
    page.says("#failures", "words.jpg")
    (failure,) = page.daemon.ask("GET", "/api/failures")
    page.says("#failures", failure["reason"])
    Image.fromarray(data.page()).save(album / "odd/words.jpg")
    page.click("#retry")
    page.says(".toast", "photos")
    until(lambda: not page.daemon.ask("GET", "/api/failures"))
    page.gone("#failures-panel")
    (album / "odd/words.jpg").write_text("These are words, not pixels.\n")
    page.daemon.ask("POST", "/api/folders", {"path": str(album)})
    until(lambda: page.daemon.ask("GET", "/api/failures"))


def test_failures_of_one_of_several_extractors_are_listed(
    tmp_path: Path, browser: Chrome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "extractor_plugins"))
    daemon = Daemon(tmp_path / "several")
    set_setting(daemon.home.settings, "also", "mean-colour")
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(data.chelsea()).save(photos / "cat.jpg")
    Image.new("RGB", (60, 40), (255, 0, 255)).save(photos / "magenta.png")  # Which crashes it.
    page = Page(browser, daemon.start())
    try:
        daemon.ask("POST", "/api/folders", {"path": str(photos)})
        until(lambda: daemon.ask("GET", "/api/failures"), "a failure", 3 * PATIENCE)
        page.open("/?view=library")
        page.says("#failures", "magenta.png")
        page.says("#failures", "not embedded by mean-colour: crashed the extractor")
        # Until another extractor has embedded it.
        until(lambda: daemon.ask("GET", "/api/status")["failed"] == 0, "no failed photo")
        assert page.barriers() == []
    finally:
        browser.get("about:blank")
        daemon.stop()
        page.complaints()


def test_extractors_are_listed(page: Page) -> None:
    page.open("/?view=library")
    page.says("#compared-by", "mobilenet")
    page.click("#show-extractors")
    # Each installed extractor is started once, and there may be many.
    until(lambda: "mobilenet" in page.text("#extractors"), "the extractors", 5 * PATIENCE)
    page.says("#extractors", "in use")
    page.script("scrollTo(0, 0)")  # Else the header may cover half of a button.
    assert page.barriers() == []


def test_the_report_of_an_evaluation_is_opened(page: Page, daemon: Daemon, album: Path) -> None:
    report = (
        "<!DOCTYPE html><title>Evaluation</title><style>h1 { color: rgb(1, 2, 3) }</style>"
        "<h1>Evaluation of the album</h1><script>document.title = 'changed'</script>"
    )
    record = record_of(
        report, "2024-01-31T12:00:00+00:00", str(album), 60, 4, ("mobilenet",), complete=False
    )
    keep_report(daemon.home, report, {}, record)
    page.open("/?view=library")
    page.says("#evaluations", "60 photos with 4 labels")
    page.says("#evaluations", "partial")
    page.wait("#evaluate-path").send_keys("/nowhere/labelled", Keys.ENTER)
    page.says(".toast", "There is no folder or CSV file /nowhere/labelled")
    (refused,) = page.complaints()
    assert "/api/evaluations" in refused
    assert page.barriers() == []
    before = page.driver.current_window_handle
    page.click("#evaluations a")
    until(lambda: len(page.driver.window_handles) == 2, "another tab")
    (other,) = {*page.driver.window_handles} - {before}
    page.driver.switch_to.window(other)
    try:
        page.says("h1", "Evaluation of the album")
        heading = page.wait("h1")
        assert heading.value_of_css_property("color") in ("rgba(1, 2, 3, 1)", "rgb(1, 2, 3)")
        assert page.driver.title == "Evaluation", "its script did not run"
    finally:
        page.driver.close()
        page.driver.switch_to.window(before)
    assert [one for one in page.complaints() if "script" not in one.lower()] == []


def test_pause_and_resume(page: Page, album: Path) -> None:
    page.open("/?view=library")
    Select(page.wait("#pause-for")).select_by_visible_text("Pause for an hour")
    page.click("#pause")
    page.says("#now", "Paused until")
    daemon = page.daemon.ask("GET", "/api/status")["daemon"]
    assert daemon["paused"]
    assert 3000 < daemon["paused_until"] - time.time() <= 3600
    page.says("#activity", "Paused")
    page.click("#resume")
    page.wait("#pause")
    assert not page.daemon.ask("GET", "/api/status")["daemon"]["paused"]
    page.gone("#activity[data-kind=paused]")


def test_settings_are_changed_and_reset(page: Page, plain: Daemon) -> None:
    value = plain.setting
    page.open("/?view=settings")
    row = "form[data-name={}]".format
    page.wait("#settings form")
    assert len(page.all("#settings form")) == len(plain.ask("GET", "/api/settings"))
    field = page.wait(f"{row('hits')} input")
    field.clear()
    field.send_keys("50")
    page.click(f"{row('hits')} .primary")
    page.says(".toast", "Hits was changed")
    assert value("hits") == 50
    page.says(row("hits"), "Default: 20")
    assert page.barriers() == []
    field = page.wait(f"{row('hits')} input")
    field.clear()
    field.send_keys("-3", Keys.ENTER)
    page.says(".toast.bad", "must be from 1 to 10,000")
    assert value("hits") == 50
    assert any("422" in one for one in page.complaints())
    page.click(f"{row('hits')} button:not(.primary)")
    page.says(".toast", "was reset to 20")
    assert value("hits") == 20
    page.click(f"{row('previews')} input")
    page.says(".toast", "Previews was changed")
    assert value("previews") is False
    page.wait(f"{row('exclude')} textarea").send_keys("*.bak\nold/")
    page.click(f"{row('exclude')} .primary")
    until(lambda: value("exclude") == ["*.bak", "old/"])


def test_colours_are_chosen_and_kept(page: Page) -> None:
    page.open("/").hits()  # With its style, which it may lack before.
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = page.script(colour)
    page.click("#theme")  # Light, which is this browser's default.
    page.click("#theme")
    until(lambda: page.script(colour) != light)
    until(lambda: page.daemon.setting("theme") == "dark", "the saving of the colours")
    page.driver.refresh()
    page.hits()
    assert page.script(colour) != light
    assert page.barriers() == []
    page.click("#theme")
    until(lambda: page.script(colour) == light)


# Keyboard, small windows, offline drives, empty libraries, and the daemon's end.


def test_keyboard_only(page: Page, album: Path) -> None:
    page.open(f"/?folder={album}/2019").hits()
    first, second, third, *_ = page.numbers()
    page.script("document.querySelector('#grid .shot').focus()")
    page.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    focused = "return Number(document.activeElement.closest('.card')?.dataset.id)"
    assert page.script(focused) == second
    page.keys(Keys.SPACE)
    page.says("#selection-count", "1 selected")
    page.keys(Keys.ESCAPE)
    page.gone("#selection")
    page.keys(Keys.TAB, Keys.TAB, Keys.TAB)
    assert "Actions for" in page.focused()
    page.keys(Keys.ENTER)
    page.wait("#menu")
    assert page.focused() == " Find similar photos"
    assert page.barriers() == []
    page.keys(Keys.ARROW_DOWN)
    assert page.focused() == " More like this"
    page.keys(Keys.ESCAPE)
    page.gone("#menu")
    until(lambda: "Actions for" in page.focused())
    page.script("document.querySelector('#grid .shot').focus()")
    page.keys(Keys.END)
    assert page.script(focused) == page.numbers()[-1]
    page.keys(Keys.HOME)
    assert page.script(focused) == first
    page.keys(Keys.ENTER)
    page.says("#viewer-place", "1 of")
    page.keys(Keys.ESCAPE)
    page.gone("#viewer")
    until(lambda: page.script(focused) == first)
    page.keys("s")
    page.says("#title", "Photos like this one")
    assert third not in page.names()


def test_a_window_of_phone_size(page: Page, album: Path) -> None:
    def resize(height: int = 844) -> None:
        size = {"width": 390, "height": height, "deviceScaleFactor": 1, "mobile": True}
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    resize()
    try:
        number = page.daemon.number(album / "2019/chelsea-original.jpg")
        for address in (
            "/", f"/?like={number}", f"/?like={number}&photo={number}", "/?words=coins+2021",
            "/?view=duplicates", "/?view=library", "/?view=settings",
        ):  # fmt: skip
            page.open(address)
            page.wait("h1, #viewer-name")
            if "duplicates" in address:
                page.wait(".group .keep")
            assert page.script("return document.documentElement.scrollWidth <= innerWidth"), address
            # The bar at the bottom covers what can be scrolled away from it.
            resize(page.script("return Math.max(844, document.documentElement.scrollHeight)"))
            assert page.barriers() == [], address
            resize()
        page.open("/").hits()
        page.click("#filters summary")
        page.click("#places a")
        page.says("#title", album.name)
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_many_tabs_at_once(page: Page, album: Path) -> None:
    """As left open by right-clicks; browsers allow six connections per server."""
    page.open(f"/?folder={album}/2019").hits()
    first = page.driver.current_window_handle
    others = []
    try:
        for _ in range(8):
            page.driver.switch_to.new_window("tab")
            others.append(page.driver.current_window_handle)
            page.open(f"/?folder={album}/2020")
            assert page.hits()
    finally:
        for other in others:
            page.driver.switch_to.window(other)
            page.driver.close()
        page.driver.switch_to.window(first)
    path = album / "2019/while nobody looked.jpg"
    add_photo(page.daemon, path, 77)
    page.click("#news")
    until(lambda: path.name in page.names())


def test_an_offline_drive(page: Page, tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    for place in range(3):
        Image.fromarray(data.rocket()).rotate(7 * place).save(drive / f"rocket {place}.jpg")
    away = tmp_path / "away"
    page.daemon.index(drive)
    number = page.daemon.number(drive / "rocket 0.jpg")
    try:
        shutil.move(drive, away)
        page.open("/?view=library")
        page.wait(f'#folders li[data-path="{drive}"]')
        page.click(f'#folders li[data-path="{drive}"] [data-name=look]')
        page.says(f'#folders li[data-path="{drive}"]', "offline")
        page.open("/").hits()
        page.says("#notes", "is offline")
        assert number in page.numbers()
        assert "offline" in page.card(number).get_attribute("class")
        page.click("#offline")
        until(lambda: page.query == "?offline=hide")
        until(lambda: number not in page.numbers())
        page.click("#offline")
        until(lambda: number in page.numbers())
        page.hover(number).find_element("css selector", ".shot").click()
        page.says("#viewer-facts", "offline")
        assert not page.wait("#viewer [data-do=open]").is_enabled()
        assert page.barriers() == []
        page.keys(Keys.ESCAPE)
    finally:
        shutil.move(away, drive)
        page.daemon.ask("POST", "/api/folders/remove", {"path": str(drive)})
        page.complaints()  # Pictures of offline photos may be missing.


@pytest.fixture
def other(tmp_path: Path, browser: Chrome) -> Iterator[Page]:
    """The page of a separate daemon without folders."""
    daemon = Daemon(tmp_path / "other").start()
    try:
        yield Page(browser, daemon)
    finally:
        browser.get("about:blank")
        daemon.stop()
        Page(browser, daemon).complaints()


def test_from_nothing_to_the_first_photo(other: Page, tmp_path: Path) -> None:
    other.open("/")
    other.says("#message", "Where are your photos?")
    assert other.barriers() == []
    other.click("#message a")
    other.says("#folders", "No folders yet")
    assert other.focused() == "add-path"
    photos = tmp_path / "photos"
    photos.mkdir()
    other.wait("#add-path").send_keys(str(photos), Keys.ENTER)
    other.says("#folders", str(photos))
    other.click('.views a[data-view="photos"]')
    other.says("#message", "There are no photos in your folders")
    Image.fromarray(data.chelsea()).save(photos / "first.jpg")
    other.daemon.ask("POST", "/api/folders", {"path": str(photos)})
    until(lambda: other.names() == ["first.jpg"], "the first photo, by itself")


def test_the_daemon_goes_and_comes_back(other: Page, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(data.chelsea()).save(photos / "first.jpg")
    other.daemon.index(photos)
    other.open("/").hits()
    other.daemon.stop()
    other.says("#banner", "photofind has stopped")
    assert other.barriers() == []
    Image.fromarray(data.coffee()).save(photos / "second.jpg")
    other.daemon.start()
    other.gone("#banner")
    until(lambda: other.all("#news") or len(other.names()) == 2, "the second photo")
    if other.all("#news"):
        other.click("#news")
    until(lambda: sorted(other.names()) == ["first.jpg", "second.jpg"])


def test_the_page_goes_on_after_a_daemon_that_died(other: Page, tmp_path: Path) -> None:
    """Once another program has started the next one."""
    other.open("/")
    other.says("#message", "Where are your photos?")
    other.daemon.kill()
    other.says("#banner", "photofind has stopped")
    asking = [sys.executable, "-m", "photofind", "web", "--link"]
    subprocess.run(asking, env=other.daemon.environment, check=True, timeout=patience(60))
    try:
        other.gone("#banner")
        other.click("#message a")
        photos = tmp_path / "photos"
        photos.mkdir()
        Image.fromarray(data.chelsea()).save(photos / "first.jpg")
        other.wait("#add-path").send_keys(str(photos), Keys.ENTER)
        other.says("#folders", str(photos))
        other.click('.views a[data-view="photos"]')
        until(lambda: other.names() == ["first.jpg"], "the first photo, by itself")
    finally:
        stop(other.daemon.home)


# Tags.


@pytest.fixture
def tagged(tmp_path: Path, browser: Chrome) -> Iterator[Page]:
    """The page of a daemon whose extractor tags its three photos with colours."""
    daemon = Daemon(tmp_path / "tagged")
    plugins = str(Path(__file__).parents[1] / "extractor_plugins")
    daemon.environment["PYTHONPATH"] += os.pathsep + plugins
    daemon.start()
    try:
        daemon.ask("PUT", "/api/settings/extractor", {"value": "naming"})
        photos = tmp_path / "photos"
        photos.mkdir()
        exif = Image.Exif()
        exif[0x9C9E] = "<b>sea</b> & sand".encode("utf-16-le") + b"\0\0"  # XPKeywords.
        for name, colour in (("red", (250, 3, 3)), ("green", (3, 250, 3)), ("both", (230, 220, 3))):
            Image.new("RGB", (300, 200), colour).save(photos / f"{name}.jpg", exif=exif.tobytes())
            exif = Image.Exif()
        daemon.index(photos)
        shown = Page(browser, daemon)
        shown.complaints()
        yield shown
        assert shown.complaints() == []
    finally:
        browser.get("about:blank")
        daemon.stop()


def test_tags_lead_to_their_photos(tagged: Page) -> None:
    page = tagged
    both, red = (
        page.daemon.number(page.daemon.root.parent / f"photos/{n}.jpg") for n in ("both", "red")
    )
    page.open(f"/?photo={both}")
    page.says("#viewer-facts", "green grass")
    # They are shown anew when the details have come.
    tags = ["red dog 90\u202f%", "green grass 86\u202f%", "blue sky 1\u202f%"]
    until(lambda: [tag.text for tag in page.all("#viewer .tags a")] == tags, "the tags")
    assert page.barriers() == []
    page.click("#viewer .tags li:nth-child(2) a")
    page.gone("#viewer")
    page.says("#title", "green grass")
    page.says("#chips", "Tagged green grass")
    assert page.query == "?tag=green%20grass"
    assert sorted(page.hits()) == ["both.jpg", "green.jpg", "red.jpg"]

    # Two tags: photos that have both.
    offered = page.script(
        "return [...document.querySelectorAll('datalist option')].map(o => o.value)"
    )
    assert {"red dog", "<b>sea</b> & sand"} <= {*offered}
    page.wait("#tag").send_keys("SAND", Keys.ENTER)
    page.says("#chips", "Tagged SAND")
    until(lambda: page.names() == ["red.jpg"])
    assert page.query == "?tag=green%20grass&tag=SAND"
    assert page.barriers() == []
    page.driver.refresh()
    until(lambda: page.names() == ["red.jpg"])

    # With a query too; each can be removed by its chip.
    page.open(f"/?like={both}&tag=sea")
    assert page.hits() == ["red.jpg"]
    page.click("#chips a")
    until(lambda: len(page.names()) == 2)
    assert page.query == f"?like={both}"

    # What a person says of tags is shown at once; letters are no keys of the viewer there.
    page.open(f"/?photo={both}")
    page.click("#viewer .judged-tag [aria-label='red dog is wrong']")
    until(lambda: [tag.text for tag in page.all("#viewer .tags a")] == tags[1:], "what is left")
    page.click("#viewer .judged-tag [aria-label='green grass is right']")
    page.wait("#viewer [aria-label='Take back that green grass is right']")  # They are drawn anew.
    page.wait("#viewer .tagging input").send_keys("dl", Keys.ENTER)
    said = ["green grass", "dl", tags[2]]
    until(lambda: [tag.text for tag in page.all("#viewer .tags a")] == said, "what was said")
    assert page.barriers() == []

    # Keywords are links too, and stay text.
    page.open(f"/?photo={red}")
    page.says("#viewer-facts", "<b>sea</b> & sand")
    page.click("#viewer .tags a")
    until(lambda: page.names() == ["red.jpg"])

    page.wait("#tag").send_keys("gras", Keys.ENTER)
    page.says("#message", "No photo has the tag 'gras'.")
    page.says("#message", "Near it are 'grass'.")
    page.driver.back()
    until(lambda: page.names() == ["red.jpg"])
    page.complaints()  # The console logs error responses.
