"""A new plugin is built as a wheel, installed with pip, used, and uninstalled again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from zipfile import ZipFile

from commands import photofind
from PIL import Image

from photofind.testing.project import write_project


def test_a_plugin_comes_and_goes(tmp_path):
    project = write_project("first-light", tmp_path)
    package = project / "src/photofind_first_light"
    (package / "data").mkdir()
    (package / "data/words.txt").write_text("light")
    wheels, site, photos = (tmp_path / name for name in ("wheels", "site", "photos"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", wheels, project], check=True)
    (wheel,) = wheels.glob("photofind_first_light-0.1.0-*.whl")
    assert "photofind_first_light/data/words.txt" in ZipFile(wheel).namelist()
    photos.mkdir()
    for number in range(12):
        Image.new("RGB", (60, 40), (200, 20 * number, 9)).save(photos / f"{number}.png")
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PHOTOFIND_NO_DAEMON": "1",
        # pip is to leave the environment of the tests alone.
        **{"PIP_TARGET": str(site), "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1"},
    }

    def run(*arguments):
        outcome = photofind(*arguments, env=environment)
        assert outcome.code == 0, outcome.stderr.decode()
        return outcome

    def listed():
        return {one["name"]: one for one in run("extractors", "list", "--json").json}

    assert "first-light" not in listed()
    installed = run("plugins", "install", str(wheel))
    assert "installed the extractor 'first-light' of photofind-first-light 0.1.0" in installed.notes
    found = listed()["first-light"]
    assert (found["error"], found["dimension"]) == (None, 192)
    assert found["distribution"] == "photofind-first-light 0.1.0"
    checked = run("extractors", "check", "first-light", "--json").json
    assert {result["state"] for result in checked["results"]} == {"kept", "skipped"}

    run("config", "set", "extractor", "first-light")
    in_use = photofind("plugins", "uninstall", "first-light", env=environment)
    assert in_use.code == 1
    assert "first-light of photofind-first-light is in use" in in_use.notes[0]
    assert photofind("plugins", "uninstall", "mobilenet", env=environment).code == 1
    run("folders", "add", str(photos))
    run("index", "--wait")
    query = str(photos / "3.png")
    answer = run("similar", query, "--json", "--all").json
    assert answer["extractor"] == "first-light"
    assert {hit["path"].rsplit("/")[-1] for hit in answer["hits"][:2]} == {"2.png", "4.png"}

    shutil.rmtree(site)  # What `pip uninstall` does to a target of its own.
    assert "first-light" not in listed()
    again = run("similar", query, "--json", "--all").json
    assert again["hits"] == answer["hits"]
    status = run("status", "--json").json
    assert status["photos"] == 12
    assert "the extractor 'first-light' is in use and not installed" in status["problems"][0]
    failing = photofind("similar", str(project / "README.md"), env=environment)
    assert failing.code == 1
    run("config", "set", "extractor", "mobilenet")
    run("index", "--wait")
    assert run("similar", query, "--json", "--extractor", "first-light").json["hits"]
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    assert listed()["first-light"]["photos"] == 12
