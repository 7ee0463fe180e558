"""Pixels that are scaled twice, or not at all, are noticed on photographs."""

from __future__ import annotations

import numpy as np
import pytest

from photofind.extractors.custom import scale_pixels
from photofind.extractors.mobilenet import MobileNet
from photofind.extractors.models import PREPROCESSINGS
from photofind.extractors.samples import photographs
from photofind.extractors.scaling import scaling_advice


@pytest.fixture(scope="module")
def network():
    return MobileNet()


def embedded(network, pictures, preprocess, scales_itself):
    """What MobileNet makes of pixels in a scaling, where it expects -1 to 1 or scales by itself."""
    values = scale_pixels(pictures, preprocess)
    values = values if scales_itself else (values + 1) * 127.5
    return network.embed(values.clip(0, 255).round().astype(np.uint8))


@pytest.mark.parametrize("scales_itself", [False, True])
def test_the_right_scaling_is_named(network, scales_itself):
    pictures = photographs((128, 128))

    def embed(preprocess):
        return embedded(network, pictures, preprocess, scales_itself)

    advice = {preprocess: scaling_advice(embed, preprocess) for preprocess in PREPROCESSINGS}
    if scales_itself:
        assert advice["none"] == ""
        for wrong in ("mobilenet", "unit"):
            assert "scaled twice" in advice[wrong]
            assert advice[wrong].endswith("with --preprocess none")
    else:
        assert advice["mobilenet"] == advice["unit"] == ""
        assert "they are not scaled" in advice["none"]
        assert advice["none"].endswith("with --preprocess mobilenet")


def test_an_embedding_without_a_scale_has_nothing_to_say():
    pictures = photographs((16, 16))

    def embed(preprocess):
        return scale_pixels(pictures, preprocess).mean(axis=(1, 2)).astype(np.float32)

    assert scaling_advice(embed, "unit") == scaling_advice(embed, "none") == ""
