"""Training for real: losses, heads of all methods, the command, and a kill in the midst of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from commands import Outcome, environment, photofind
from PIL import Image
from waiting import patience

from photofind.app.photofind import PhotoFind
from photofind.app.training import TrainingRequest, train_extractor
from photofind.cli import main
from photofind.errors import ExtractorError, LearningError, WorkerCrashedError
from photofind.images.limits import DEFAULT_LIMITS
from photofind.learning.training.data import TrainingData
from photofind.learning.training.gate import mean_precision
from photofind.learning.training.settings import METHODS, TrainingSettings
from photofind.learning.training.trainer import Trainer
from photofind.library.stores import open_store
from photofind.model.records import Photo
from photofind.paths import Home

PLUGINS = Path(__file__).parents[1] / "extractor_plugins"
COLOURS = {"red": (200, 60, 60), "green": (60, 200, 60), "blue": (60, 60, 200), "grey": (120,) * 3}

# In a process of its own: no test is to import TensorFlow.
LOSSES = """
import itertools
import numpy as np
from photofind.learning.training import losses

random = np.random.default_rng(0)
points = random.standard_normal((9, 4)).astype("float32")
points /= np.linalg.norm(points, axis=1, keepdims=True)
labels = np.array([0, 0, 0, 1, 1, 1, 1, 2, 3], "float32")
distances = ((points[:, None] - points[None]) ** 2).sum(-1)
same = labels[:, None] == labels[None]

semi_hard, hard, near, far = [], [], [], []
for i in range(9):
    others = [j for j in range(9) if j != i and same[i, j]]
    negatives = distances[i, ~same[i]]
    for j in others:
        farther = negatives[negatives > distances[i, j]]
        chosen = farther.min() if len(farther) else negatives.max()
        semi_hard.append(max(distances[i, j] - chosen + losses.TRIPLET_MARGIN, 0))
        near.append(distances[i, j])
    if others:
        hard.append(max(distances[i, others].max() - negatives.min() + losses.TRIPLET_MARGIN, 0))
    far += [max(losses.CONTRASTIVE_MARGIN - d ** 0.5, 0) ** 2 for d in negatives]

def mean_above_0(values):
    return np.mean([value for value in values if value > 0])

def check(loss, expected, labels=labels):
    np.testing.assert_allclose(float(loss(labels, points)), expected, rtol=1e-4, atol=1e-6)

check(losses.triplet_loss, mean_above_0(semi_hard))
check(losses.hard_triplet_loss, mean_above_0(hard))
check(losses.contrastive_loss, np.mean(near) + np.mean(far))
check(losses.triplet_loss, mean_above_0(semi_hard), labels[:, None])
for loss in (losses.triplet_loss, losses.hard_triplet_loss):
    check(loss, 0, np.zeros(9, "float32"))  # One class: there is nothing to tell apart.
    check(loss, 0, np.arange(9, dtype="float32"))
proxies = random.standard_normal((4, 4)).astype("float32")
logits = np.asarray(losses.Proxies(proxies)(points))
units = proxies / np.linalg.norm(proxies, axis=1, keepdims=True)
expected = -9 * ((points[:, None] - units[None]) ** 2).sum(-1)
np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4)
places = labels.astype(int)
others = [np.log(np.exp(np.delete(row, place)).sum()) for row, place in zip(expected, places)]
loss = float(losses.proxy_nca_loss(labels, logits))
np.testing.assert_allclose(loss, np.mean(others - expected[np.arange(9), places]), rtol=1e-3)
print("equal")
"""


def test_losses_are_those_of_the_papers():
    done = subprocess.run(
        [sys.executable, "-c", LOSSES],
        env=environment(TF_CPP_MIN_LOG_LEVEL="3"),
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )
    assert done.stdout == "equal\n", done.stderr


def hidden_classes(each=60):
    """Embeddings that differ most in what does not matter, and a little in their classes."""
    random = np.random.default_rng(0)
    codes = np.repeat(np.arange(6), each)
    vectors = random.standard_normal((len(codes), 24)) * np.linspace(1.0, 0.3, 24)
    vectors[:, 18:] += 1.2 * np.eye(6)[codes]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    count = len(codes)
    return TrainingData(
        "made",
        "made@1",
        vectors.astype(np.float32),
        tuple(f"class {code}" for code in codes),
        tuple(map(str, range(count))),
        (None,) * count,
        ("",) * count,
    )


def test_every_method_finds_classes_that_the_base_hardly_tells_apart(tmp_path):
    data = hidden_classes()
    trained, others = np.arange(0, len(data), 2), np.arange(1, len(data), 2)
    codes = data.codes[others]
    before = mean_precision(data.embeddings[others], codes)
    found = {}
    with Trainer(Home(tmp_path)) as trainer:
        for method, mining in [*((one, "semi-hard") for one in METHODS), ("triplet", "hard")]:
            steps = []
            settings = TrainingSettings(method, 8, mining, epochs=25, learning_rate=1e-2)
            head, losses = trainer.head(data, trained, settings, steps.append)
            assert (head.weights.shape, len(losses)) == ((24, 8), 25)
            assert (steps[-1].done, steps[-1].total) == (25, 25)
            assert losses[-1] < losses[0], method
            found[method, mining] = mean_precision(head(data.embeddings[others]), codes)
        again, _ = trainer.head(data, trained, settings, steps.append)
        np.testing.assert_allclose(again.weights, head.weights, atol=1e-3)
    without_labels = found.pop(("autoencoder", "semi-hard"))
    assert min(found.values()) > before + 0.1, (before, found)
    assert without_labels < min(found.values())


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Photos of four colours, a folder each, some of which do not decode; and a home."""
    root = tmp_path_factory.mktemp("album")
    random = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / "photos" / name).mkdir(parents=True)
        for number in range(10):
            pixels = np.clip(colour + random.normal(0, 30, 3), 0, 255).astype(np.uint8)
            picture = Image.new("RGB", (24, 16), tuple(map(int, pixels)))
            picture.putpixel((0, 0), (number, 0, 0))
            picture.save(root / "photos" / name / f"{number}.png")
        for number in range(4):
            (root / "photos" / name / f"broken{number}.jpg").write_text(f"no photo {number}")
    return root


def train(album, *arguments, **more):
    env = environment(album / "home", PYTHONPATH=str(PLUGINS), **more)
    return photofind("train", *arguments, env=env)


@pytest.fixture(scope="module")
def trained(album):
    """What a training by the command printed."""
    done = train(
        album, album / "photos", "--name", "colours", "--extractor", "mean-colour",
        "--dimensions", "2", "--epochs", "2", "--method", "triplet", "--json",
    )  # fmt: skip
    assert done.code == 0, done.notes
    return done


def test_the_card_tells_how_and_how_well(album, trained):
    card = trained.json
    assert card["base"] == "mean-colour@1"
    assert card["classes"] == dict.fromkeys(sorted(COLOURS), 10)
    assert (card["photos"], card["held_out"], card["folds"]) == (40, 8, 2)
    assert (card["held_out_photos"]["queries"], card["held_out_classes"]["queries"]) == (8, 40)
    assert card["settings"]["seed"] == 0
    assert {"photofind", "keras", "tensorflow"} <= card["versions"].keys()
    assert len(card["losses"]) == 2
    sides = card["held_out_photos"], card["held_out_classes"]
    assert card["passed"] == all(s["after"]["value"] >= s["before"]["value"] for s in sides)
    (note,) = (line for line in trained.notes if "cannot be read" in line)
    assert note.startswith("note: 16 of 56 photos cannot be read and are left out, such as ")


@pytest.fixture
def command(album, monkeypatch):
    """Run commands in this process, which costs no start of Python for each."""
    for name, value in {"HOME": album / "home", "NO_DAEMON": 1}.items():
        monkeypatch.setenv(f"PHOTOFIND_{name}", str(value))
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS))
    monkeypatch.syspath_prepend(str(PLUGINS))

    def run(*arguments):
        done = CliRunner().invoke(main, [*map(str, arguments)])
        return Outcome(done.exit_code, done.stdout_bytes, done.stderr_bytes)

    return run


def test_the_card_is_kept_with_the_extractor(command, trained):
    (listed,) = command("train", "--list", "--json").json
    assert listed == trained.json
    info = command("extractors", "info", "colours", "--json").json
    assert info["training"] == trained.json
    assert (info["derives_from"], info["dimension"]) == (["mean-colour@1"], 2)
    shown = command("extractors", "info", "colours").lines
    assert any(line.startswith("classes held out\t") for line in shown)


def test_a_model_that_failed_is_used_where_one_asks_for_it(album, command, trained):
    (file,) = (album / "home/models").glob("colours-*/card.json")
    card = json.loads(file.read_bytes())
    try:
        file.write_text(json.dumps(card | {"passed": False, "remarks": ["it is no better"]}))
        refused = command("extractors", "use", "colours")
        assert refused.code == 2
        assert "colours: it is no better" in refused.notes
        assert any("give --yes" in line for line in refused.notes)
        for arguments in (["mean-colour,colours"], ["colours", "--yes"]):
            assert command("extractors", "use", *arguments).code == 0
        file.write_text(json.dumps(card | {"passed": True}))
        assert command("extractors", "use", "colours").code == 0
    finally:
        file.write_text(json.dumps(card))


def test_a_library_takes_a_trained_head_over(album, command, trained):
    assert command("folders", "add", album / "photos").code == 0
    assert command("extractors", "use", "mean-colour").code == 0
    assert command("index").code == 0
    assert command("extractors", "use", "colours", "--yes").code == 0
    assert command("index").code == 0
    query = album / "photos/red/0.png"
    answer = command("similar", query, "--json", "-n", "5").json
    assert [Path(hit["path"]).parent.name for hit in answer["hits"]].count("red") >= 4
    assert (answer["extractor"], answer["photos"]) == ("colours", 40)


@pytest.fixture
def refusal(album, monkeypatch):
    """Return why a training is refused."""
    monkeypatch.setenv("PHOTOFIND_HOME", str(album / "home"))
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS))
    monkeypatch.syspath_prepend(str(PLUGINS))

    def refused(source="", kind="labels", home=album / "home", **settings):
        wanted = TrainingSettings(**{"method": "proxy", "dimensions": 2} | settings)
        request = TrainingRequest("other", wanted, str(source), kind, "mean-colour")
        with pytest.raises(LearningError) as error:
            train_extractor(Home(home), request)
        assert not [*(home / "models").glob("other*")]
        return error.value.message

    return refused


def test_what_cannot_be_learned_from_is_refused(album, tmp_path, refusal):
    (tmp_path / "empty").mkdir()
    assert "there are no photos in the folders of" in refusal(tmp_path / "empty")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "red").symlink_to(album / "photos/red")
    assert "have the label 'red'" in refusal(tmp_path / "one")
    (tmp_path / "labels.csv").write_text("path,label\ngone.jpg,a\nhere.jpg,b\n")
    assert "2 of the 2 photos in" in refusal(tmp_path / "labels.csv")
    for kind in ("red", "green"):
        (tmp_path / "broken" / kind).mkdir(parents=True)
        for number in range(9):
            (tmp_path / "broken" / kind / f"{number}.jpg").write_text(f"{kind} {number}")
    assert "none of the 18 photos in" in refusal(tmp_path / "broken")


def test_what_the_base_cannot_do_is_refused(album, refusal):
    assert "cannot be fine-tuned" in refusal(album / "photos", fine_tune_layers=1)
    assert "have 3 numbers: what is trained on them cannot have 4" in refusal(
        album / "photos", dimensions=4
    )


def test_a_library_without_labels_is_refused(tmp_path, refusal):
    with open_store(Home(tmp_path), writable=True) as store:
        store.open_space("mean-colour", "1", 3)
        some = [Photo(f"/{n}.jpg", content=f"{n:032x}") for n in range(4)]
        vectors = {one.content: np.ones(3, np.float32) for one in some}
        store.commit(some, "mean-colour@1", vectors)
    assert "no keyword is shared" in refusal(kind="tags", home=tmp_path)
    assert "nobody has judged" in refusal(kind="feedback", home=tmp_path)


def test_another_model_is_replaced_only_when_asked(album, command, trained):
    done = command("train", album / "photos", "--name", "colours")
    assert done.code == 2
    assert "give --yes to replace it" in done.notes[-1]


def test_python_and_the_api_train_in_a_worker(album, trained, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS))
    with PhotoFind(Home(album / "home")) as photofind:
        with pytest.raises(ExtractorError, match="there is an extractor colours already"):
            photofind.train("colours", source=str(album / "photos"))
        with pytest.raises(LearningError, match="a source is needed for labels"):
            photofind.train("other")


def test_killed_in_the_midst_of_fine_tuning_it_goes_on(album, tmp_path):
    """Its worker is killed after an epoch, most likely the first; another one does the others."""
    kinds = ["red", "green", "blue"]
    paths = [str(album / f"photos/{kind}/{number}.png") for kind in kinds for number in range(4)]
    random = np.random.default_rng(0)
    vectors = random.standard_normal((12, 1280)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = [kind for kind in kinds for _ in range(4)]
    data = TrainingData(
        "made", "mobilenet@1", vectors, tuple(labels), tuple(paths), (None,) * 12, tuple(paths)
    )
    settings = TrainingSettings(
        "proxy", 4, epochs=3, batch=3, learning_rate=1e-4, fine_tune_layers=1
    )
    state = tmp_path / "photos/state.json"

    def run(killing):
        with Trainer(Home(tmp_path / "home")) as trainer:
            ended = threading.Event()

            def kill():
                while not state.exists() and not ended.wait(0.05):
                    pass
                os.kill(trainer.pid, signal.SIGKILL)

            if killing:
                killer = threading.Thread(target=kill)
                killer.start()
            try:
                return trainer.fine_tune(
                    data, np.arange(12), settings, DEFAULT_LIMITS, tmp_path, "photos", lambda s: 0
                )
            finally:
                ended.set()
                if killing:
                    killer.join()

    with pytest.raises(WorkerCrashedError):
        run(killing=True)
    first = json.loads(state.read_text())
    assert 1 <= first["epoch"] == len(first["losses"]) < 3
    assert not first["done"]
    embedded, losses = run(killing=False)
    assert len(losses) == 3
    assert losses[: first["epoch"]] == first["losses"]
    assert embedded.shape == (12, 4)
    assert (tmp_path / "photos/model.keras").exists()
