"""What likens shoes, read again from what the trunk sees once it has learned all else.

While a trunk learns, its style is one loss among ten and ends short of what its features hold. So
when training is over the last layer of the style is fitted anew: a ridge regression (Hoerl and
Kennard 1970) from the features of the training pictures to what the pretrained transformer says of
them, in its strongest directions. Agreement with that transformer's triplets of validation pictures
rose from .866 to .894.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from onnx_models.dataset import F32

RIDGE: Final = 1e-3
"""Of the features' mean variance; agreement .894 at 1e-3, .892 at 1e-2, .881 at 1e-1."""


class Likes(NamedTuple):
    """What the pretrained transformer says of n pictures (n, t), and the directions of it (t, s)
    that the style is told in."""

    tokens: F32
    axes: F32


def read_style(features: F32, likes: Likes) -> tuple[F32, F32]:
    """Weight (s, f) and bias (s,) of the layer that reads the style from features (n, f)."""
    told = likes.tokens @ likes.axes
    seen, right = (x.astype(np.float64) for x in (features, told))
    middle, aim = seen.mean(axis=0), right.mean(axis=0)
    seen -= middle
    inner = seen.T @ seen
    inner += np.eye(len(inner)) * RIDGE * np.trace(inner) / len(inner)
    weight = np.linalg.solve(inner, seen.T @ (right - aim))
    return weight.T.astype(np.float32), (aim - middle @ weight).astype(np.float32)
