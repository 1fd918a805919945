"""card.md: what the model is, what it was trained on, and what was measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from onnx_models.augment import Camera
from onnx_models.dataset import CACHE_SIZE, F32, U8, Cache, Row
from onnx_models.told import told
from onnx_models.validate import recall

TEST = ("bazaizai_multiview", "projeto_nike_multiview")
AT = (1, 5, 10)


def _table(
    run: Callable[[U8], F32], gallery: F32, rows: list[Row], cache: Cache, backdrops: U8,
    parts: dict[str, Any],
) -> tuple[list[str], int]:  # fmt: skip
    """Markdown rows of R@k on the test products; ``gallery`` (n, d) = every photograph."""
    products = np.array([row.product for row in rows])
    owners = np.array([i for i, row in enumerate(rows) if row.source in TEST])
    camera = Camera(backdrops, CACHE_SIZE, np.random.default_rng(11), 0.6)
    shots = np.stack(
        [camera.reshoot(cache.rgba[i], cache.boxes[i], bool(cache.masked[i]))[0] for i in owners]
    )
    reshot, asking = run(shots), run(cache.clean(owners))
    lines = []
    for label, (start, stop) in {"whole": (0, gallery.shape[1]), **parts}.items():
        for kind, queries in (("clean", asking), ("re-shot", reshot)):
            found = recall(queries[:, start:stop], owners, gallery[:, start:stop], products, AT)
            cells = " | ".join(f"{value:.3f}" for value in found.values())
            lines.append(f"| {label} | {kind} | {cells} |")
    return lines, len(owners)


def write_card(
    path: Path,
    facts: dict[str, Any],
    run: Callable[[U8], F32],
    gallery: F32,
    rows: list[Row],
    cache: Cache,
    backdrops: U8,
    step: int,
    minutes: float,
    milliseconds: float,
    notes: str,
) -> None:
    """Measure on the test products, which training never saw, and write the card."""
    parts = {name: facts["parts"][name] for name in ("shape", "colour")}
    lines, count = _table(run, gallery, rows, cache, backdrops, parts)
    train = sum(row.split == "train" for row in rows)
    held = sum(row.split == "validation" for row in rows)
    size = (path.parent / facts["file"]).stat().st_size / 1e6
    text = f"""# {facts["name"]}, revision {facts["revision"]}

A small encoder for finding the same and similar sneakers. One uint8 RGB picture of
{facts["input"]["height"]} x {facts["input"]["width"]} (letterboxed on white) in, a unit vector of
{facts["dim"]} out: shape {parts["shape"]} and colour {parts["colour"]} side by side, between them
what tells products apart and what words can name, so "same shape, another colour" is a search on a
slice. That is `embedding`, the vector that asks, weighed for finding the very product: before
anything but a studio's backdrop without plain colours, and without an outline where the shoe is
not seen from its side. `catalogue` is the vector to keep of a picture on sale, weighed as people
judge likeness and so that classifiers and words find theirs. `elsewhere` is a second vector that
asks, for the shoe as other shops show it, of the length at which its product with what is kept
compares with the cosine of the first: search sorts by the better of the two. Of a photograph before
no studio's backdrop it is the first again.
Two more outputs: `features` for the heads, and the 48 x 48 `mask` of the shoe. The graph has
operators of onnxruntime's own (domain com.microsoft), so it runs there and nowhere else.

## Data and licence

Trained on {train} photographs of shoes; {held} of other products
were held out for validation and calibration. bazaizai_multiview, projeto_nike_multiview and
zappos_triplets were never trained on. The photographs belong to the shops, brands and photographers
who made them, are not part of this project and are not redistributed. The weights are the project's
own (MIT): palette, finder and trunk began at random. The finder's convolutions learned, stage by
stage, to see in any picture what MobileNetV1 (ImageNet, Apache-2.0) sees there, then from
composites, where the shoe's mask is known; they are those of the encoder before, and from its
palette this one's went on.
The trunk is a transformer with a rectifier and a smaller perceptron than ViT-Tiny's (ImageNet,
AugReg weights, presumed Apache-2.0). It learned, layer by layer, to compute in any picture what
ViT-Tiny computes there; then from contrast and labels of its own, at the last from searches among
the clean pictures of training, and from what a trunk before it, ViT-Tiny and MobileNetV1 say of
the clean pictures and of mixtures. Of photographs that are a product's only one, half of the views
are of a solid made of it and turned, its lining and tread drawn by lot; products with several
pictures are there five times more in other colours, all their pictures alike, and so are
some shoes of every batch, each as another product of the same model; half of the crops are looked
at from a little elsewhere. Photographs of different shops that show one product, looked at side
by side (`onnx_models/same.csv`), were one product to it. Of {len(told()):,} pictures that their
shops gave no name or no colours, those were given by looking at them (`onnx_models/told.csv`).
Where it went on from another run, three
tenths of that run's weights are in the mean. How the style is read was learned anew at the end,
from what ViT-Tiny, MobileNetV1 and a histogram of oriented gradients say together of the clean
pictures. None of their weights is in the file; how near its layers come to ViT-Tiny's is in
EXPERIMENTS.md.
es_shop_multiview was kept out as well while an earlier encoder's weights of the parts were fitted
on it (`choices.json`).

## Measured

{step} steps in {minutes:.0f} minutes on a CPU. File {size:.1f} MB; {milliseconds:.1f} ms a
picture at batch 1 on one thread (onnxruntime, spinning off).

Instance retrieval: {count} queries from bazaizai + projeto_nike (`embedding`), gallery = all
{len(rows)} photographs (`catalogue`), the query's own picture left out, cosine. Re-shot = the
training module's own camera at 0.6 of its strength with unseen backdrops and a fixed seed; the
project's fixed evaluation has its own camera, so its figures differ; here `elsewhere` is not asked.

| vector | query | R@1 | R@5 | R@10 |
|---|---|---|---|---|
{chr(10).join(lines)}

{notes}

Thresholds: same {facts["calibration"]["same"]}, similar {facts["calibration"]["similar"]}.
{facts["calibration"]["how"]}

## Limits

Few products in the data show several views, so a photograph of a sole, a heel or a shoe from above
is often not matched to the side view that shops show. Drawn scenes stand in for pictures without a
shoe: real ones of every kind were not at hand.

## Again

    python -m onnx_models.train --data DIR --teachers DIR --cache DIR \\
        --out onnx_models/{facts["name"]} --before BEFORE --layers-minutes 0 --minutes 0
    torchrun --nproc-per-node 2 -m onnx_models.train --data DIR --teachers DIR --cache DIR \\
        --out onnx_models/{facts["name"]} --before BEFORE --layers-minutes 12 \\
        --minutes {minutes:.0f}
    python -m onnx_models.finish --data DIR --teachers DIR --cache DIR \\
        --out onnx_models/{facts["name"]} --choices onnx_models/choices.json
    python -m onnx_models.text.train --encoder onnx_models/{facts["name"]} --data DIR --minutes 8
    python -m onnx_models.heads.train --encoder onnx_models/{facts["name"]} --data DIR --cache DIR

BEFORE is the artifact that came before, from the repository's history; EXPERIMENTS.md names its
commit, and which runs the trunk had before its last (`--trunk-from`). The schedule follows the
clock, so a faster machine trains longer in the same minutes; weights differ from run to run and
with the speed of the machine.
"""
    path.write_text(text, encoding="utf-8")
