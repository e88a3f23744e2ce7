"""The colours of the map: visible on their ground, and apart from each other for everyone."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import ui.assets

ASSETS = Path(ui.assets.__file__).parent
GROUND = {"light": "#ffffff", "dark": "#1d2125"}
# What no, red-, green- and blue-blind eyes see of linear RGB (Machado, Oliveira and Fernandes, 2009, severity 1).
EYES = {
    "all": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    lms = rgb @ np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                          [0.0883024619, 0.2817188376, 0.6299787005]]).T  # fmt: skip
    return np.cbrt(np.maximum(lms, 0)) @ np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                          [1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]]).T  # fmt: skip


def colours(theme: str, letter: str) -> list[str]:
    light, dark = (ASSETS / "atlas.css").read_text(encoding="utf-8").split("body.dark", 1)
    source = light if theme == "light" else dark.split("}", 1)[0]
    return [colour for _, colour in sorted(re.findall(rf"--pc-{letter}(\d): (#\w{{6}})", source))]


@pytest.mark.parametrize("theme", GROUND)
@pytest.mark.parametrize(("letter", "number"), [("t", 8), ("y", 6)])
def test_a_dot_can_be_seen(theme: str, letter: str, number: int) -> None:
    found = colours(theme, letter)
    assert len(found) == number
    assert min(contrast(colour, GROUND[theme]) for colour in found) >= 3


@pytest.mark.parametrize("theme", GROUND)
@pytest.mark.parametrize("eyes", EYES)
def test_two_topics_can_be_told_apart_by_all_eyes(theme: str, eyes: str) -> None:
    seen = [oklab(np.clip(linear(colour) @ EYES[eyes].T, 0, 1)) for colour in colours(theme, "t")]
    least = min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))
    assert least >= (0.15 if eyes == "all" else 0.09)


@pytest.mark.parametrize("theme", GROUND)
def test_years_grow_in_one_direction(theme: str) -> None:
    brightness = [oklab(linear(colour))[0] for colour in colours(theme, "y")]
    assert brightness == sorted(brightness, reverse=theme == "light")
