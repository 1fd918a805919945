"""From a picture to the array that a manifest's input describes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.vision.manifest import Input

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}


def fit(image: Image.Image, spec: Input) -> Image.Image:
    """The RGB picture resized to ``spec.width`` x ``spec.height`` by its resize rule."""
    how = _FILTERS[spec.interpolation]
    target = (spec.width, spec.height)
    if spec.resize == "stretch":
        return image.resize(target, how)
    if spec.resize == "crop":
        scale = (spec.short_side or max(target)) / min(image.size)
        wide, high = (max(a, round(b * scale)) for a, b in zip(target, image.size, strict=True))
        left, top = (wide - spec.width) // 2, (high - spec.height) // 2
        resized = image.resize((wide, high), how)
        return resized.crop((left, top, left + spec.width, top + spec.height))
    scale = min(spec.width / image.width, spec.height / image.height)
    wide, high = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    resized = image.resize((wide, high), how)
    if (wide, high) == target:
        return resized
    canvas = Image.new("RGB", target, spec.fill)
    canvas.paste(resized, ((spec.width - wide) // 2, (spec.height - high) // 2))
    return canvas


def to_array(image: Image.Image, spec: Input) -> npt.NDArray[Any]:
    """One model input without the batch axis: (H, W, 3) or (3, H, W), uint8 or float32."""
    pixels: npt.NDArray[Any] = np.asarray(fit(_rgb(image), spec))
    if spec.dtype == "float32":
        pixels = pixels.astype(np.float32)
        if spec.scale is not None:
            pixels *= np.float32(spec.scale)
        if spec.mean is not None:
            pixels -= np.asarray(spec.mean, np.float32)
        if spec.std is not None:
            pixels /= np.asarray(spec.std, np.float32)
    if spec.layout == "NCHW":
        pixels = pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(pixels)


def _rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")
