"""The icon in all states and sizes: distinct, transparent, and visible on any panel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from photofind.desktop.icon import IconState, draw

SIZES = (16, 22, 24, 32, 48, 64, 96)


def on(background: str, state: IconState, size: int) -> np.ndarray:
    icon = draw(state, size)
    panel = Image.new("RGB", icon.size, background)
    panel.paste(icon, mask=icon)
    return np.asarray(panel, dtype=float)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("background", ["#1a1a1a", "#2e3440", "#808080", "#f0f0f0", "#ffffff"])
def test_states_differ_on_every_panel(size: int, background: str) -> None:
    for one, other in itertools.combinations(IconState, 2):
        apart = np.abs(on(background, one, size) - on(background, other, size)).max(axis=2)
        assert (apart > 60).mean() > 0.05, (one, other)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", IconState)
@pytest.mark.parametrize("background", ["#000000", "#2e3440", "#f0f0f0", "#ffffff"])
def test_it_stands_out_from_every_panel(size: int, state: IconState, background: str) -> None:
    empty = np.asarray(Image.new("RGB", (size, size), background), dtype=float)
    apart = np.abs(on(background, state, size) - empty).max(axis=2)
    assert (apart > 60).mean() > 0.3


@pytest.mark.parametrize("size", SIZES)
def test_the_edges_of_the_photos_are_sharp(size: int) -> None:
    alpha = np.asarray(draw(IconState.IDLE, size))[:, :, 3]
    across = alpha[size // 2, : size // 4]  # From outside across the left edge into the photo.
    assert 255 in across
    assert set(np.unique(across)) <= {0, 255}


@pytest.mark.parametrize("state", IconState)
def test_the_background_is_transparent(state: IconState) -> None:
    alpha = np.asarray(draw(state, 64))[:, :, 3]
    assert alpha[0, 0] == alpha[-1, 0] == 0
    assert (alpha == 255).mean() > 0.3
