"""Finding extractors without importing them, and holding them to their contract."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from loaded_modules import modules_loaded_by

from photofind.errors import ExtractorError
from photofind.extractors.loaded import make_extractor
from photofind.extractors.registry import Plugin, installed, load

PLUGINS = Path(__file__).parents[2] / "extractor_plugins"
PICTURES = np.full((2, 4, 6, 3), 7, np.uint8)


@pytest.fixture(autouse=True)
def _plugins_are_installed(monkeypatch):
    monkeypatch.syspath_prepend(str(PLUGINS))


def test_photofinds_own_extractor_is_found_like_any_other():
    (plugin,) = (plugin for plugin in installed() if plugin.name == "mobilenet")
    assert plugin.target == "photofind.extractors.mobilenet:MobileNet"
    assert plugin.distribution == "photofind"


def test_a_plugin_is_listed_with_its_distribution():
    plugin = Plugin("mean-colour", "plugins_for_tests:Colour", "plugins-for-tests", "1.0")
    assert plugin in installed()


def test_listing_imports_no_plugin_and_nothing_heavy():
    program = (
        "import photofind.extractors.registry as registry, photofind.extractors.extraction\n"
        "assert 'exiting' in [plugin.name for plugin in registry.installed()]\n"
    )
    imported = modules_loaded_by(program, {**os.environ, "PYTHONPATH": str(PLUGINS)})
    assert "photofind.extractors.extraction" in imported
    assert not imported & {
        *("tensorflow", "keras", "ai_edge_litert", "PIL", "numpy"),
        *("plugins_for_tests", "exits_for_tests"),
    }


def test_attributes_of_a_loaded_extractor():
    colour = load("mean-colour")
    assert (colour.name, colour.version) == ("mean-colour", "1")
    assert (colour.input_size, colour.dimension) == ((4, 6), 3)
    assert colour.plugin.distribution_version == "1.0"


def test_vectors_are_scaled_to_unit_length():
    pictures = np.zeros((2, 4, 6, 3), np.uint8)
    pictures[0] = (3, 0, 4)
    vectors = load("mean-colour").embed(pictures)
    assert vectors.dtype == np.float32
    # Black gives a zero vector, which is not scaled.
    np.testing.assert_allclose(vectors, [(0.6, 0, 0.8), (0, 0, 0)], rtol=1e-6)


def test_threads_are_set_if_supported():
    colour = load("mean-colour")
    colour.use_threads(5)
    assert colour._extractor.threads == 5


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("exiting", "cannot be loaded: SystemExit: this plugin wants another machine"),
        ("missing", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("newer", "needs protocol 3, but this photofind has protocol 2"),
        ("misnamed", "it calls itself 'somebody else'"),
        ("unversioned", "its version 1 is not"),
        ("sizeless", "its input size (224,) is not"),
        ("flat", "its dimension 0 is not"),
        ("mute", "it has no method embed"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_refused_by_name(name, reason):
    with pytest.raises(ExtractorError) as caught:
        load(name)
    assert f"the extractor {name!r} of plugins-for-tests 1.0" in caught.value.message
    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raising", "failed: ValueError: no network for this"),
        ("wrong-shape", "it returned vectors of shape (2, 5), not (2, 3)"),
        ("wrong-type", "it returned vectors of float64, not float32"),
        ("not-an-array", "it returned list, not an array"),
        ("not-finite", "it returned vectors with non-finite values"),
    ],
)
def test_a_plugin_that_breaks_its_contract_is_stopped_by_name(name, reason):
    extractor = load(name)
    with pytest.raises(ExtractorError) as caught:
        extractor.embed(PICTURES)
    assert f"the extractor {name!r} of plugins-for-tests 1.0" in caught.value.message
    assert reason in caught.value.message


def test_a_missing_extractor_lists_the_installed_ones():
    with pytest.raises(ExtractorError, match=r"no extractor 'mobilnet'.*installed:.*mobilenet"):
        load("mobilnet")


def test_a_name_provided_twice_is_refused():
    assert [plugin.name for plugin in installed()].count("twice") == 2
    with pytest.raises(ExtractorError, match=r"plugins-for-tests 1.0 and rival-for-tests 2.0"):
        load("twice")


def test_a_plugin_for_another_protocol_says_what_to_do():
    with pytest.raises(ExtractorError) as caught:
        load("newer")
    assert caught.value.hint == "install another version of plugins-for-tests, or of photofind"


def test_a_plugin_may_embed_and_tag_in_one_call():
    vectors, tags = load("describing").describe(PICTURES)
    assert vectors.shape == (2, 3)
    assert [word for word, _ in tags[0]] == ["one red dog", "one green grass", "one blue sky"]
    vectors, tags = load("naming").describe(PICTURES)
    assert [word for word, _ in tags[0]] == ["red dog", "green grass", "blue sky"]
    vectors, tags = load("mean-colour").describe(PICTURES)
    assert (vectors.shape, tags) == ((2, 3), None)


def test_a_batch_has_no_more_pictures_than_are_wanted():
    pictures = np.random.default_rng(1).integers(0, 200, (8, 4, 6, 3), np.uint8)
    describing, naming = load("describing"), load("naming")
    np.testing.assert_array_equal(describing.embed(pictures), naming.embed(pictures))
    vectors, tags = describing.describe(pictures)
    np.testing.assert_array_equal(vectors, naming.embed(pictures))
    assert [one[0][0] for one in tags] == [f"one {one[0][0]}" for one in naming.tags(pictures)]


def test_a_plugin_may_have_pictures_in_their_own_proportions():
    pictures = np.full((3, 8, 8, 3), 51, np.uint8)
    vectors = load("panorama").embed(pictures, [(300, 600), (600, 300), (5, 5000)])
    proportions = vectors[:, 3] / vectors[:, 0] * 0.2
    np.testing.assert_allclose(proportions, (2, 0.5, 1000), rtol=1e-5)
    np.testing.assert_allclose(load("panorama").embed(pictures)[:, 3] / vectors[0, 3] > 0, True)


def test_what_a_plugin_says_of_itself():
    describing, colour = load("describing"), load("mean-colour")
    assert (describing.batch_size, describing.device, describing.idle_seconds) == (3, "gpu", 900)
    assert (colour.batch_size, colour.device, colour.idle_seconds) == (16, None, 0)


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("batch_size", 0, "its batch size 0 is not"),
        ("batch_size", "many", "its batch size 'many' is not"),
        ("aspect", "wide", "its aspect 'wide' is not"),
        ("device", "the one\nbelow", "its device 'the one\\nbelow' is not"),
        ("idle_seconds", -1, "its idle time -1 is not"),
        ("idle_seconds", float("nan"), "its idle time nan is not"),
    ],
)
def test_what_a_plugin_says_of_itself_is_checked(attribute, value, reason):
    from plugins_for_tests import Describing

    odd = type("Odd", (Describing,), {attribute: value})
    plugin = Plugin("describing", "", "the one under test", "")
    with pytest.raises(ExtractorError, match=re.escape(reason)):
        make_extractor(plugin, odd)


def test_abilities_are_found_by_their_methods():
    assert load("mean-colour").abilities == ()
    able = load("able")
    assert able.abilities == ("tags", "embed_text", "feature_map")
    assert able.engine == "NumPy"
    pictures = np.zeros((2, 4, 6, 3), np.uint8)
    pictures[1, ..., 0] = 255
    assert able.tags(pictures) == [[], [("red", 1.0)]]
    assert able.feature_map(pictures).shape == (2, 4, 6, 3)
    np.testing.assert_allclose(np.linalg.norm(able.embed_text(["a", "bc"]), axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("ability", "asked", "reason"),
    [
        ("tags", PICTURES, "it returned tags that are not sorted by confidence"),
        ("embed_text", ["a"], "it returned vectors with non-finite values"),
        ("feature_map", PICTURES, "it returned a feature map of shape (2, 3)"),
    ],
)
def test_an_ability_that_breaks_its_contract_is_stopped_by_name(ability, asked, reason):
    with pytest.raises(ExtractorError) as caught:
        getattr(load("boasting"), ability)(asked)
    assert "'boasting' of plugins-for-tests 1.0 breaks its contract" in caught.value.message
    assert reason in caught.value.message
