"""A bank of training views on disk: made once by all cores, then read by a trainer that needs both.

Drawing a view costs as much as a training step on it. Views made ahead are used many times, with a
cheap jitter on top, so that training itself has the whole machine.

Rows beyond the labelled photographs are drawn shoes (:mod:`app.sketch`), several views each: their
geometry is known, so medial and lateral, side and top of one design are true positives. Of the many
photographs that are a product's only one, some views are of the shoe turned
(:mod:`onnx_models.turned`). Last come products with several pictures in other colours
(:mod:`onnx_models.sets`).
"""

from __future__ import annotations

import math
import multiprocessing
import os
import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from app.sketch.design import random_design
from app.sketch.render import render
from onnx_models import sets
from onnx_models.augment import Camera, drawn_scene
from onnx_models.dataset import (
    CACHE_SIZE,
    F32,
    I64,
    MULTIVIEW_SOURCES,
    PAIR_SOURCES,
    U8,
    Cache,
    Row,
    foreground,
    mask_boxes,
)
from onnx_models.named import models
from onnx_models.same import sold
from onnx_models.turned import turned

MASK: Final = 96
DESIGNS: Final = 500
DRAWN_VIEWS: Final = ("side", "medial", "three_quarter", "top")
CLEAN, MILD, SHOT, SCENE = range(4)
"""Kinds of view: as served, another studio's, a phone's, and one without a shoe."""
SHOTS: Final = 4
SHOTS_MULTIVIEW: Final = 14
SCENES: Final = 2500
TURNED_SHOTS: Final = 2
"""Of a phone's SHOTS, and every other shop's view, where a product has one photograph."""
LEFT, RIGHT, TURNED = 1, 2, 3
"""What is done to the cut-out before a view is made of it: one shoe of a pair, or turned."""
BLOCK: Final = 256


@dataclass(frozen=True)
class Bank:
    """N views; ``rows`` counts labelled photographs first, then drawn ones, then each of ``bases``
    (b,) in other colours SETS times; -1 is a scene.

    ``views`` (N, 192, 192, 3) uint8, ``masks`` (N, 96, 96) uint8, ``kinds`` (N,), ``light`` (N, 3):
    mean log colour of the shoe in its clean picture less that in the view (0 where unknown),
    ``masked`` (N,): the mask is known; ``seen`` (N,): training may use it (held-out pictures' clean
    views are there too).
    """

    views: U8
    masks: U8
    rows: I64
    kinds: U8
    light: F32
    masked: npt.NDArray[np.bool_]
    seen: npt.NDArray[np.bool_]
    bases: I64

    @property
    def repainted(self) -> int:
        """The first row of a photograph in other colours."""
        return int(self.rows.max()) + 1 - sets.SETS * len(self.bases)


def coded(names: list[str], bank: Bank, apart: bool) -> I64:
    """A code for each labelled row's name, then each drawn row's design, then each row in other
    colours: ``apart``: a name of its own, else its photograph's."""
    drawn = bank.repainted - len(names)
    every = names + [f"drawn/{i // len(DRAWN_VIEWS)}" for i in range(drawn)]
    for time in range(sets.SETS):
        every += [sets.name(names[i], time) if apart else names[i] for i in bank.bases]
    return np.unique(every, return_inverse=True)[1].astype(np.int64)


def products_of(rows: list[Row], bank: Bank) -> I64:
    """A code of every row's product, whichever shops sell it."""
    return coded(sold(rows), bank, apart=True)


def codes_of(rows: list[Row], bank: Bank) -> tuple[I64, I64]:
    """Codes of every row's product, as :func:`products_of`, and of its model."""
    return products_of(rows, bank), coded(models(rows), bank, apart=False)


def trained_places(bank: Bank) -> dict[int, dict[int, I64]]:
    """Where in the bank the views that training may see stand, by row and kind: of rows that have
    a phone's and the clean one."""
    grouped: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place in np.flatnonzero(bank.seen & (bank.rows >= 0)):
        grouped[int(bank.rows[place])][int(bank.kinds[place])].append(int(place))
    return {
        row: {kind: np.array(found) for kind, found in kinds.items()}
        for row, kinds in grouped.items()
        if SHOT in kinds and CLEAN in kinds
    }


def clean_places(bank: Bank) -> I64:
    """Where in the bank each row's clean picture stands, (rows,)."""
    place = np.full(int(bank.rows.max()) + 1, -1, np.int64)
    clean = np.flatnonzero((bank.kinds == CLEAN) & (bank.rows >= 0))
    place[bank.rows[clean]] = clean
    return place


class Several(NamedTuple):
    """Rows of one product together, of products with more than one: of photographs of one shop, of
    photographs of several, of drawn shoes, of photographs in other colours."""

    real: list[I64]
    shared: list[I64]
    drawn: list[I64]
    repainted: list[I64]


def several(rows: Iterable[int], labelled: list[Row], products: I64, bank: Bank) -> Several:
    """Of ``rows``, the first of which are the ``labelled`` photographs; ``products`` as
    :func:`products_of` has them."""
    own = coded([row.product for row in labelled], bank, apart=True)
    ends = (len(labelled), bank.repainted)
    kinds: list[dict[int, list[int]]] = [defaultdict(list) for _ in range(len(ends) + 1)]
    shops: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        kind = bisect_right(ends, row)
        kinds[kind][int(own[row])].append(row)
        if kind == 0:
            shops[int(products[row])].append(row)
    real, *made = ([np.array(g) for g in kind.values() if len(g) > 1] for kind in kinds)
    shared = [np.array(g) for g in shops.values() if len(set(own[g].tolist())) > 1]
    return Several(real, shared, *made)


def drawn_pictures(where: Path) -> U8:
    """Drawn shoes (DESIGNS * views, 192, 192, 4) with masks, a memory map; made once."""
    path = where / "drawn.npy"
    if not path.exists():
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            made = [one for many in pool.imap(_draw, range(DESIGNS), chunksize=8) for one in many]
        np.save(path, np.stack(made))
    pictures: U8 = np.load(path, mmap_mode="r")
    return pictures


def _draw(seed: int) -> list[U8]:
    design = random_design(seed)
    made = []
    for view in DRAWN_VIEWS:
        rgb = np.asarray(render(design, view, (CACHE_SIZE, CACHE_SIZE), "white", seed), np.uint8)
        made.append(np.dstack([rgb, foreground(np.ascontiguousarray(rgb))]))
    return made


def _half(rgba: U8, box: I64, side: int) -> tuple[U8, I64]:
    """One shoe of a picture of a pair: the left or right 55 % of the cut-out."""
    x0, y0, x1, y1 = (int(v) for v in box)
    width = int((x1 - x0) * 0.55)
    low, high = (x0, x0 + width) if side == LEFT else (x1 - width, x1)
    cut = rgba.copy()
    cut[:, :low] = cut[:, high:] = (255, 255, 255, 0)
    return cut, np.array([low, y0, high, y1])


def _mean_log(rgb: U8, mask: U8) -> F32 | None:
    inside = mask > 127
    if inside.sum() < 60:
        return None
    logs = np.log(rgb[inside].astype(np.float32) / 255 + 0.03)
    return np.asarray(logs.mean(axis=0), np.float32)


def _plan(rows: list[Row], masked: npt.NDArray[np.bool_], drawn: int) -> list[tuple[int, int, int]]:
    """(row, kind, what is done to the cut-out) of every view; a studio that is held has views too,
    which training does not see while it is."""
    first = len(rows) + drawn
    others = range(first, first + sets.SETS * len(sets.bases(rows, masked)))
    plan = [(i, CLEAN, 0) for i in range(others.stop)]
    for i, row in enumerate(rows):
        if not row.used:
            continue
        several, pair = row.source in MULTIVIEW_SOURCES, row.source in PAIR_SOURCES
        alone = masked[i] and row.setting == "studio" and not several and not pair
        moved = TURNED_SHOTS if alone else 0
        plan += [(i, MILD, TURNED if alone and i % 2 else 0)] * (3 if several else 1)
        plan += [(i, SHOT, TURNED)] * moved
        plan += [(i, SHOT, 0)] * ((SHOTS_MULTIVIEW if several else SHOTS) - moved)
        if pair:
            plan += [(i, SHOT, side) for side in (LEFT, RIGHT, LEFT, RIGHT)]
    plan += [(len(rows) + i, SHOT, 0) for i in range(drawn) for _ in range(2)]
    plan += [(i, SHOT, 0) for i in others for _ in range(sets.SHOTS)]
    plan += [(-1, SCENE, 0)] * SCENES
    random.Random(5).shuffle(plan)
    return plan


def _thinned(plan: list[tuple[int, int, int]], share: float) -> list[tuple[int, int, int]]:
    """About a ``share`` of the views; of each row and kind, turned or not, one at the least."""
    met: dict[tuple[int, int, int], int] = defaultdict(int)
    kept = []
    for entry in plan:
        at = met[entry]
        if math.floor(at * share) > math.floor((at - 1) * share):
            kept.append(entry)
        met[entry] += 1
    return kept


def _fill(job: tuple[Path, Path, int, int, int]) -> None:
    """Make the views from ``start`` to ``stop``."""
    where, cache, start, stop, seed = job
    cv2.setNumThreads(1)
    rng = np.random.default_rng((seed, start))
    views = np.load(where / "views.npy", mmap_mode="r+")
    masks = np.load(where / "masks.npy", mmap_mode="r+")
    light = np.load(where / "light.npy", mmap_mode="r+")
    plan = np.load(where / "plan.npy")
    rgba, boxes = np.load(cache / "rgba.npy", mmap_mode="r"), np.load(cache / "boxes.npy")
    masked = np.load(cache / "masked.npy")
    drawn = np.array(drawn_pictures(cache))
    drawn_boxes = mask_boxes(drawn)
    bases, products = np.load(where / "bases.npy"), np.load(where / "products.npy")
    camera = Camera(np.load(where / "backdrops.npy", mmap_mode="r"), CACHE_SIZE, rng)
    for place in range(start, stop):
        row, kind, done = (int(v) for v in plan[place])
        camera.strength = rng.uniform(0.3, 1.0)
        if kind == SCENE:
            view, mask = camera.scene(drawn_scene(rng))
        else:
            at = row - len(rgba)
            whole = at >= 0 or bool(masked[row])
            if at < 0:
                picture, box = rgba[row], boxes[row]
            elif at < len(drawn):
                picture, box = drawn[at], drawn_boxes[at]
            else:
                time, base = divmod(at - len(drawn), len(bases))
                picture = sets.in_colours(rgba[bases[base]], products[base], time)
                box = boxes[bases[base]]
            if done == TURNED:
                picture, box = turned(np.array(picture), rng) or (picture, box)
            elif done:
                picture, box = _half(picture, box, done)
            if kind == CLEAN:
                view, mask = picture[..., :3], picture[..., 3]
            else:
                make = camera.catalogue if kind == MILD else camera.reshoot
                view, mask = make(picture, box, whole)
                before = _mean_log(picture[..., :3], picture[..., 3])
                after = _mean_log(view, mask)
                if whole and before is not None and after is not None:
                    light[place] = before - after
        views[place] = view
        masks[place] = cv2.resize(mask, (MASK, MASK), interpolation=cv2.INTER_AREA)


def build_bank(
    rows: list[Row], cache: Cache, folder: Path, backdrops: U8, seed: int, share: float = 1.0
) -> Bank:
    """Make the bank under ``folder / "bank"`` (some minutes), or open what is there: all views, or
    a ``share``, of which a slow machine sees no more."""
    where = folder / "bank"
    where.mkdir(exist_ok=True)
    drawn = drawn_pictures(folder)
    done = where / "done"
    if not done.exists():
        plan = np.array(_thinned(_plan(rows, cache.masked, len(drawn)), share), np.int64)
        keep_bases(rows, cache, where)
        np.save(where / "plan.npy", plan)
        np.save(where / "backdrops.npy", backdrops)
        for name, shape, dtype in (
            ("views", (len(plan), CACHE_SIZE, CACHE_SIZE, 3), np.uint8),
            ("masks", (len(plan), MASK, MASK), np.uint8),
            ("light", (len(plan), 3), np.float32),
        ):
            np.lib.format.open_memmap(where / f"{name}.npy", "w+", dtype, shape).flush()
        jobs = [
            (where, folder, start, min(start + BLOCK, len(plan)), seed)
            for start in range(0, len(plan), BLOCK)
        ]
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            for count, _ in enumerate(pool.imap_unordered(_fill, jobs)):
                if count % 50 == 0:
                    print(f"bank: {count * BLOCK} of {len(plan)} views", flush=True)
        done.write_text("1")
    return open_bank(rows, cache, folder)


def keep_bases(rows: list[Row], cache: Cache, where: Path) -> None:
    """Note which photographs stand there in other colours, and their products' names."""
    bases = sets.bases(rows, cache.masked)
    np.save(where / "bases.npy", bases)
    np.save(where / "products.npy", np.array([rows[i].product for i in bases], np.str_))


def open_bank(rows: list[Row], cache: Cache, folder: Path) -> Bank:
    """The bank that :func:`build_bank` made.

    Raises:
        FileNotFoundError: there is none.
    """
    where = folder / "bank"
    if not (where / "done").exists():
        raise FileNotFoundError(f"no bank of views in {where}: onnx_models.train makes it")
    drawn = drawn_pictures(folder)
    plan, bases = np.load(where / "plan.npy"), np.load(where / "bases.npy")
    made = tuple(np.load(where / f"{name}.npy", mmap_mode="r") for name in ("views", "masks"))
    return _opened(rows, cache, plan, bases, len(drawn), (*made, np.load(where / "light.npy")))


def planned(rows: list[Row], cache: Cache, folder: Path) -> Bank:
    """A bank of which no view is made: who meets whom, for views that are made when they are
    needed."""
    drawn = len(drawn_pictures(folder))
    plan = np.array(_plan(rows, cache.masked, drawn), np.int64)
    nothing = np.empty((0, MASK, MASK), np.uint8)
    made = (np.empty((0, CACHE_SIZE, CACHE_SIZE, 3), np.uint8), nothing, np.empty((0, 3)))
    return _opened(rows, cache, plan, sets.bases(rows, cache.masked), drawn, made)


def _opened(
    rows: list[Row], cache: Cache, plan: I64, bases: I64, drawn: int, made: tuple[Any, Any, Any]
) -> Bank:
    """``made``: views, masks and light."""
    views, masks, light = made
    others = np.tile(bases, sets.SETS)
    masked = np.concatenate([cache.masked, np.ones(drawn + len(others), bool)])
    trained = np.array([row.split == "train" for row in rows] + [True] * drawn)
    trained = np.concatenate([trained, trained[others]])
    known = plan[:, 0] >= 0
    return Bank(
        views,
        masks,
        plan[:, 0],
        plan[:, 1].astype(np.uint8),
        light,
        np.where(known, masked[plan[:, 0]], True),
        np.where(known, trained[plan[:, 0]], True),
        bases,
    )
