"""Shoes looked at from a little elsewhere, drawn anew each time.

The bank holds four phone's views of a picture, and a trunk that sees them for hours learns them by
heart. A homography near the identity (a zoom, another aspect, a turn, a shear, a step aside, a
plane that leans) and another curve of brightness cost a batch little and never come twice.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from onnx_models.dataset import U8

WARPED: Final = 0.5
"""Share of the crops: the catalogue's, too, but half of them stand as they are cut."""
ZOOM, ASPECT, TURN, SHEAR, ASIDE, LEAN = 0.08, 0.06, 0.09, 0.06, 0.03, 0.07
"""Deviations: of logarithms, of radians, of shares of half the width."""
CURVE: Final = 0.12
"""Of the exponent's logarithm."""


def warped(crops: U8, rng: np.random.Generator) -> U8:
    """Crops (n, h, w, 4), WARPED of them looked at anew; around them is white, nothing opaque."""
    found = crops.copy()
    for at in np.flatnonzero(rng.random(len(crops)) < WARPED):
        height, width = crops.shape[1:3]
        seen = cv2.warpPerspective(
            crops[at], _homography(height, width, rng), (width, height),
            flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255, 0),
        )  # fmt: skip
        table = (np.arange(256) / 255) ** np.exp(rng.normal(0, CURVE)) * 255 + 0.5
        # White stays white, so what is behind a cut-out does.
        seen[..., :3] = table.astype(np.uint8)[seen[..., :3]]
        found[at] = seen
    return found


def _homography(height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Pixels to pixels, about the crop's middle."""
    zoom, aspect, turn, shear = rng.normal(0, (ZOOM, ASPECT / 2, TURN, SHEAR))
    cos, sin, half = np.cos(turn), np.sin(turn), width / 2
    across, down = np.exp(zoom + aspect), np.exp(zoom - aspect)
    near = np.eye(3)
    near[:2, :2] = [[across * cos, shear - across * sin], [down * sin, down * cos]]
    near[:2, 2] = rng.normal(0, ASIDE, 2)
    near[2, :2] = rng.normal(0, LEAN, 2)
    middle = np.array([[half, 0, half], [0, half, height / 2], [0, 0, 1]])
    return np.asarray(middle @ near @ np.linalg.inv(middle), np.float64)
