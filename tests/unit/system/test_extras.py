"""Without extras photofind works; what needs one says what installs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from photofind.app.evaluation import evaluate_photos
from photofind.app.resources import Resources
from photofind.app.training import TrainingRequest, train_extractor
from photofind.errors import ExtractorError, LearningError
from photofind.extractors.add_model import add_model
from photofind.extractors.models import Model
from photofind.extractors.networks import KerasNetwork
from photofind.learning.training.settings import TrainingSettings
from photofind.paths import Home

HEAVY = {"keras", "tensorflow", "h5py", "matplotlib"}

WANT_IT: dict[str, Callable[[Home], object]] = {
    "training": lambda home: train_extractor(
        home, TrainingRequest("mine", TrainingSettings("proxy"))
    ),
    "a Keras model": lambda home: add_model(home, Model("mine", "/nowhere/mine.keras", "")),
    "its network": lambda home: KerasNetwork("somebody.elses:build", {}, "1"),
}


@pytest.mark.parametrize("wanted_by", WANT_IT)
@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (["keras"], "needs Keras, which is not installed"),
        (["keras", "tensorflow"], "needs Keras and TensorFlow, which are not installed"),
    ],
)
def test_what_is_missing_is_named(
    home: Home, monkeypatch: pytest.MonkeyPatch, wanted_by: str, missing: list[str], named: str
) -> None:
    for package in missing:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExtractorError) as caught:
        WANT_IT[wanted_by](home)
    assert caught.value.message == f"{wanted_by} {named}"
    assert 'plugins install "photofind[keras]"' in (caught.value.hint or "")
    assert not Path(home.root).exists()


def test_plots_need_matplotlib(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(LearningError, match=r"which is not installed.*photofind\[evaluate\]"):
        evaluate_photos(Resources(home, resident=False), "/nowhere")


def test_only_extras_bring_tensorflow_and_matplotlib() -> None:
    here = [Requirement(line) for line in requires("photofind") or ()]

    def brought(extra: str) -> set[str]:
        return {
            one.name for one in here if one.marker is None or one.marker.evaluate({"extra": extra})
        }

    litert = "ai-edge-litert" in brought("")
    assert brought("") & HEAVY == (set() if litert else {"tensorflow"})
    assert brought("keras") | brought("evaluate") >= HEAVY
