"""Products with several pictures once more in other colours, all pictures of one alike.

What a top or a sole has to do with a side is known of some hundred products only, and whoever sees
them for hours learns their colours by heart. A map of colours leaves every relation between the
pictures as it is: where the sole's edge has the tread's colour it still has. So each product stands
for several more, that share nothing with it but the model.
"""

from __future__ import annotations

import hashlib
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from onnx_models.dataset import I64, MULTIVIEW_SOURCES, U8, Row
from onnx_models.recoloured import recoloured

SETS: Final = 5
"""How often each product stands there in other colours."""
SHOTS: Final = 3
"""A phone's views of each picture."""
SATURATION: Final = (0.1, 0.8)
"""What stays of it: most shoes are pale, and white or black ones come out of the map in the purest
colours there are."""


def bases(rows: list[Row], masked: npt.NDArray[np.bool_]) -> I64:
    """Which rows there are others of: cut-outs that training may see, of sources with several
    views."""
    several = [row.source in MULTIVIEW_SOURCES and row.used for row in rows]
    return np.flatnonzero(masked & np.array(several))


def name(product: str, time: int) -> str:
    """Of the product in its colours number ``time``."""
    return f"{product}#{time}"


def in_colours(rgba: U8, product: str, time: int) -> U8:
    """A cut-out (s, s, 4) of the product in its colours number ``time``: those of every other
    picture of it."""
    # A white rim would be a line of the same new colour around every picture.
    rgba = np.dstack([rgba[..., :3], cv2.erode(rgba[..., 3], np.ones((3, 3), np.uint8))])
    digest = hashlib.sha256(name(product, time).encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    return np.asarray(recoloured(rgba[None], rng, SATURATION)[0])
