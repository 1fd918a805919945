"""Train finder, tutor, trunk and palette on a GPU, on views that it makes itself.

    python -m onnx_models.live.train --data DIR --teachers DIR --out onnx_models/solemate-s20 \
        --finder-from finder.pt --palette-from palette.pt --trunk-from trunk.pt \
        --tutor-minutes 3 --minutes 8

:mod:`onnx_models.train` learns from a bank of views that a CPU made ahead; a GPU makes more in a
minute than such a bank holds. Two stages: the tutor (the pretrained transformer, never shipped)
and, beside it, the finder that cuts its shoes out; then the trunk, which follows the tutor on the
very crops it learns from and searches all clean pictures, and, beside it, the palette. Both go by
the clock and can be resumed, and every SAVED minutes what they have reached is written to
``--keep``, small enough to be fetched from a machine that is only lent. Then
:mod:`onnx_models.finish`.
"""

from __future__ import annotations

import argparse
import copy
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor, nn

from onnx_models.assemble import WHITENED
from onnx_models.bank import planned
from onnx_models.catalogue import LEARNED, Catalogue
from onnx_models.dataset import I64, U8
from onnx_models.finder import Finder, Found, loss
from onnx_models.fit import Plan, average, checkpoint, device, fit, matrices, split, store
from onnx_models.labels import read_labels
from onnx_models.lessons import TWIN, Common, Stage, Targets, targets
from onnx_models.live.draw import CHUNK, Live, Studio
from onnx_models.live.shoes import Shoes, backdrops, scenes
from onnx_models.losses import Follow
from onnx_models.model import Parts, Sizes, Trunk
from onnx_models.onward import AGAIN, carry, go_on, halved, kept_at
from onnx_models.palette import Palette, contrast
from onnx_models.precision import bfloat16
from onnx_models.sampler import Batch
from onnx_models.seek import BODY_PEAK
from onnx_models.seek import DECAY as FINDER_DECAY
from onnx_models.seek import PEAK as FINDER_PEAK
from onnx_models.train import (
    DECAY,
    PEAK,
    TRUNK_PEAK,
    TRUNK_WEIGHTS,
    TUTOR_PEAK,
    open_finder,
    photographs,
)
from onnx_models.train import TUTOR_WEIGHTS as WEIGHTS
from onnx_models.train import TUTORS as ASKED
from onnx_models.tutor import VIT_TINY, Tutor, pretrained
from onnx_models.tutors import SAMPLE, Knowing, fitted

PAIRS: Final = 1024
TAUGHT: Final = 0.25
"""Share of the views that the finder learns from: its maps are large."""
MIXED: Final = 0.5
"""Of a batch's crops, how many mixtures are made for the tutor to be followed on."""
PALETTE_PEAK: Final = 5e-4
FINDER_WEIGHT: Final = 1.0
PALETTE_WEIGHT: Final = 1.0
SAVED: Final = 0.75
"""Minutes between checkpoints."""


def prepare(arguments: argparse.Namespace) -> Stage:
    """The photographs, and who meets whom."""
    rows, cache = photographs(arguments)
    return Stage(rows, cache, planned(rows, cache, arguments.cache), arguments.cache)


def pools(stage: Stage, seed: int) -> tuple[U8, U8]:
    """Backdrops, and pictures without a shoe; made once."""
    found = []
    makers: dict[str, Callable[[], U8]] = {
        "backdrops": partial(backdrops, stage.rows, stage.where, seed),
        "scenes": partial(scenes, seed),
    }
    for name, make in makers.items():
        path = stage.where / f"live-{name}.npy"
        if not path.exists():
            np.save(path, make())
        found.append(np.load(path))
    return found[0], found[1]


def opened(network: nn.Module, path: Path) -> None:
    """Put in the weights kept at ``path``."""
    network.load_state_dict(kept_at(path, weights_only=True))


def of_clean(
    studio: Studio, rows: I64, say: Callable[[Tensor, Tensor], dict[str, Tensor]]
) -> dict[str, Tensor]:
    """What is said (n, d), by name, of the clean pictures of ``rows`` (n,): of focused shoes, and
    of what the palette reads of them."""
    told = []
    with torch.no_grad():
        for part in torch.from_numpy(rows).to(torch.get_default_device()).split(CHUNK):
            told.append(say(*studio.clean(part)))
    return {name: torch.cat([one[name] for one in told]).float() for name in told[0]}


def said_by(network: nn.Module, crops: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
    """Parts of focused shoes, by name."""
    with bfloat16(crops.device.type):
        found = network.eval()(crops)
    return {name: getattr(found, name).float() for name in names}


class Cutting(nn.Module):
    """The finder as it learns beside the tutor: its mean cuts the shoes out."""

    def __init__(self, finder: Finder) -> None:
        super().__init__()
        self.finder, self.slow, self.step = finder, copy.deepcopy(finder).eval(), 0

    def groups(self) -> list[Any]:
        """What learns, for the optimiser."""
        return [
            *split(self.finder.knows(), AGAIN * BODY_PEAK, FINDER_DECAY),
            *split(self.finder.fresh(), AGAIN * FINDER_PEAK, FINDER_DECAY),
        ]

    def forward(self, batch: Live) -> Tensor:
        """Its loss on some of the batch."""
        average(self.slow, self.finder, self.step)
        self.step += 1
        some = torch.randperm(len(batch.pixels))[: int(len(batch.pixels) * TAUGHT)]
        pixels = batch.pixels[some].contiguous(memory_format=torch.channels_last)
        self.finder.eval()  # norms stand still, as in serving
        with bfloat16(pixels.device.type):
            found = Found(*self.finder(pixels))
        masks = nn.functional.adaptive_avg_pool2d(batch.masks[some], found.logits.shape[1])[:, 0]
        known, lit = batch.masked[some].float(), batch.lit[some].float()
        return loss(found, masks, known, batch.light[some], lit)


class Reading(nn.Module):
    """The palette as it learns beside the trunk: its mean tells the catalogue."""

    def __init__(self, palette: Palette, white: Tensor) -> None:
        """``white`` (rows, d): what a pretrained network sees of the clean pictures."""
        super().__init__()
        self.palette, self.slow, self.step = palette, copy.deepcopy(palette).eval(), 0
        self.white = white
        self.scale = nn.Parameter(torch.tensor(20.0).log())

    def groups(self) -> list[Any]:
        """What learns, for the optimiser."""
        return split([*self.palette.parameters(), self.scale], PALETTE_PEAK, DECAY)

    def forward(self, batch: Live) -> tuple[Tensor, Tensor]:
        """Its loss, and what its mean says (n, d)."""
        average(self.slow, self.palette, self.step)
        self.step += 1
        self.palette.train()
        looks = self.white[batch.rows]
        twins = looks @ looks.T > TWIN
        read = batch.read()
        wrong = contrast(self.palette(read), batch.products, twins, self.scale)
        with torch.no_grad():
            return wrong, self.slow(read)


def plan(
    name: str, network: Trunk, beside: nn.Module, common: Common, groups: list[Any],
    losses: Callable[[Parts, Batch], dict[str, Tensor]], weights: dict[str, float], minutes: float,
    stage: Stage, known: Targets, arguments: argparse.Namespace, others: dict[str, nn.Module],
    more: Callable[[nn.Module, Tensor], dict[str, Tensor]] | None = None,
) -> Plan:  # fmt: skip
    """A run of either stage; the mean ``beside`` is of what learns beside the network."""
    slow = type(network)(network.sizes)
    return Plan(
        name, network, slow, common.modules | others, groups, losses, weights,
        common.contrast.weights, minutes, stage.where,
        {"sizes": network.sizes.as_dict(), "axes": known.axes}, arguments.minutes + 99,
        arguments.compile, arguments.resume, arguments.loaders, more, SAVED,
        partial(reached, beside, arguments.keep) if arguments.keep else None,
    )  # fmt: skip


def reached(beside: nn.Module, keep: Path, kept: Path) -> None:
    """Write into ``keep`` the run at ``kept`` and what learns beside it, in half precision."""
    carry(kept, keep / kept.name)
    store(halved(beside.state_dict()), keep / f"{type(beside).__name__.lower()}.pt")


def fit_tutor(
    stage: Stage, sizes: Sizes, known: Targets, studio: Studio, arguments: argparse.Namespace
) -> None:
    """The tutor and the finder, kept as ``live-tutor.pt`` and ``finder.pt``."""
    tutor, common = Tutor(sizes), Common(known, sizes)
    share = 1.0
    if arguments.tutor_from:
        share = go_on(tutor, common, arguments.tutor_from)
    else:
        pretrained(tutor, arguments.teachers / VIT_TINY)
    finder = Finder()
    opened(finder, arguments.finder_from)
    cutting = Cutting(finder)
    studio.finder = cutting.slow

    def losses(parts: Parts, batch: Batch) -> dict[str, Tensor]:
        return {**common(parts, batch), "finder": cutting(batch)}

    groups = [
        *split(tutor.taught(), share * TUTOR_PEAK, DECAY),
        *split(tutor.fresh() + common.parameters, share * PEAK, DECAY), *cutting.groups(),
    ]  # fmt: skip
    run = plan(
        "live-tutor", tutor, cutting.slow, common, groups, losses,
        WEIGHTS | {"finder": FINDER_WEIGHT}, arguments.tutor_minutes, stage, known, arguments,
        {"cutting": cutting},
    )  # fmt: skip
    fit(run, studio, None)
    torch.save(cutting.slow.state_dict(), stage.where / "finder.pt")


def answers_of(
    stage: Stage, sizes: Sizes, known: Targets, studio: Studio, before: Trunk,
    arguments: argparse.Namespace,
) -> Follow:  # fmt: skip
    """The answers of the trunk that was ``before`` and of the tutor for all clean pictures, and the
    losses of following them."""
    state = kept_at(checkpoint(stage.where, "live-tutor"), weights_only=False)
    tutor, common = Tutor(sizes), Common(known, sizes)
    tutor.load_state_dict(state["slow"])
    common.contrast.load_state_dict(state["contrast"])
    seen = np.array(sorted(studio.pairing.places))
    some = np.random.default_rng(arguments.seed).choice(seen, min(SAMPLE, len(seen)), replace=False)
    sample = of_clean(studio, np.sort(some), lambda crops, _: {"crops": crops})["crops"]
    sample = (sample.permute(0, 2, 3, 1) * 255 + 0.5).to(torch.uint8)
    tutors = fitted([before, tutor], sizes, arguments.teachers, sample, known.axes)
    torch.save(tutors.state_dict(), stage.where / ASKED)
    knowing = Knowing(tutors)

    def say(crops: Tensor, _: Tensor) -> dict[str, Tensor]:
        one, two = (said_by(knowing, x, Follow.FOLLOWED) for x in (crops, crops.flip(3)))
        return {name: nn.functional.normalize(one[name] + two[name], dim=1) for name in one}

    told = of_clean(studio, np.arange(len(studio.shoes.rgba)), say)
    kept = {name: torch.cat([part, torch.zeros_like(part[:1])]) for name, part in told.items()}
    weights, there = common.contrast.weights().detach(), torch.get_default_device()
    follow = Follow(kept, torch.from_numpy(seen).to(there), weights, WHITENED, tutors, MIXED)
    follow.to(there)
    return follow


def search(studio: Studio, trunk: Trunk, palette: Palette, common: Common) -> Catalogue:
    """All clean pictures that training may see, as trunk and palette know them now; new classifiers
    of labels begin with them."""
    rows = np.array(sorted(studio.pairing.places))
    palette.eval()
    told = of_clean(
        studio, rows,
        lambda crops, read: said_by(trunk, crops, LEARNED) | {"palette": palette(read)},
    )  # fmt: skip
    of = torch.from_numpy(rows).to(torch.get_default_device())
    common.labels.begin(told["attributes"], common.known.labels[of])
    seen = {name: part.cpu().numpy() for name, part in told.items()}
    pairing = studio.pairing
    with torch.device("cpu"):
        found = Catalogue(rows, seen, seen["palette"], pairing.products, pairing.models)
    found.to(torch.get_default_device())
    return found


def fit_trunk(
    stage: Stage, sizes: Sizes, known: Targets, studio: Studio, arguments: argparse.Namespace
) -> None:
    """The trunk and the palette, kept as ``trunk-NAME.pt`` and ``palette.pt``."""
    studio.finder = open_finder(stage.where)
    trunk, common = Trunk(sizes), Common(known, sizes)
    share = go_on(trunk, common, arguments.trunk_from)
    palette = Palette()
    opened(palette, arguments.palette_from)
    reading = Reading(palette, known.white)
    before = copy.deepcopy(trunk)
    follow = answers_of(stage, sizes, known, studio, before, arguments)
    catalogue = search(studio, trunk, palette, common)

    def losses(parts: Parts, batch: Batch) -> dict[str, Tensor]:
        live = cast(Live, batch)
        wrong, said = reading(live)
        asked = catalogue(parts, live, said, live.clean)
        return {**common(parts, batch), **follow(parts, batch.rows), **asked, "palette": wrong}

    beside = [*common.parameters, *catalogue.parameters()]
    groups = [
        *matrices(trunk.taught(), TRUNK_PEAK, DECAY),
        *split(trunk.fresh() + beside, share * PEAK, DECAY), *reading.groups(),
    ]  # fmt: skip
    others: dict[str, nn.Module] = {"catalogue": catalogue, "reading": reading}
    run = plan(
        f"trunk-{arguments.out.name}", trunk, reading.slow, common, groups, losses,
        TRUNK_WEIGHTS | {"palette": PALETTE_WEIGHT}, arguments.minutes, stage, known, arguments,
        others, follow.match,
    )  # fmt: skip
    fit(run, studio, None)
    torch.save(reading.slow.state_dict(), stage.where / "palette.pt")


def train(arguments: argparse.Namespace) -> None:
    """Both stages."""
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(arguments.seed)
    stage = prepare(arguments)
    sizes = Sizes(labels=tuple(max(1, len(found)) for found in read_labels(stage.rows)[1]))
    known = targets(stage, sizes)
    made = pools(stage, arguments.seed)
    torch.set_default_device(device())
    known = known.to(device())
    shoes = Shoes(stage.rows, stage.cache, stage.bank, stage.where)
    studio = Studio(
        stage.rows, stage.bank, known.near, shoes, made, Finder(), arguments.pairs, arguments.seed
    )
    print(f"{len(shoes.rgba)} cut-outs on {device()}", flush=True)
    if arguments.tutor_minutes > 0:
        fit_tutor(stage, sizes, known, studio, arguments)
    if arguments.minutes > 0:
        fit_trunk(stage, sizes, known, studio, arguments)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with shoes/labels.csv")
    parser.add_argument("--out", type=Path, required=True, help="artifact folder: names the trunk")
    parser.add_argument("--teachers", type=Path, required=True, help="the reference models")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "solemate" / "train")
    parser.add_argument("--finder-from", type=Path, required=True, help="finder.pt to go on from")
    parser.add_argument("--palette-from", type=Path, required=True, help="palette.pt of one")
    parser.add_argument("--trunk-from", type=Path, required=True, help="trunk-*.pt of one")
    parser.add_argument("--tutor-from", type=Path, help="live-tutor.pt of one: go on from it")
    parser.add_argument("--tutor-minutes", type=float, default=3.0, help="0: it is there")
    parser.add_argument("--minutes", type=float, default=8.0, help="of the trunk; 0: none")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="of views a step")
    parser.add_argument("--loaders", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    parser.add_argument("--hold", action="store_true", help="keep one studio for finish to fit on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--keep", type=Path, help="folder for what is reached, every minute")
    parser.add_argument("--resume", action="store_true")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
