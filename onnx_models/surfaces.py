"""Floors and tables that people put shoes on, drawn: boards, bricks, cloth, fibres, lights.

Smooth noise alone teaches the finder nothing about straight joints, grain or blades of grass, which
then look like a shoe's edges to it. Colours are free: what matters is the structure.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from onnx_models.dataset import F32, U8

SIDE: Final = 160


def _tint(rng: np.random.Generator) -> F32:
    """A colour (3,), most often muted or wood-like."""
    kind = rng.random()
    if kind < 0.4:
        shade = rng.uniform(0.15, 0.95)
        return np.asarray(shade * np.array([1.0, rng.uniform(0.7, 0.9), rng.uniform(0.4, 0.75)]))
    if kind < 0.8:
        return np.asarray(rng.uniform(0.1, 0.95) * (1 + rng.normal(0, 0.08, 3)))
    return rng.random(3, dtype=np.float32)


def _stretched(rng: np.random.Generator, across: int, along: int) -> F32:
    """Noise (SIDE, SIDE) with ``across`` bumps one way and ``along`` the other."""
    grid = rng.random((max(2, across), max(2, along)), dtype=np.float32)
    return np.asarray(cv2.resize(grid, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)


def _boards(rng: np.random.Generator) -> F32:
    width = rng.uniform(12, 60)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    board = np.floor(y / width).astype(int)
    ends = np.floor((x + board * rng.uniform(20, 90)) / rng.uniform(60, 400)).astype(int)
    shades = rng.uniform(0.7, 1.15, (board.max() + 1, ends.max() + 1)).astype(np.float32)
    grain = _stretched(rng, int(rng.integers(30, 120)), int(rng.integers(2, 8)))
    shade = shades[board, ends] * (1 - rng.uniform(0.05, 0.5) * grain)
    joint = (y % width) < rng.uniform(0.5, 2.5)
    shade[joint] *= rng.uniform(0.3, 0.9)
    return np.asarray(shade[..., None] * _tint(rng), np.float32)


def _bricks(rng: np.random.Generator) -> F32:
    high = rng.uniform(8, 60)
    wide = high * rng.uniform(1.0, 3.0)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    course = np.floor(y / high).astype(int)
    shifted = x + (course % 2) * wide * rng.choice([0.0, 0.5])
    stone = np.floor(shifted / wide).astype(int)
    shades = rng.normal(1, rng.uniform(0.02, 0.2), (course.max() + 1, stone.max() + 1))
    image = shades[course, stone][..., None] * _tint(rng)
    gap = rng.uniform(0.5, 4)
    joint = (y % high < gap) | (shifted % wide < gap)
    image[joint] = _tint(rng) if rng.random() < 0.5 else image[joint] * rng.uniform(0.4, 0.9)
    return np.asarray(image, np.float32)


def _cloth(rng: np.random.Generator) -> F32:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    pitch, depth = rng.uniform(2.5, 9), rng.uniform(0.05, 0.4)
    weave = np.sin(x * 2 * np.pi / pitch) * np.sin(y * 2 * np.pi / pitch + x * rng.uniform(0, 0.5))
    folds = _stretched(rng, int(rng.integers(2, 6)), int(rng.integers(2, 6)))
    shade = (1 + depth * weave) * (0.6 + 0.6 * folds)
    image = shade[..., None] * _tint(rng)
    if rng.random() < 0.3:
        band = rng.uniform(8, 40)
        image[(np.floor(x / band) % 2 == 0)] *= _tint(rng) + 0.3
    return np.asarray(image, np.float32)


def _fibres(rng: np.random.Generator) -> F32:
    """Grass, a thick carpet, straw: short strokes."""
    base = _tint(rng) if rng.random() < 0.5 else np.array([0.3, 0.45, 0.15]) * rng.uniform(0.4, 1.6)
    canvas = np.ones((SIDE, SIDE, 3), np.float32) * base.astype(np.float32) * 0.7
    lean, spread, reach = rng.normal(0, 0.6), rng.uniform(0.1, 1.2), rng.uniform(4, 18)
    for x, y in rng.integers(0, SIDE, (int(rng.integers(250, 700)), 2)):
        angle = lean + rng.normal(0, spread)
        end = (int(x + np.sin(angle) * reach), int(y - np.cos(angle) * reach))
        tint = base * rng.uniform(0.5, 1.6)
        cv2.line(canvas, (int(x), int(y)), end, tuple(map(float, tint)), 1, cv2.LINE_AA)
    return canvas


def _lights(rng: np.random.Generator) -> F32:
    """A room out of focus."""
    canvas = np.ones((SIDE, SIDE, 3), np.float32) * np.float32(_tint(rng))
    for _ in range(int(rng.integers(4, 18))):
        x, y = (int(v) for v in rng.integers(0, SIDE, 2))
        tint = tuple(map(float, rng.random(3) * rng.uniform(0.3, 1.1)))
        if rng.random() < 0.5:
            cv2.circle(canvas, (x, y), int(rng.integers(4, 40)), tint, -1)
        else:
            a, b = (int(v) for v in rng.integers(6, 80, 2))
            cv2.rectangle(canvas, (x, y), (x + a, y + b), tint, -1)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.5, 7)), np.float32)


_KINDS: Final = (_boards, _boards, _bricks, _cloth, _fibres, _lights)


def _laid(rng: np.random.Generator, image: F32) -> F32:
    """Turned, and seen at a slant."""
    corners = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float32)
    turn = rng.uniform(0, np.pi) if rng.random() < 0.7 else 0.0
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    target = (corners - SIDE / 2) @ spin * 1.5
    if rng.random() < 0.6:
        target[:, 0] *= 1 + rng.uniform(0, 0.6) * target[:, 1] / SIDE
    matrix = cv2.getPerspectiveTransform(corners, np.asarray(target + SIDE / 2, np.float32))
    seen = cv2.warpPerspective(
        image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(seen, np.float32)


def surface(rng: np.random.Generator) -> U8:
    """A surface (160, 160, 3), sometimes with another one standing behind it."""

    def one() -> F32:
        return _laid(rng, _KINDS[int(rng.integers(len(_KINDS)))](rng))

    image = one()
    if rng.random() < 0.35:
        horizon = int(rng.uniform(0.2, 0.6) * SIDE)
        image[:horizon] = one()[:horizon]
    if rng.random() < 0.5:
        ramp = cv2.resize(
            rng.uniform(0.6, 1.25, (2, 2)).astype(np.float32), (SIDE, SIDE),
            interpolation=cv2.INTER_LINEAR,
        )  # fmt: skip
        image = image * ramp[..., None]
    if rng.random() < 0.6:
        grain = rng.normal(0, rng.uniform(0.005, 0.06), (SIDE, SIDE, 1))
        image = image + grain.astype(np.float32)
    return np.asarray(np.clip(image, 0, 1) * 255, np.uint8)
