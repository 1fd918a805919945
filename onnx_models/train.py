"""Train the project's own sneaker encoder.

    python -m onnx_models.train --data DIR --teachers DIR --out onnx_models/solemate-s20 \
        --before onnx_models/solemate-s19 --layers-minutes 12 --minutes 70
    python -m onnx_models.train --data DIR --teachers DIR --out onnx_models/solemate-s20 \
        --tutor-minutes 56 --layers-minutes 25 --body-minutes 38 --finder-minutes 23

The first goes on from an artifact: finder and palette are its own, and it is the tutor. The second
begins with nothing. Stages, each kept under ``--cache`` and skipped when it is there: decode the
photographs; a pretrained transformer's view of them; the bank of views; the tutor (that
transformer, fine-tuned; never shipped; or the artifact) and its answers for every clean picture;
the trunk's transformer, which the tutor's, or the pretrained one, teaches layer by layer; the
finder's body, by what a pretrained network sees along the way; the finder, which begins as that
body; what it says of the bank's colours; the palette; the trunk, which learns the tutor's answers
from re-shot pictures and from mixtures, beside contrast of its own, and, where it goes on from
another (``--trunk-from``), from searches among all clean pictures. Then :mod:`onnx_models.finish`
fits weights of the parts and exports. ``--resume`` goes on with an interrupted stage. The learning
rate follows the wall clock, so a run ends on time on any machine. All but the palette may run under
torchrun.
"""

from __future__ import annotations

import argparse
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
import torch.distributed as dist
from torch import Tensor

from onnx_models.assemble import WHITENED
from onnx_models.augment import backdrop_pool
from onnx_models.bank import build_bank, clean_places
from onnx_models.before import Before, fill, unpacked
from onnx_models.catalogue import Banked, Remembered
from onnx_models.crops import Crops, build_clues, build_looks
from onnx_models.dataset import Cache, Row, build_cache, read_rows, shoes_folder
from onnx_models.finder import HEIGHT, WIDTH, Finder
from onnx_models.fit import Plan, checkpoint, device, fit, matrices, meet, split, the_first
from onnx_models.hints import MOBILENET, train_body
from onnx_models.labels import read_labels
from onnx_models.layerwise import train_layers
from onnx_models.lessons import TWIN, Common, Stage, Targets, targets
from onnx_models.losses import Follow
from onnx_models.model import Parts, Sizes, Trunk
from onnx_models.onward import AGAIN, LAYERS, begin, carry, go_on, kept_at, over, stay
from onnx_models.palette import Palette, train_palette
from onnx_models.sampler import Batch, Sampler
from onnx_models.seek import train_finder
from onnx_models.teachers import teacher_features
from onnx_models.transformer import OWN, VIT, Transformer
from onnx_models.tutor import VIT_TINY, Tutor, pretrained
from onnx_models.tutors import Tutors, ask
from onnx_models.validate import Held, Validation

BATCH: Final = 128
TUTOR_BATCH: Final = 64
PEAK: Final = 1.5e-3
TUTOR_PEAK: Final = 3e-4
TRUNK_PEAK: Final = 3e-4
"""Of its transformer, which always was taught before; its matrices by Muon."""
DECAY: Final = 0.05
ONWARD: Final = 0.5
"""Share of it for a trunk that was trained before."""
TUTOR_WEIGHTS: Final = {
    "both": 1.0, "detail": 0.6, "colour": 0.2, "model": 0.4, "style": 0.5, "likeness": 1.0,
    "label": 0.5,
}  # fmt: skip
TRUNK_WEIGHTS: Final = {
    "both": 0.8, "detail": 0.6, "colour": 0.2, "model": 0.6, "style": 1.5, "likeness": 2.0,
    "label": 1.0, "follow": 0.5, "order": 0.4, "match": 1.5,
    "searched": 0.8, "singled": 0.4,
}  # fmt: skip


def photographs(arguments: argparse.Namespace) -> tuple[list[Row], Cache]:
    """All of them, decoded, and looked at by the teacher: each done once."""
    folder = shoes_folder(arguments.data)
    rows = read_rows(folder, arguments.hold)
    cache = build_cache(folder, rows, arguments.cache)
    teacher_features(cache.rgba, arguments.teachers / VIT_TINY, arguments.cache)
    return rows, cache


def prepare(arguments: argparse.Namespace) -> Stage:
    """The photographs and the bank, made or opened."""
    where: Path = arguments.cache
    rows, cache = photographs(arguments)
    trainable = np.array([i for i, row in enumerate(rows) if row.split == "train"])
    wild = trainable[[rows[i].setting == "wild" for i in trainable]]
    backdrops = backdrop_pool(cache.rgba, wild, trainable, 4000, arguments.seed, laid=0.3)
    bank = build_bank(rows, cache, where, backdrops, arguments.seed, arguments.views)
    return Stage(rows, cache, bank, where)


def open_finder(where: Path) -> Finder:
    """The trained finder.

    Raises:
        SystemExit: there is none yet.
    """
    path = where / "finder.pt"
    if not path.exists():
        raise SystemExit(f"no {path.name} in {where}: it needs --body-minutes and --finder-minutes")
    finder = Finder()
    finder.load_state_dict(torch.load(path, weights_only=True))
    finder.eval()
    return finder


TUTORS: Final = "tutors.pt"


def fit_tutor(stage: Stage, sizes: Sizes, known: Targets, arguments: argparse.Namespace) -> None:
    """Fine-tune the pretrained transformer on shoes cut out by their known masks; keep the
    average of its weights and its parts of every row's clean picture."""
    path = checkpoint(stage.where, "tutor")
    done = stage.where / "answers.npz"
    if done.exists():
        return
    tutor, slow = Tutor(sizes), Tutor(sizes)
    known = known.to(device())
    common = Common(known, sizes)
    share = 1.0
    if arguments.tutor_from:
        share = go_on(tutor, common, arguments.tutor_from)
    else:
        pretrained(tutor, arguments.teachers / VIT_TINY)
    plan = Plan(
        "tutor", tutor, slow, common.modules,
        [*split(tutor.taught(), share * TUTOR_PEAK, DECAY),
         *split(tutor.fresh() + common.parameters, share * PEAK, DECAY)],
        common, TUTOR_WEIGHTS, common.contrast.weights, arguments.tutor_minutes, stage.where,
        {"sizes": sizes.as_dict(), "axes": known.axes}, arguments.check_every, arguments.compile,
        arguments.resume, arguments.loaders,
    )  # fmt: skip
    fit(plan, *shared(stage, known, None, TUTOR_BATCH, arguments))
    if the_first():
        slow.load_state_dict(kept_at(path, weights_only=False)["slow"])
        torch.set_num_threads(os.cpu_count() or 1)  # the other workers wait
        keep_answers([slow], stage, sizes, known, arguments)
    meet()


def tutor_of(sizes: Sizes, kept: Path) -> Trunk:
    """The average of a tutor, or of a trunk, that a run kept."""
    weights = kept_at(kept, weights_only=True)["slow"]
    tutor = Tutor(sizes) if len(weights["layers.0.fc1.bias"]) == VIT.hidden else Trunk(sizes)
    tutor.load_state_dict(weights)
    return tutor


def knowing(arguments: argparse.Namespace, sizes: Sizes) -> list[Trunk | Before]:
    """Who teaches where an artifact is gone on from: it, or those of ``--tutors``."""
    named: list[Path] = arguments.tutors or [arguments.before]
    return [Before(path) if path.is_dir() else tutor_of(sizes, path) for path in named]


def keep_answers(
    tutors: Sequence[Trunk | Before], stage: Stage, sizes: Sizes, known: Targets,
    arguments: argparse.Namespace,
) -> None:  # fmt: skip
    """Keep the tutors, and what they say of every row's clean picture."""
    found, answers = ask(tutors, sizes, stage.bank, arguments.teachers, known.axes, arguments.seed)
    torch.save(found.state_dict(), stage.where / TUTORS)
    np.savez(stage.where / "answers.npz", **answers)  # type: ignore[arg-type]


def take_over(stage: Stage, sizes: Sizes, known: Targets, arguments: argparse.Namespace) -> None:
    """Finder and palette of the artifact ``--before``, and its answers as a tutor's."""
    weights = unpacked(onnx.load(str(arguments.before / "model.onnx")))
    finder, palette = Finder(), Palette()
    for name, network in (("finder", finder), ("palette", palette)):
        fill(network, weights, f"{name}.")
    if not (path := stage.where / "finder.pt").exists():
        torch.save(finder.state_dict(), path)
    fit_palette(stage, known, arguments.palette_more, arguments.seed, palette)
    if not (stage.where / "answers.npz").exists():
        keep_answers(knowing(arguments, sizes), stage, sizes, known, arguments)


def seed_of(name: str, seed: int, rank: int) -> int:
    """Of a worker's batches, by the run's name as well: one that goes on from another would
    otherwise see its batches again."""
    return zlib.crc32(name.encode()) + seed + rank


def shared(
    stage: Stage, known: Targets, finder: Finder | None, batch: int, arguments: argparse.Namespace
) -> tuple[Sampler, Validation | None]:
    """A worker's part of each batch, and for the first what it measures with."""
    rank, workers = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    seed = seed_of(arguments.out.name, arguments.seed, rank)
    if finder and the_first():
        build_looks(stage.bank, finder, stage.where)
    meet()
    looks = build_looks(stage.bank, finder, stage.where) if finder else None
    crops = Crops(stage.bank, seed, looks)
    sampler = Sampler(stage.rows, stage.bank, crops, known.near, batch // workers, seed)
    if rank > 0:
        return sampler, None
    return sampler, Validation(stage.rows, stage.cache, finder, stage.where, arguments.seed)


def told(where: Path) -> dict[str, Tensor] | None:
    """The tutors' answers by part (rows + 1, d), nothing for the last; None where there are none
    yet: a trunk that goes on from another run then learns without."""
    path = where / "answers.npz"
    if not path.exists():
        return None
    with np.load(path) as kept:
        return {
            name: torch.from_numpy(np.concatenate([kept[name], np.zeros_like(kept[name][:1])])).to(
                device()
            )
            for name in Follow.FOLLOWED
        }


def _follow(
    stage: Stage, common: Common, answers: dict[str, Tensor], sizes: Sizes,
    arguments: argparse.Namespace,
) -> Follow:  # fmt: skip
    """The losses of the tutors' answers."""
    tutors: list[Trunk | Before]
    if arguments.before:
        tutors = knowing(arguments, sizes)
    else:
        state = kept_at(checkpoint(stage.where, "tutor"), weights_only=False)
        common.contrast.load_state_dict(state["contrast"])
        tutors = [Tutor(sizes)]
    found = Tutors(tutors, sizes, arguments.teachers)
    found.load_state_dict(kept_at(stage.where / TUTORS, weights_only=True))
    seen = torch.from_numpy(np.flatnonzero(stage.bank.seen[clean_places(stage.bank)]))
    weights = common.contrast.weights().detach()
    follow = Follow(answers, seen, weights, WHITENED, found)
    follow.to(device())
    return follow


def fit_palette(
    stage: Stage, known: Targets, minutes: float, seed: int, palette: Palette | None = None
) -> None:
    """The palette, so many minutes on the bank's colours as the finder sees them; ``palette``: go
    on with this one."""
    path = stage.where / "palette.pt"
    if path.exists():
        return
    if minutes > 0:
        clues = build_clues(stage.bank, open_finder(stage.where), stage.where)
        palette = train_palette(
            stage.rows, stage.bank, clues, known.white, TWIN, minutes, seed, palette
        )
    if palette:
        torch.save(palette.state_dict(), path)


def fit_body(stage: Stage, arguments: argparse.Namespace) -> None:
    """The finder's convolutions, by a pretrained network's hints."""
    path = stage.where / "body.pt"
    if not path.exists():
        teacher = arguments.teachers / MOBILENET
        body = train_body(stage.bank, teacher, arguments.body_minutes, arguments.seed, stage.where)
        if the_first():
            torch.save(body.state_dict(), path)
            (stage.where / "body.part").unlink(missing_ok=True)
        meet()


def fit_finder(stage: Stage, arguments: argparse.Namespace) -> None:
    """The finder, which begins as the trained body."""
    path = stage.where / "finder.pt"
    if not path.exists():
        held = Held(stage.rows, stage.cache, arguments.seed, step=1) if the_first() else None
        if arguments.finder_from:
            share, begun = AGAIN, kept_at(arguments.finder_from, weights_only=True)
        else:
            share, begun = 1.0, trained_body(stage.where)
        finder = train_finder(
            stage.bank, held, begun, share, arguments.finder_minutes, arguments.seed
        )
        if the_first():
            torch.save(finder.state_dict(), path)
        meet()


def trained_body(where: Path) -> dict[str, Tensor]:
    """The body's weights.

    Raises:
        SystemExit: there are none yet.
    """
    path = where / "body.pt"
    if not path.exists():
        raise SystemExit(f"no {path.name} in {where}: --body-minutes makes it")
    weights: dict[str, Tensor] = torch.load(path, weights_only=True)
    return weights


def fit_layers(stage: Stage, arguments: argparse.Namespace) -> None:
    """The trunk's transformer, by the tutor's hints layer by layer; by the pretrained one's where
    the tutor is an artifact."""
    path = stage.where / LAYERS
    if path.exists():
        return
    tutor = Transformer(VIT, HEIGHT, WIDTH)
    if arguments.before:
        pretrained(tutor, arguments.teachers / VIT_TINY)
    else:
        state = kept_at(checkpoint(stage.where, "tutor"), weights_only=False)
        tutor = Tutor(Sizes(**state["sizes"]))
        tutor.load_state_dict(state["slow"])
    torch.manual_seed(arguments.seed)
    body = Transformer(OWN, HEIGHT, WIDTH)
    train_layers(stage.bank, tutor, body, arguments.layers_minutes, arguments.seed, stage.where)
    if the_first():
        torch.save(body.state_dict(), path)
        (stage.where / "layers.part").unlink(missing_ok=True)
    meet()


def fit_trunk(stage: Stage, sizes: Sizes, known: Targets, arguments: argparse.Namespace) -> Path:
    """The encoder itself; where it goes on from another run, some of that stays in the mean. Where
    it is kept."""
    name = f"trunk-{arguments.out.name}"
    path = checkpoint(stage.where, name)
    if arguments.resume and over(path):
        print(f"{path} is finished and mixed: nothing to resume", flush=True)
        return path
    finder = open_finder(stage.where)
    answers = told(stage.where)
    known = known.to(device())
    common = Common(known, sizes)
    follow = _follow(stage, common, answers, sizes, arguments) if answers else None
    torch.manual_seed(arguments.seed)  # what starts from nothing is the same for all workers
    trunk, slow = Trunk(sizes), Trunk(sizes)
    peak, before = TRUNK_PEAK, None
    if arguments.trunk_from:
        share, peak = go_on(trunk, common, arguments.trunk_from), ONWARD * TRUNK_PEAK
        before = {key: value.clone() for key, value in trunk.state_dict().items()}
    else:
        share = begin(trunk, stage.where, alone=bool(arguments.before))

    catalogue = _catalogue(stage, finder, trunk, common, arguments) if before else None

    def losses(parts: Parts, batch: Batch) -> dict[str, Tensor]:
        extra = follow(parts, batch.rows) if follow else {}
        if catalogue:
            extra |= catalogue(parts, batch)
        return {**common(parts, batch), **extra}

    others = common.modules | ({"catalogue": catalogue} if catalogue else {})
    beside = [p for module in others.values() for p in module.parameters()]
    plan = Plan(
        name, trunk, slow, others,
        [*matrices(trunk.taught(), peak, DECAY),
         *split(trunk.fresh() + beside, share * PEAK, DECAY)],
        losses, TRUNK_WEIGHTS, common.contrast.weights, arguments.minutes, stage.where,
        {"sizes": sizes.as_dict(), "axes": known.axes}, arguments.check_every, arguments.compile,
        arguments.resume, arguments.loaders, follow.match if follow else None,
    )  # fmt: skip
    fit(plan, *shared(stage, known, finder, arguments.batch, arguments))
    if before and the_first():
        stay(path, before)
    return path


def _catalogue(
    stage: Stage, finder: Finder, trunk: Trunk, common: Common, arguments: argparse.Namespace
) -> Banked | None:
    """What a trunk that goes on from another run searches, and where new classifiers of labels
    begin; None without a palette."""
    kept = stage.where / "palette.pt"
    if not kept.exists():
        return None
    path = stage.where / f"remembered-{arguments.out.name}.npz"
    if the_first() and not (arguments.resume and path.exists()):
        palette, threads = Palette(), torch.get_num_threads()
        palette.load_state_dict(torch.load(kept, weights_only=True))
        torch.set_num_threads(os.cpu_count() or 1)  # the other workers wait
        Remembered.of(stage, finder, trunk, palette, arguments.seed).keep(path)
        torch.set_num_threads(threads)
    meet()
    told = Remembered.kept(path)
    attributes = torch.from_numpy(told.parts["attributes"]).to(device())
    common.labels.begin(attributes, common.known.labels[torch.from_numpy(told.rows)])
    catalogue = Banked(stage, told)
    catalogue.to(device())
    return catalogue


def train(arguments: argparse.Namespace) -> None:
    """The whole run.

    Raises:
        SystemExit: arguments that do not go together, or what a stage needs is not there.
    """
    if arguments.before and arguments.tutor_from:
        raise SystemExit("--tutor-from begins without an artifact: with --before, --tutors teach")
    torch.manual_seed(arguments.seed)
    if dist.is_initialized():
        fresh = arguments.palette_more if arguments.before else arguments.palette_minutes
        if fresh > 0 and not (arguments.cache / "palette.pt").exists():
            raise SystemExit("the palette is trained by one process: run it without torchrun")
        if not (arguments.cache / "bank" / "done").exists():
            raise SystemExit(
                f"no bank of views in {arguments.cache}: run once without torchrun, with "
                "--layers-minutes 0 --body-minutes 0 --finder-minutes 0 --palette-minutes 0 "
                "--minutes 0"
            )
    stage = prepare(arguments)
    names = read_labels(stage.rows)[1]
    sizes = Sizes(labels=tuple(max(1, len(found)) for found in names))
    known = targets(stage, sizes)
    if arguments.before:
        if the_first():
            take_over(stage, sizes, known, arguments)
        meet()
    else:
        if arguments.tutor_minutes > 0:
            fit_tutor(stage, sizes, known, arguments)
        if arguments.body_minutes > 0:
            fit_body(stage, arguments)
        if arguments.finder_minutes > 0:
            fit_finder(stage, arguments)
        fit_palette(stage, known, arguments.palette_minutes, arguments.seed)
    if arguments.layers_minutes > 0:
        fit_layers(stage, arguments)
    if arguments.minutes > 0:
        kept = fit_trunk(stage, sizes, known, arguments)
        if arguments.carry and the_first():
            carry(kept, arguments.carry)


def main() -> None:
    """Command line; under ``torchrun --nproc-per-node 2`` workers share the batches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with shoes/labels.csv")
    parser.add_argument("--out", type=Path, required=True, help="artifact folder")
    parser.add_argument("--teachers", type=Path, required=True, help="the reference models")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "solemate" / "train")
    parser.add_argument("--before", type=Path, help="artifact to go on from; needs no tutor")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the trunk; 0: none")
    parser.add_argument("--tutor-minutes", type=float, default=20.0, help="0: none")
    parser.add_argument("--finder-minutes", type=float, default=23.0, help="0: none")
    parser.add_argument("--palette-minutes", type=float, default=3.0, help="0: none")
    parser.add_argument("--palette-more", type=float, default=0.0,
                        help="with --before: minutes that its palette learns on")  # fmt: skip
    parser.add_argument("--layers-minutes", type=float, default=25.0, help="0: none")
    parser.add_argument("--body-minutes", type=float, default=25.0, help="0: none")
    parser.add_argument("--tutor-from", type=Path, help="tutor.pt of a run before: go on from it")
    parser.add_argument("--tutors", type=Path, nargs="+", help="with --before: who teaches in its "
                        "place: artifacts, tutor.pt or trunk-*.pt of runs before")  # fmt: skip
    parser.add_argument("--finder-from", type=Path, help="finder.pt of one: go on from it")
    parser.add_argument("--trunk-from", type=Path, help="trunk-*.pt of one, or an artifact")
    parser.add_argument("--carry", type=Path, help="where to write the trunk for other machines")
    parser.add_argument("--batch", type=int, default=BATCH, help="pairs of views a step, the trunk")
    parser.add_argument("--loaders", type=int, default=0, help="processes that draw batches ahead")
    parser.add_argument("--views", type=float, default=1.0, help="share of the bank's views made")
    parser.add_argument("--hold", action="store_true", help="keep one studio for finish to fit on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--check-every", type=float, default=6.0, help="minutes")
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
