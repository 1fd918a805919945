"""Training views: a catalogue picture turned into what a phone, or another shop, would send.

Two kinds of view of (192, 192, 4) RGBA cut-outs:

* ``reshoot``: shoe on another backdrop, other angle, light, white balance, lens and compression;
* ``catalogue``: the mild differences between shops' own studio pictures.

The ranges are broader than any camera needs, in the spirit of domain randomisation (Tobin et al.
2017, arXiv 1703.06907), and are not tuned to the project's fixed evaluation. Everything is cv2 on
small uint8 arrays: about a millisecond a view, so one worker keeps two training threads busy.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from onnx_models.dataset import CACHE_SIZE, F32, FILL, I64, U8
from onnx_models.surfaces import surface

BACKDROP: Final = 160
Matrix = npt.NDArray[np.float64]


def _smooth_noise(rng: np.random.Generator, cells: int, channels: int) -> F32:
    grid = rng.random((cells, cells, channels), dtype=np.float32)
    grown = cv2.resize(grid, (BACKDROP, BACKDROP), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, np.float32).reshape(BACKDROP, BACKDROP, channels)


def drawn_backdrop(rng: np.random.Generator) -> U8:
    """A procedural surface (160, 160, 3): flat, gradient, clouds, stripes, tiles or grain."""
    base = rng.random(3, dtype=np.float32) * rng.uniform(0.3, 1.0)
    if rng.random() < 0.5:
        base = base.mean() + (base - base.mean()) * 0.25
    other = np.clip(base + rng.normal(0, 0.25, 3), 0, 1).astype(np.float32)
    kind = rng.integers(5)
    y, x = np.mgrid[0:BACKDROP, 0:BACKDROP].astype(np.float32) / BACKDROP
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    if kind == 0:
        weight = np.clip(along, 0, 1)
    elif kind == 1:
        weight = _smooth_noise(rng, int(rng.integers(2, 12)), 1)[..., 0]
    elif kind == 2:
        weight = 0.5 + 0.5 * np.sign(np.sin(along * rng.uniform(10, 90)))
    elif kind == 3:
        across = y * np.cos(angle) - x * np.sin(angle)
        step = rng.uniform(3, 16)
        weight = (np.floor(along * step) + np.floor(across * step)) % 2
    else:
        grains = enumerate((4, 12, 40))
        octaves = [_smooth_noise(rng, cells, 1)[..., 0] / (i + 1) for i, cells in grains]
        weight = np.sum(octaves, axis=0) / 1.8
    image = base + (other - base) * weight[..., None]
    if rng.random() < 0.6:
        image = image + rng.normal(0, rng.uniform(0.01, 0.08), image.shape)
    return np.asarray(np.clip(image * 255, 0, 255), np.uint8)


def drawn_scene(rng: np.random.Generator) -> U8:
    """A picture (160, 160, 3) without a shoe: up to six filled shapes on a surface."""
    scene = drawn_backdrop(rng)
    for _ in range(int(rng.integers(0, 7))):
        stencil = np.zeros((BACKDROP, BACKDROP), np.uint8)
        centre = rng.uniform(0, BACKDROP, 2)
        reach = rng.uniform(0.08, 0.4) * BACKDROP
        if rng.random() < 0.5:
            points = centre + rng.uniform(-reach, reach, (int(rng.integers(3, 8)), 2))
            cv2.fillPoly(stencil, [points.astype(np.int32)], 255)
        else:
            axes = (int(reach), int(reach * rng.uniform(0.3, 1.0)))
            middle = (int(centre[0]), int(centre[1]))
            cv2.ellipse(stencil, middle, axes, rng.uniform(0, 180), 0, 360, 255, -1)
        scene[stencil > 0] = drawn_backdrop(rng)[stencil > 0]
    return scene


def backdrop_pool(rgba: U8, wild: I64, others: I64, count: int, seed: int, laid: float = 0.0) -> U8:
    """Backdrops (count, 160, 160, 3): drawn, crops of wild photographs, textures from zooms; a
    share ``laid`` of drawn floors and tables."""
    rng = np.random.default_rng(seed)
    pool = np.empty((count, BACKDROP, BACKDROP, 3), np.uint8)
    for index in range(count):
        if laid and rng.random() < laid:
            pool[index] = surface(rng)
            continue
        kind = rng.random()
        if kind < 0.45:
            pool[index] = drawn_backdrop(rng)
            continue
        # A wild crop gives real clutter; a strong zoom into any picture gives a real material.
        near = kind < 0.75 and len(wild) > 0
        picture = rgba[int(rng.choice(wild if near else others))][..., :3]
        side = int(CACHE_SIZE * (rng.uniform(0.3, 0.7) if near else rng.uniform(0.1, 0.3)))
        margin = (CACHE_SIZE - side) // (1 if near else 3)
        low = 0 if near else margin
        top, left = rng.integers(low, low + margin + 1, 2)
        crop = np.ascontiguousarray(picture[top : top + side, left : left + side])
        pool[index] = cv2.resize(crop, (BACKDROP, BACKDROP), interpolation=cv2.INTER_CUBIC)
    return pool


def _placement(
    rng: np.random.Generator,
    box: npt.NDArray[Any],
    size: int,
    scale: float,
    strength: float,
    frame: npt.NDArray[Any],
) -> Matrix:
    """Homography (3, 3) from the cached picture to the view.

    ``scale`` = longer side of the shoe's box over the side of the view; ``strength`` in 0..1
    multiplies rotation, perspective and the offset from the centre; ``frame`` = the photograph's
    share of the view's width and height.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    half = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    source = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    long_side = max(x1 - x0, y1 - y0)
    extent = np.array([x1 - x0, y1 - y0]) / long_side * scale * size
    stretch = np.exp(rng.normal(0, 0.08 * strength))
    corners = half * extent * np.array([stretch, 1 / stretch])
    corners += rng.uniform(-0.5, 0.5, (4, 2)) * extent.min() * 0.4 * strength
    degrees = rng.normal(0, 14 * strength)
    if strength > 0.5 and rng.random() < 0.08:
        degrees += rng.uniform(-90, 90)
    turn = np.deg2rad(degrees)
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = corners @ rotate
    if rng.random() < 0.5:
        corners[:, 0] *= -1
    room = np.maximum(size * frame / 2 - np.abs(corners).max(axis=0), size * 0.06 * strength)
    corners += size / 2 + rng.uniform(-1, 1, 2) * room * min(1.0, strength + 0.2)
    return np.asarray(cv2.getPerspectiveTransform(source, corners.astype(np.float32)), np.float64)


def _light(rng: np.random.Generator, image: U8, strength: float) -> U8:
    """Exposure, white balance, gamma and saturation, as one table a channel and one matrix."""
    ramp = np.arange(256, dtype=np.float32) / 255
    gains = np.exp(rng.normal(0, 0.14 * strength, 3)) * np.exp(rng.normal(0, 0.28 * strength))
    curve = ramp ** np.exp(rng.normal(0, 0.2 * strength))
    lift = rng.uniform(0, 0.12) * strength * (rng.random() < 0.3)
    table = np.clip((lift + curve[:, None] * gains * (1 - lift)) * 255, 0, 255).astype(np.uint8)
    lit = cv2.LUT(image, table[:, None, :])
    if rng.random() < 0.6:
        grey = np.array([[0.299, 0.587, 0.114]], np.float32).repeat(3, axis=0)
        amount = np.exp(rng.normal(0, 0.25 * strength))
        matrix = amount * np.eye(3, dtype=np.float32) + (1 - amount) * grey
        lit = cv2.transform(lit, matrix.astype(np.float32))
    return np.asarray(lit, np.uint8)


def _jpeg(image: U8, quality: list[int]) -> U8:
    """Through JPEG and back."""
    return np.asarray(
        cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR), np.uint8
    )


def _lens(rng: np.random.Generator, image: U8) -> U8:
    """Uneven light, lost resolution, blur, sensor noise and JPEG."""
    size = image.shape[0]
    if rng.random() < 0.4:
        corners = np.exp(rng.normal(0, 0.25, (2, 2))).astype(np.float32)
        ramp = cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)
        image = np.clip(image * ramp[..., None], 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        small = int(size * rng.uniform(0.35, 0.9))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.4:
        if rng.random() < 0.3:
            length = int(rng.integers(2, 6))
            kernel = np.zeros((length, length), np.float32)
            start, end = (int(rng.integers(length)) for _ in range(2))
            cv2.line(kernel, (0, start), (length - 1, end), 1)
            image = cv2.filter2D(image, -1, kernel / kernel.sum())
        else:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.4))
    if rng.random() < 0.5:
        sigma = rng.uniform(1, 12)
        noise = rng.standard_normal((size, size, 3), dtype=np.float32) * sigma
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))]
        image = _jpeg(image, quality)
    return np.asarray(image, np.uint8)


def _occlude(rng: np.random.Generator, image: U8, mask: U8, cover: U8) -> None:
    """Hide a strip or a patch behind another texture, in place (random erasing, 1708.04896)."""
    size = image.shape[0]
    width, height = (rng.uniform(0.1, 0.4, 2) * size).astype(int)
    x, y = int(rng.integers(size - width)), int(rng.integers(size - height))
    image[y : y + height, x : x + width] = cover[y : y + height, x : x + width]
    mask[y : y + height, x : x + width] = 0


class Camera:
    """Makes views from the cache; each worker owns one, with its own random stream."""

    def __init__(
        self, backdrops: U8, size: int, rng: np.random.Generator, strength: float = 1.0
    ) -> None:
        self.backdrops, self.size, self.rng, self.strength = backdrops, size, rng, strength

    def _backdrop(self) -> U8:
        rng, size = self.rng, self.size
        picture = self.backdrops[int(rng.integers(len(self.backdrops)))]
        side = int(rng.uniform(0.4, 1.0) * BACKDROP)
        top, left = rng.integers(0, BACKDROP - side + 1, 2)
        crop = picture[top : top + side, left : left + side]
        crop = crop[:, ::-1] if rng.random() < 0.5 else crop
        crop = np.ascontiguousarray(crop.transpose(1, 0, 2) if rng.random() < 0.3 else crop)
        return np.asarray(cv2.resize(crop, (size, size)), np.uint8)

    def _warp(
        self,
        rgba: U8,
        box: npt.NDArray[Any],
        scale: float,
        strength: float,
        frame: npt.NDArray[Any],
    ) -> U8:
        matrix = _placement(self.rng, box, self.size, scale, strength, frame)
        return np.asarray(
            cv2.warpPerspective(
                rgba,
                matrix,
                (self.size, self.size),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(255, 255, 255, 0),
            ),
            np.uint8,
        )

    def reshoot(self, rgba: U8, box: npt.NDArray[Any], masked: bool) -> tuple[U8, U8]:
        """A hard view: image (S, S, 3) and its foreground mask (S, S), 0..255."""
        rng, size, strength = self.rng, self.size, self.strength
        close = rng.random() < 0.3 * strength
        scale = rng.uniform(1.0, 1.7) if close else rng.uniform(0.5, 1.0)
        frame = np.ones(2)
        if rng.random() < 0.6:
            frame[int(rng.integers(2))] = rng.uniform(0.5, 1.0)
            extent = np.array([box[2] - box[0], box[3] - box[1]], float)
            scale *= min(1.0, float((frame * extent.max() / extent).min()))
        shot = self._warp(rgba, box, scale, strength, frame)
        image, mask = np.ascontiguousarray(shot[..., :3]), np.ascontiguousarray(shot[..., 3])
        if masked and rng.random() < 0.75:
            # The outermost pixels hold the old backdrop: a halo would give the shoe away.
            mask = np.asarray(cv2.erode(mask, np.ones((3, 3), np.uint8)), np.uint8)
        if masked and rng.random() < 0.85:
            if rng.random() < 0.2 * strength:
                self._pair(image, mask, rgba, box, scale, strength, frame)
            backdrop = self._backdrop()
            if rng.random() < 0.4:
                shift = np.roll(mask, tuple(rng.integers(-size // 12, size // 8, 2)), (0, 1))
                shadow = cv2.GaussianBlur(shift, (0, 0), rng.uniform(2, 8))
                dark = 1 - shadow[..., None] / 255 * rng.uniform(0.2, 0.7)
                backdrop = (backdrop * dark).astype(np.uint8)
            soft = cv2.GaussianBlur(mask, (3, 3), 0)[..., None].astype(np.uint16)
            blend = (image * soft + backdrop * (255 - soft)) // 255
            image = blend.astype(np.uint8)
            if rng.random() < 0.2 * strength:
                _occlude(rng, image, mask, self._backdrop())
        image = _lens(rng, _light(rng, image, strength))
        # A camera's frame is not square: letterboxing leaves white bars beside the photograph.
        bars = ((1 - frame) * size / 2).astype(int)
        outside = np.ones((size, size), bool)
        outside[bars[1] : size - bars[1], bars[0] : size - bars[0]] = False
        image[outside], mask[outside] = FILL, 0
        return image, mask

    def _pair(
        self, image: U8, mask: U8, rgba: U8, box: npt.NDArray[Any], scale: float, strength: float,
        frame: npt.NDArray[Any],
    ) -> None:  # fmt: skip
        """The other shoe of the pair behind the first, at another angle, in place."""
        second = self._warp(rgba, box, scale * self.rng.uniform(0.8, 1.0), strength, frame)
        behind = (mask < 128) & (second[..., 3] >= 128)
        image[behind], mask[behind] = second[..., :3][behind], 255

    def scene(self, picture: U8) -> tuple[U8, U8]:
        """A view of a picture with no shoe in it, and its empty mask."""
        rng = self.rng
        side = int(rng.uniform(0.7, 1.0) * BACKDROP)
        top, left = rng.integers(0, BACKDROP - side + 1, 2)
        crop = np.ascontiguousarray(picture[top : top + side, left : left + side])
        view = np.asarray(cv2.resize(crop, (self.size, self.size)), np.uint8)
        mask = np.zeros((self.size, self.size), np.uint8)
        return _lens(rng, _light(rng, view, self.strength)), mask

    def catalogue(self, rgba: U8, box: npt.NDArray[Any], masked: bool) -> tuple[U8, U8]:
        """A mild view, like the pictures that fill the gallery."""
        rng = self.rng
        whole = np.array([0, 0, CACHE_SIZE, CACHE_SIZE]) if rng.random() < 0.5 else box
        pair = masked and rng.random() < 0.2
        scale = rng.uniform(0.55, 0.8) if pair else rng.uniform(0.8, 1.0)
        shot = self._warp(rgba, box if pair else whole, scale, 0.15, np.ones(2))
        image, mask = np.ascontiguousarray(shot[..., :3]), np.ascontiguousarray(shot[..., 3])
        if pair:  # shops show pairs as well: many products have no other real view
            self._pair(image, mask, rgba, box, scale, 0.5, np.ones(2))
        if masked and rng.random() < 0.3:
            tone = rng.uniform(200, 255) + rng.normal(0, 3, 3)
            image[mask == 0] = np.clip(tone, 0, 255).astype(np.uint8)
        image = _light(rng, image, 0.25)
        if rng.random() < 0.3:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))]
            image = _jpeg(image, quality)
        return np.asarray(image, np.uint8), mask
