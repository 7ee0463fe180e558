"""A report is one page that needs nothing else and runs nothing."""

import io
import re
from dataclasses import replace

import pytest
from labelled_gallery import made_gallery
from PIL import Image

from photofind.learning.evaluation import Plan, evaluate
from photofind.learning.report import report_page
from photofind.web.reports import report_headers


def thumbnail(path):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(file, "JPEG")
    return None if path.endswith("1.jpg") else file.getvalue()


@pytest.fixture(scope="module")
def parts():
    names = ("<script>alert(1)</script>", "b$es", "_\u732b\udcff\x07")
    return [*evaluate(made_gallery(names, 12), Plan(split=0.25, engines=False))]


def test_page_loads_nothing_and_runs_nothing(parts):
    page = report_page(parts[-1], thumbnail)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "_\u732b\\udcff\\x07" in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert 'style="' not in page, "the policy of the daemon would not apply it"
    assert "✓ right" in page
    assert "partial" not in page.split("</style>")[1]


def test_policy_allows_the_style_of_the_page_alone(parts):
    page = report_page(parts[-1], thumbnail).encode()
    policy = report_headers(page)["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    changed = page.replace(b"<style>", b"<style>p { color: red }")
    assert report_headers(changed) != report_headers(page)


@pytest.mark.parametrize("step", [0, 1, 3])
def test_a_part_is_a_page_that_says_so(parts, step):
    page = report_page(parts[step], thumbnail)
    assert "This report is partial" in page
    assert ("Protocol 1" in page) == (step > 0)


def test_baseline_is_beside_sets_like_that_it_was_published_for(parts):
    assert "published baseline" not in report_page(parts[-1], thumbnail)
    corel = replace(parts[-1], classes=dict.fromkeys("abcdefghij", 100))
    assert "published baseline" in report_page(corel, thumbnail)


def test_extractors_that_do_not_work_here_have_a_row_that_says_so(parts):
    lacking = replace(parts[-1], left_out=(("vgg16", "its <weights> are not here"),))
    page = report_page(lacking, thumbnail)
    assert page.count("not here: its &lt;weights&gt; are not here") == 1
    assert page.index("not here: ") < page.index("Protocol 1")
