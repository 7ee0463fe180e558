"""A model is added to the home from a folder, or downloaded and compared with its checksums."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from photofind_clip.__main__ import main
from photofind_clip.download import download
from photofind_clip.model import MODEL_VARIABLE, default_folder, find_model

from photofind.errors import ExtractorError
from photofind.extractors.registry import load


def run(*arguments, home):
    environment = {**os.environ, "PHOTOFIND_HOME": str(home)}
    environment.pop(MODEL_VARIABLE, None)
    command = [sys.executable, "-m", "photofind_clip", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_model_is_added_to_the_home(towers, tmp_path, monkeypatch):
    assert run("show", home=tmp_path).returncode == 1
    wrong = run("add", towers, "--sha256", "0" * 64, home=tmp_path)
    assert wrong.returncode == 1
    assert "it was not taken" in wrong.stderr
    added = run("add", towers, home=tmp_path)
    assert added.returncode == 0, added.stderr
    assert find_model(towers).digest in added.stdout
    monkeypatch.setenv("PHOTOFIND_HOME", str(tmp_path))
    monkeypatch.delenv(MODEL_VARIABLE)
    assert find_model().folder == default_folder() == tmp_path / "clip"
    assert load("clip").version == f"1-{find_model(towers).digest[:8]}"


def test_the_old_model_stays_where_the_new_one_cannot_be_put(towers, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PHOTOFIND_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["photofind_clip", "add", str(towers)])
    assert main() == 0
    (tmp_path / "clip" / "old").touch()
    rename = os.rename

    def in_use(source, target):
        if Path(source).name == "new":
            raise PermissionError(13, "It is in use")
        rename(source, target)

    monkeypatch.setattr(os, "rename", in_use)
    assert main() == 1
    assert "It is in use" in capsys.readouterr().err
    assert (tmp_path / "clip" / "old").exists()
    assert [one.name for one in tmp_path.iterdir()] == ["clip"]


def test_an_interrupted_download_ends_without_a_traceback(tmp_path, monkeypatch, capsys):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setenv("PHOTOFIND_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["photofind_clip", "download"])
    monkeypatch.setattr("photofind_clip.__main__.download", interrupted)
    assert main() == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert not [*tmp_path.iterdir()]


class _Hub(BaseHTTPRequestHandler):
    """Lists and gives the files of a folder, as Hugging Face does."""

    folder: Path
    spoilt = False
    shorter = 0  # So many bytes of each file are not given.
    odd: ClassVar[dict] = {}  # What is listed of each file that is not so.

    def do_GET(self):
        if self.path.startswith("/api/models/some/model/revision/main"):
            files = [self._listed(file) for file in sorted(self.folder.iterdir())]
            body = json.dumps({"sha": "c0ffee", "siblings": files}).encode()
        elif self.path.startswith("/some/model/resolve/c0ffee/"):
            name = self.path.rpartition("/")[2]
            body = (self.folder / name).read_bytes()
            if self.spoilt and name.endswith(".onnx"):
                body = body[:-1] + bytes([body[-1] ^ 1])
            body = body[: len(body) - self.shorter]
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _listed(self, file):
        body = file.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        listed = {"rfilename": file.name, "size": len(body), "blobId": git}
        if file.suffix == ".onnx":
            listed["rfilename"] = f"onnx/{file.name}"
            listed["lfs"] = {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}
        return listed | self.odd

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub(towers):
    """The address of a server that has the model, and what it does."""
    handler = type("Hub", (_Hub,), {"folder": towers})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler
        finally:
            server.shutdown()
            thread.join()


def test_a_model_is_downloaded_and_compared_with_its_checksums(hub, towers, tmp_path):
    address, handler = hub
    done = run("download", "some/model", "--hub", address, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert find_model(tmp_path / "clip").digest == find_model(towers).digest
    handler.spoilt = True
    spoilt = run("download", "some/model", "--hub", address, home=tmp_path)
    assert spoilt.returncode == 1
    assert "its checksum is another" in spoilt.stderr
    assert find_model(tmp_path / "clip").digest == find_model(towers).digest, "the old one stays"
    assert [one.name for one in tmp_path.iterdir()] == ["clip"]


def test_what_ends_early_or_cannot_be_written_is_not_called_something_else(hub, tmp_path):
    address, handler = hub
    handler.shorter = 9
    with pytest.raises(ExtractorError, match="the connection ended after"):
        download(tmp_path, "some/model", hub=address)
    handler.shorter = 0
    if Path("/dev/full").exists():  # As a disk without room.
        (tmp_path / "vision_model.onnx").unlink(missing_ok=True)
        (tmp_path / "vision_model.onnx").symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left"):
            download(tmp_path, "some/model", hub=address)


def test_what_cannot_be_downloaded_is_one_line(hub, tmp_path):
    address, handler = hub
    with pytest.raises(ExtractorError, match=r"some/other on 127\.0\.0\.1.* cannot be downloaded"):
        download(tmp_path, "some/other", hub=address)
    for odd in ({"lfs": "x"}, {"size": float("inf")}):
        handler.odd = odd
        with pytest.raises(ExtractorError, match="does not list its files as expected"):
            download(tmp_path, "some/model", hub=address)
    handler.folder = tmp_path
    with pytest.raises(ExtractorError, match=r"has no vision_model\.onnx"):
        download(tmp_path, "some/model", hub=address)
