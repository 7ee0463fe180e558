"""A small model of two towers, trained here, is found, checked, and finds photos by words."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

if importlib.util.find_spec("onnxruntime") is None:  # Importing it is for the plugin to do.
    pytest.skip("ONNX Runtime is not installed", allow_module_level=True)
pytest.importorskip("tokenizers")
onnx = pytest.importorskip("onnx")

import two_towers  # noqa: E402
from photofind_clip import Clip  # noqa: E402
from photofind_clip.__main__ import main  # noqa: E402
from photofind_clip.download import download  # noqa: E402
from photofind_clip.model import MODEL_VARIABLE, default_folder, find_model  # noqa: E402
from waiting import wait_until  # noqa: E402

from photofind.app.photofind import PhotoFind  # noqa: E402
from photofind.daemon.client import connect_to_running  # noqa: E402
from photofind.daemon.lifecycle import start, stop  # noqa: E402
from photofind.errors import ExtractorError  # noqa: E402
from photofind.extractors.code_files import stamp  # noqa: E402
from photofind.extractors.registry import load  # noqa: E402
from photofind.model import Query  # noqa: E402
from photofind.paths import Home  # noqa: E402
from photofind.settings import set_setting  # noqa: E402
from photofind.testing import ExtractorChecks  # noqa: E402

EACH = 4  # Photos of each colour and shape.
K = 8


@pytest.fixture(scope="session")
def towers(tmp_path_factory):
    """The folder of a trained model."""
    return two_towers.write(tmp_path_factory.mktemp("towers"), two_towers.train())


@pytest.fixture(scope="module", autouse=True)
def _model(towers):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MODEL_VARIABLE, str(towers))
        yield


class TestClip(ExtractorChecks):
    extractor = "clip"


@pytest.fixture
def copied(towers, tmp_path, monkeypatch):
    """A copy of the model that may be spoilt."""
    folder = tmp_path / "model"
    shutil.copytree(towers, folder)
    monkeypatch.setenv(MODEL_VARIABLE, str(folder))
    return folder


# Photos are found.


@pytest.fixture(scope="module")
def asked(towers, tmp_path_factory):
    """A client of a daemon with photos of shapes, and their folder."""
    home = Home(tmp_path_factory.mktemp("library") / "home")
    folder = tmp_path_factory.mktemp("shapes")
    random = np.random.default_rng(5)
    places = random.permutation(EACH * len(two_towers.COLOURS) * len(two_towers.SHAPES))
    kinds = [(colour, shape) for colour in two_towers.COLOURS for shape in two_towers.SHAPES]
    shows = {}
    for place in places:  # Their names say nothing.
        photo = folder / f"IMG_{place:04}.png"
        shows[str(photo)] = kinds[place % len(kinds)]
        two_towers.draw(*shows[str(photo)], random).save(photo)
    set_setting(home.settings, "extractor", "clip")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOFIND_HOME", str(home.root))
        with PhotoFind(home) as library:
            library.add_folder(str(folder))
            library.index()
        start(home)
        try:
            client = connect_to_running(home)
            assert client is not None
            with client:
                yield client, shows
        finally:
            stop(home)


def shares(client, shows, wanted, **query):
    """Return how many of the first K hits are what is wanted."""
    answer = client.similar(Query(limit=K, every=True, **query))
    return sum(wanted(*shows[hit.path]) for hit in answer.hits) / K


def test_words_find_what_they_name(asked):
    client, shows = asked
    for colour in two_towers.COLOURS:
        found = shares(client, shows, lambda one, _: one == colour, words=f"a {colour}")  # noqa: B023
        assert found >= 0.75, colour
    (first, *_) = client.similar(Query(words="a big red cross")).hits
    assert shows[first.path] == ("red", "cross")
    answer = client.similar(Query(words="a big red cross"))
    assert answer.by_words.compared_by == (answer.spaces[0], "written")
    assert answer.hits[0].words == answer.hits[0].score


def test_the_search_box_finds_what_photos_show(asked):
    """What is typed is looked for in what is written, and in what photos show."""
    client, shows = asked
    answer = client.search("big red cross")
    assert [space.partition("@")[0] for space in answer.compared_by] == ["clip"]
    first = answer.hits[0]
    assert shows[first.path] == ("red", "cross")
    assert first.found_by == ("what it shows",)
    assert first.shows > 0.25
    blue = client.search("blue", limit=K)
    assert sum(shows[hit.path][0] == "blue" for hit in blue.hits) >= 0.75 * K
    assert blue.total > K
    more = client.search("blue", limit=K, offset=K)
    assert not {hit.path for hit in blue.hits} & {hit.path for hit in more.hits}
    # As a person types, too: it is loaded by now.
    assert client.search("blue", limit=K, as_typed=True).hits == blue.hits
    # What is written comes first with what is shown, and limits what is found.
    wait_until(lambda: client.search("blue").is_current, "the text index")
    written = Path(blue.hits[3].path).stem
    both = client.search(f"blue {written}", limit=K)
    assert Path(both.hits[0].path).stem == written
    assert both.hits[0].found_by[-1] == "what it shows"
    assert [hit.path for hit in client.search(f"blue name:{written}").hits] == [blue.hits[3].path]
    for text in ('"blue"', "blue before:1999", "blue -type:png", "name:blue"):
        assert not client.search(text).hits, text
    assert not client.search("blue", tags=("holiday",)).hits
    assert not client.search('"blue"').compared_by


def test_a_photo_and_words_find_more_than_either(asked):
    """A photo says the shape, and words another colour."""
    client, shows = asked
    figures = {"photo": [], "words": [], "both": []}
    for colour, other in (("red", "blue"), ("green", "yellow"), ("blue", "white")):
        for shape in two_towers.SHAPES:
            photo = next(path for path, shown in shows.items() if shown == (colour, shape))

            def wanted(one, what, other=other, shape=shape):
                return (one, what) == (other, shape)

            words = f"a {other}"
            figures["photo"].append(shares(client, shows, wanted, like=(photo,)))
            figures["words"].append(shares(client, shows, wanted, words=words))
            figures["both"].append(shares(client, shows, wanted, like=(photo,), words=words))
    by = {name: float(np.mean(values)) * K / EACH for name, values in figures.items()}
    print(by)  # Of all that are wanted, by each.
    assert by["both"] > 1.3 * max(by["photo"], by["words"])
    alone = client.similar(Query(like=(photo,), words="a red", words_weight=0.0))
    assert alone.by_words is None
    assert alone.hits == client.similar(Query(like=(photo,))).hits


def test_filters_limit_photos_and_words_alike(asked):
    client, shows = asked
    photo = next(iter(shows))
    answer = client.similar(Query(like=(photo,), words="a red", until="1999"))
    assert not answer.hits


def test_an_explanation_says_what_came_from_words(asked):
    client, shows = asked
    photo = next(path for path, shown in shows.items() if shown == ("red", "circle"))
    query = Query(like=(photo,), words="a blue", words_weight=0.7, every=True)
    hit = client.similar(query).hits[0]
    explanation = client.explain(photo, hit.id, words="a blue", words_weight=0.7)
    assert explanation.words.score == pytest.approx(hit.words, abs=1e-3)
    assert explanation.score == pytest.approx(hit.score, abs=1e-3)
    assert [name for name, _ in explanation.words.parts] == [explanation.parts[0].space, "written"]
    assert 'The hit fits "a blue" by' in explanation.sentence


def test_nothing_is_reported_to_anybody(towers, tmp_path):
    """ONNX Runtime keeps its reports in the user's cache before it sends them."""
    script = "from photofind_clip import Clip; assert Clip().embed_text(['a']).shape == (1, 24)"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert not [*tmp_path.iterdir()]


# Models that cannot be used.


def test_without_weights_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path))
    with pytest.raises(ExtractorError) as caught:
        load("clip")
    assert "cannot be loaded: it has no weights: there is no vision_model.onnx in" in str(
        caught.value
    )
    assert "python -m photofind_clip add FOLDER" in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("library", "package"),
    [("tokenizers", "photofind-clip"), ("onnxruntime", "'photofind-clip[onnx]'")],
)
def test_a_missing_library_is_one_line(monkeypatch, library, package):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ExtractorError, match="which is not installed") as caught:
        load("clip").embed_text(["a red"])
    assert f"`photofind plugins install {package}`" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("text_model.onnx", None, "its model is incomplete: there is no text_model.onnx"),
        ("vision_model.onnx", b"", "vision_model.onnx is no ONNX network"),
        ("vision_model.onnx", b"PK\3\4 an archive", "vision_model.onnx is no ONNX network"),
        ("preprocessor_config.json", b"[1]", "preprocessor_config.json cannot be read"),
        ("preprocessor_config.json", b"{", "preprocessor_config.json cannot be read"),
        ("preprocessor_config.json", b'{"size": "big"}', "does not say how pictures are prepared"),
        ("preprocessor_config.json", b'{"size": 9, "image_mean": 1}', "does not say how pictures"),
        (
            "preprocessor_config.json",
            b'{"size": 9, "image_std": [1, 1, 1], "image_mean": [0, 0, 1%s]}' % (b"0" * 400),
            "does not say how pictures",
        ),
    ],
)
def test_a_damaged_model_is_one_line(copied, name, content, reason):
    (copied / name).unlink()
    if content is not None:
        (copied / name).write_bytes(content)
    with pytest.raises(ExtractorError, match=reason) as caught:
        load("clip")
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_a_cut_off_network_is_one_line(copied):
    file = copied / "vision_model.onnx"
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(ExtractorError, match=r"vision_model\.onnx is no ONNX network"):
        load("clip")


def test_networks_of_another_kind_are_named(copied, towers):
    shutil.copyfile(towers / "vision_model.onnx", copied / "text_model.onnx")
    with pytest.raises(ExtractorError, match=r"text_model\.onnx takes pictures, not texts"):
        load("clip")
    shutil.copyfile(towers / "text_model.onnx", copied / "vision_model.onnx")
    with pytest.raises(ExtractorError, match=r"vision_model\.onnx does not take pictures"):
        load("clip")


def test_a_text_network_that_wants_more_than_tokens_is_refused(copied):
    network = onnx.load(copied / "text_model.onnx")
    network.graph.input.append(network.graph.input[0])
    network.graph.input[-1].name = "token_type_ids"
    onnx.save(network, copied / "text_model.onnx")
    with pytest.raises(ExtractorError, match=r"text_model\.onnx takes token_type_ids too"):
        load("clip")


def test_a_mask_may_be_of_truth_values(copied):
    before = load("clip").embed_text(["a red"])
    network = onnx.load(copied / "text_model.onnx")
    (mask,) = (one for one in network.graph.input if one.name == "attention_mask")
    mask.type.tensor_type.elem_type = onnx.TensorProto.BOOL
    onnx.save(network, copied / "text_model.onnx")
    assert np.allclose(load("clip").embed_text(["a red"]), before)


def test_towers_of_two_models_are_no_pair(copied):
    weights = two_towers.train(steps=1)
    weights["v2"] = np.concatenate([weights["v2"]] * 2, axis=1)
    other = two_towers.write(copied.parent / "other", weights)
    network = onnx.load(other / "vision_model.onnx")
    network.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 2 * two_towers.DIMENSION
    onnx.save(network, copied / "vision_model.onnx")
    with pytest.raises(ExtractorError, match=r"48 numbers and text_model\.onnx 24: they are no"):
        load("clip")


@pytest.mark.parametrize("within", ["initializer", "constant", "function"])
def test_weights_in_other_files_are_refused(copied, within):
    (copied.parent / "secret").write_bytes(bytes(1024))
    network = onnx.load(copied / "vision_model.onnx")
    if within == "initializer":
        tensor = network.graph.initializer[0]
    else:
        if within == "constant":
            attributes = network.graph.node.add(op_type="Constant", output=["unused"]).attribute
        else:
            attributes = network.functions.add(name="unused", domain="here").attribute_proto
        tensor = attributes.add(name="value", type=onnx.AttributeProto.TENSOR).t
        tensor.CopyFrom(network.graph.initializer[0])
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    (copied / "vision_model.onnx").write_bytes(network.SerializeToString())
    with pytest.raises(ExtractorError, match="keeps weights in other files"):
        load("clip")


def test_a_field_that_others_read_as_another_is_refused(copied):
    """Its number has more bits than Protocol Buffers look at."""
    field = (13 << 3 | 2) | 1 << 32
    tag = bytes(field >> shift & 0x7F | 0x80 for shift in range(0, 28, 7)) + bytes([field >> 28])
    with (copied / "vision_model.onnx").open("ab") as file:
        file.write(tag + b"\0")
    with pytest.raises(ExtractorError, match=r"vision_model\.onnx is no ONNX network"):
        load("clip")


def test_another_model_is_another_version(copied):
    before = load("clip").version
    settings = json.loads((copied / "preprocessor_config.json").read_text())
    settings["image_mean"] = [0.5, 0.5, 0.5]
    (copied / "preprocessor_config.json").write_text(json.dumps(settings))
    assert load("clip").version != before


@pytest.mark.parametrize(
    ("name", "more"), [("text_model.onnx", b"\x32\1x"), ("tokenizer.json", b"\n")]
)
def test_a_model_that_is_replaced_later_is_noticed_and_not_used(copied, name, more):
    loaded, other = load("clip"), load("clip")
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content)
    assert not loaded.build.endswith(stamp(map(Path, loaded.code)))
    loaded.embed_text(["a red"])  # It is the same.
    (copied / name).write_bytes(content + more)
    with pytest.raises(ExtractorError, match="its model was replaced after it was loaded"):
        other.embed_text(["a red"])


def test_a_model_need_not_declare_its_dimension(copied):
    for name in ("vision_model.onnx", "text_model.onnx"):
        network = onnx.load(copied / name)
        network.graph.output[0].type.tensor_type.ClearField("shape")
        onnx.save(network, copied / name)
    extractor = Clip()
    assert extractor.dimension == two_towers.DIMENSION
    extractor.threads = 2
    assert extractor._vision.get_session_options().intra_op_num_threads == 2


# Adding and downloading.


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
