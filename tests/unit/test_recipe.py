"""The training recipe's fixed functions. Needs torch, which only training installs."""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from app.settings import Settings  # noqa: E402
from app.sketch.design import random_design  # noqa: E402
from app.sketch.render import render  # noqa: E402
from app.vision.encoder import CATALOGUE  # noqa: E402
from onnx_models.assemble import GATED, KEPT, PARTS, Served, outline, sided  # noqa: E402
from onnx_models.bank import CLEAN, MILD, SHOT, SHOTS, TURNED, TURNED_SHOTS, Bank, _plan, _thinned  # noqa: E402
from onnx_models.before import Before, fill, unpacked  # noqa: E402
from onnx_models.colours import CLUES, FINE, clues, guessed, hsv, hsv_of, scene, tone  # noqa: E402
from onnx_models.crops import Clues, build_clues, build_looks, looks_of  # noqa: E402
from onnx_models.dataset import HELD_SOURCE, Row  # noqa: E402
from onnx_models.finder import HEIGHT, WIDTH, Finder, Found, _sample, focus  # noqa: E402
from onnx_models.fit import Group, Optimiser, matrices  # noqa: E402
from onnx_models.fused import ATTENTION, PRODUCT, fuse  # noqa: E402
from onnx_models.gates import fit_side  # noqa: E402
from onnx_models.heads.network import PairNetwork  # noqa: E402
from onnx_models.hints import MOBILENET, Pretrained, settle  # noqa: E402
from onnx_models.integers import in_integers, products  # noqa: E402
from onnx_models.layerwise import losses as layer_losses  # noqa: E402
from onnx_models.lessons import Common, Targets  # noqa: E402
from onnx_models.likeness import Reading  # noqa: E402
from onnx_models.losses import Fine, Follow, Labels  # noqa: E402
from onnx_models.model import GATHERED, Parts, Sizes, Trunk, unit  # noqa: E402
from onnx_models.muon import Muon  # noqa: E402
from onnx_models.onward import AGAIN, STAY, begin, carry, go_on, over, stay  # noqa: E402
from onnx_models.packing import pack  # noqa: E402
from onnx_models.palette import Palette, clues_of, contrast  # noqa: E402
from onnx_models.pieces import KEPT as LEFT  # noqa: E402
from onnx_models.pieces import partly  # noqa: E402
from onnx_models.precision import NATIVE, bfloat16, native  # noqa: E402
from onnx_models.sampler import Batch, Sampler  # noqa: E402
from onnx_models.separable import LAST, PLAN, Body  # noqa: E402
from onnx_models.surfaces import surface  # noqa: E402
from onnx_models.teachers import neighbours  # noqa: E402
from onnx_models.text.train import train as train_text  # noqa: E402
from onnx_models.text.values import Directions, Fits, Values  # noqa: E402
from onnx_models.text.words import Asked as Wanted  # noqa: E402
from onnx_models.text.words import Facts, Vocabulary, Writer, facts_of  # noqa: E402
from onnx_models.to_onnx import OPSET, open_session  # noqa: E402
from onnx_models.train import knowing, seed_of  # noqa: E402
from onnx_models.transformer import DEPTH, DIM, OWN, VIT, Transformer  # noqa: E402
from onnx_models.tutor import Tutor  # noqa: E402
from onnx_models.tutors import Knowing, Tutors  # noqa: E402
from onnx_models.weigh import HOME, LOUDER, STORED, Asked, Judge, Within, fit_asking, fit_louder  # noqa: E402


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A drawn shoe (1, 3, 96, 128) in 0..1 and its mask (1, 1, 96, 128)."""
    rgb = np.asarray(render(random_design(seed), "side", (128, 96), "white", seed), np.float32)
    picture = torch.from_numpy(rgb / 255).permute(2, 0, 1)[None]
    return picture, (picture.amin(1, keepdim=True) < 0.97).float()


def cosine(one: torch.Tensor, two: torch.Tensor) -> float:
    """Of two rows."""
    return float(torch.nn.functional.cosine_similarity(one, two)[0])


def test_an_outline_is_that_of_the_mirror_image() -> None:
    picture, mask = drawn(3)
    seen = torch.cat([picture, mask], dim=1)
    other = torch.cat(drawn(4), dim=1)
    assert cosine(outline(seen), outline(seen.flip(3))) > 0.9999
    assert cosine(outline(seen), outline(other)) < 0.99


def test_the_tone_stays_under_another_light() -> None:
    picture, mask = drawn(3)
    warm = (picture**2.2 * torch.tensor([0.8, 0.6, 0.45])[None, :, None, None]) ** (1 / 2.2)

    def told(rgb: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
        return tone(hsv_of(guessed(rgb, alpha)), alpha)

    own = told(picture, mask)
    assert cosine(own, told(warm, mask)) > 0.95
    assert cosine(own, told(*drawn(4))) < 0.9


def test_a_scene_counts_every_second_pixel_in_one_bin() -> None:
    """Against numpy, on pictures of few colours: a pixel is one bin's, and nothing is blended."""
    rng = np.random.default_rng(0)
    shades = rng.integers(0, 256, (3, 6, 3)).astype(np.uint8)
    shades[:, 0] = 255
    pixels = shades[np.arange(3)[:, None, None], rng.integers(0, 6, (3, 192, 192))]
    found = scene(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255).numpy()
    assert found.shape == (3, np.prod(FINE))
    assert np.allclose((found**2).sum(axis=1), 1, atol=1e-5)
    for one, picture in zip(found, pixels, strict=True):
        kept = picture[::2, ::2].reshape(-1, 3)
        counts = np.unique(kept, axis=0, return_counts=True)[1]
        shares = np.sort(one[one > 0] ** 2)
        assert len(shares) <= len(counts), "shades may share a bin and none is in two"
        assert shares.max() >= counts.max() / counts.sum() - 1e-6
    grey = scene(torch.full((1, 3, 192, 192), 0.5))
    assert int(grey.argmax()) == 8, "no hue, no saturation, the ninth of sixteen values"


def test_hsv_of_several_pictures_is_that_of_each() -> None:
    several = [torch.rand(2, 3, *size) for size in ((5, 7), (4, 4), (1, 9))]
    for one, found in zip(several, hsv_of(several), strict=True):
        assert torch.equal(found, hsv(one))


def test_a_whole_studio_is_kept_for_fitting_the_weights() -> None:
    rows = [Row("f", HELD_SOURCE, str(i), "", "", "", "", "studio", held=True) for i in range(50)]
    assert {row.split for row in rows} == {"validation"}
    later = [replace(row, held=False).split for row in rows]
    assert 0.6 < later.count("train") / 50 < 1
    assert "validation" in later


def test_only_a_studios_lone_photographs_are_turned() -> None:
    def some(source: str, setting: str) -> list[Row]:
        return [Row("f", source, f"{source}{i}", "", "", "", "", setting) for i in range(60)]

    rows = [*some("footlocker_2018", "studio"), *some("footlocker_2018", "wild"),
            *some("nike_vn_multiview", "studio"), *some("zappos_pairs_2018", "studio")]  # fmt: skip
    masked = np.ones(len(rows), bool)
    masked[:20] = False
    plan = np.array(_plan(rows, masked, 0))
    plan = plan[plan[:, 0] < len(rows)]
    moved = plan[plan[:, 2] == TURNED]
    assert set(moved[:, 0]) <= set(range(20, 60))
    for row in set(moved[:, 0]):
        kinds = [kind for at, kind, done in plan if at == row and done == TURNED]
        assert kinds.count(SHOT) == TURNED_SHOTS
        assert kinds.count(MILD) == row % 2
        assert (plan[(plan[:, 0] == row), 1] == SHOT).sum() == SHOTS
        assert not any(done for at, kind, done in plan if at == row and kind == CLEAN)


def test_of_a_smaller_bank_every_row_keeps_each_kind_of_view() -> None:
    rows = [Row("f", "footlocker_2018", f"p{i}", "", "", "", "", "studio") for i in range(60)]
    plan = _plan(rows, np.ones(60, bool), 0)
    half, whole = _thinned(plan, 0.5), _thinned(plan, 1.0)
    assert whole == plan
    assert set(half) == set(plan)
    for entry in set(plan):
        assert half.count(entry) == -(-plan.count(entry) // 2)


def test_a_phone_and_a_studio_ask_by_other_weights() -> None:
    """Two products; plain colours name the wrong one, detail the right one."""
    cosines = {name: np.zeros((1, 3), np.float32) for name in PARTS}
    cosines["detail"] = np.array([[0.0, 0.6, 0.5]], np.float32)
    cosines["plain"] = np.array([[0.0, 0.1, 0.9]], np.float32)
    right = np.array([[False, True, False]])
    phone = {**dict.fromkeys(PARTS, 0.0), "detail": 1.0}
    studio = {**dict.fromkeys(PARTS, 0.0), "detail": 0.5, "plain": 0.5}
    own = np.array([[True, False, False]])
    for gate, found in ((1.0, (0.0, 0.5)), (0.0, (1.0, 1.0))):
        asked = Asked(cosines, np.array([gate], np.float32), right, own, np.array(["p"]))
        assert asked.figures(phone, studio) == found


def test_weights_of_what_asks_and_of_what_is_kept() -> None:
    """Asking finds which part tells products apart; what is kept is alike as its style is."""
    rng = np.random.default_rng(0)
    names = np.repeat([f"p{i}" for i in range(60)], 2)
    gallery = {
        name: np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)
        for name in PARTS for values in [rng.normal(size=(120, 8))]
    }  # fmt: skip
    gallery["detail"] = np.repeat(gallery["detail"][::2], 2, axis=0)
    own = np.arange(120)
    asked = Asked.of(gallery, np.ones(120, np.float32), gallery, own, names)
    weights = fit_asking(asked, ("plain", "scene"), 0)
    assert weights["plain"] == weights["scene"] == 0.0
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["detail"] == max(weights.values())
    assert asked.figures(weights, weights) == (1.0, 1.0)
    judge = Judge(gallery["style"], gallery, 0)
    assert set(STORED) == set(PARTS)
    assert sum(STORED.values()) == pytest.approx(1)
    assert min(STORED.values()) > 0
    assert judge.agreement(weights) < 0.8 < 0.95 < judge.agreement(STORED)


def test_a_scene_that_a_studio_shares_tells_none_of_its_products_apart() -> None:
    rng = np.random.default_rng(0)
    gallery = {
        name: np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)
        for name in PARTS for values in [rng.normal(size=(120, 8))]
    }  # fmt: skip
    gallery["detail"] = np.repeat(gallery["detail"][::2], 2, axis=0)
    gallery["scene"] = np.repeat(gallery["scene"][::60], 60, axis=0)
    products = np.repeat([f"p{i}" for i in range(60)], 2)
    studios = np.repeat(["one", "two"], 60)
    within = Within.of(gallery, gallery, products, studios)
    assert len(within.same) == 2 * 60 * 59
    assert within.same.sum() == 120
    silent = dict.fromkeys(PARTS, 0.0)
    assert within.area({**silent, "detail": 1.0}) == pytest.approx(1.0)
    assert within.area({**silent, "detail": 1.0, "outline": 1.0}) > 0.9
    assert within.area({**silent, "outline": 1.0}) < 0.7
    # A picture that asks by its outline as well asks the less by what tells products apart.
    loud = np.where(np.arange(120) % 4 < 2, 1.0, 0.0).astype(np.float32)
    mixed = Within.of(sided(gallery, loud), gallery, products, studios)
    assert mixed.area({**silent, "detail": 1.0, "outline": 1.0}) > 0.9
    # Its share falls where telling the studio's own products apart counts.
    gallery["detail"] += 0.7 * rng.normal(size=(120, 8)).astype(np.float32)
    gallery["scene"] += 0.5 * rng.normal(size=(120, 8)).astype(np.float32)
    within, own = Within.of(gallery, gallery, products, studios), np.arange(120)
    asked = Asked.of(gallery, np.ones(120, np.float32), gallery, own, products)
    alone = fit_asking(asked, (), 0)
    assert fit_asking(asked, (), 0, within)["scene"] < alone["scene"]


def test_what_only_one_shop_shares_is_asked_of_that_shop_alone() -> None:
    """Sixty products, two pictures in one shop and one in another: plain colours are the shop's."""
    rng = np.random.default_rng(0)

    def drawn() -> np.ndarray:
        values = rng.normal(size=(180, 8))
        return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)

    gallery = {name: drawn() for name in PARTS}
    detail, own = np.repeat(gallery["detail"][::3], 3, axis=0), np.arange(180)
    gallery["detail"] = detail + 0.5 * drawn()
    gallery["plain"][1::3] = gallery["plain"][::3] + 0.2 * drawn()[::3]
    products = np.repeat([f"p{i}" for i in range(60)], 3)
    shop = np.where(own % 3 == 2, np.char.add(products, "'"), products)
    ones = np.ones(60, np.float32)
    first = {name: part[::3] for name, part in gallery.items()}
    home = Asked.of(first, ones, gallery, own[::3], shop)
    abroad = {name: np.delete(part, own[1::3], axis=0) for name, part in gallery.items()}
    away = Asked.of(
        first, ones, abroad, np.arange(0, 120, 2), np.delete(products, own[1::3])
    )  # fmt: skip
    studio, beyond = fit_asking(home, (), 0), fit_asking(away, (), 0)
    assert beyond["plain"] / beyond["detail"] < studio["plain"] / studio["detail"]
    # Each question finds what it is for, and the better of the two nearly all of both.
    assert home.figures(studio, studio) > home.figures(beyond, beyond)
    assert away.figures(beyond, beyond) > away.figures(studio, studio)
    louder = fit_louder(home, away, studio, studio, beyond)
    one, two = (asked.found(asked.either(studio, studio, beyond, louder)) for asked in (home, away))
    assert home.figures(beyond, beyond) < one
    assert away.figures(studio, studio) < two
    for far in (LOUDER[0], LOUDER[-1]):
        told = [sum(a.found(a.either(studio, studio, beyond, far))) for a in (home, away)]
        assert HOME * told[0] + told[1] <= HOME * sum(one) + sum(two)
    # A phone's picture has one question, whatever the length of a studio's second.
    phone = replace(home, gates=0 * ones)
    for length in (0.5, 1.3):
        assert np.array_equal(
            phone.either(studio, beyond, beyond, length), phone.scores(studio, beyond)
        )


def test_a_part_of_the_shoe_lies_on_one_side_of_a_line() -> None:
    shoe = torch.zeros(40, 48, 48)
    shoe[:, 10:40, 5:45] = 1
    found = Found(shoe * 12 - 6, torch.randn(40, 3))
    cut = partly(found, np.random.default_rng(0))
    left = torch.sigmoid(cut.logits) > 0.5
    shares = left.sum((1, 2)) / shoe.sum((1, 2))
    assert torch.equal(cut.light, found.light)
    assert not (left & (shoe == 0)).any()
    assert LEFT[0] - 0.08 < float(shares.min()) < float(shares.max()) < LEFT[1] + 0.08
    assert float(shares.std()) > 0.1
    # Convex: the middle of two cells that are left is left.
    for one in left:
        some = one.nonzero()[torch.randperm(int(one.sum()))[:60]]
        middle = (some[:30] + some[30:]) / 2
        assert one[middle[:, 0].long(), middle[:, 1].long()].float().mean() > 0.9


def test_a_palette_reads_parts_of_a_phones_views_only() -> None:
    whole, part = np.zeros((400, 5), np.float16), np.ones((400, 5), np.float16)
    kinds = np.repeat(np.array([CLEAN, MILD, SHOT, SHOT], np.uint8), 100)
    read = clues_of(Clues(whole, part), kinds, np.arange(400), np.random.default_rng(0))[:, 0]
    assert not read[kinds != SHOT].any()
    assert 0.6 < read[kinds == SHOT].mean() < 0.9


def test_the_right_picture_is_a_candidate_however_far() -> None:
    """Of 200 pictures the candidates hold the right one, however far, and never the query's own."""
    rng = np.random.default_rng(0)
    gallery = {name: rng.normal(size=(200, 4)).astype(np.float32) for name in PARTS}
    products = np.array([f"p{i // 2}" for i in range(200)])
    asked = {name: part[6:7] for name, part in gallery.items()}
    gallery = {name: np.where(np.arange(200)[:, None] == 7, -part[6], part) for name, part in
               gallery.items()}  # fmt: skip
    found = Asked.of(asked, np.ones(1, np.float32), gallery, np.array([6]), products)
    assert found.right.sum() == 1
    weights = dict.fromkeys(PARTS, 1 / len(PARTS))
    first, reciprocal = found.figures(weights, weights)
    assert first == 0.0
    assert 0 < reciprocal < 1 / 50


def test_a_body_sees_what_its_plan_says_and_settles() -> None:
    torch.manual_seed(0)
    body = Body()
    batches = [torch.rand(4, 3, 64, 96) for _ in range(3)]

    class Teacher:
        def __call__(self, x: torch.Tensor, stages: int = 5) -> list[torch.Tensor]:
            sizes = ((128, 4), (256, 8), (512, 16), (512, 16), (1024, 32))
            return [
                torch.rand(len(x), c, x.shape[2] // k, x.shape[3] // k) for c, k in sizes[:stages]
            ]

    settle(body, Teacher(), batches, slice(0, 5))  # type: ignore[arg-type]
    assert not any(module.training for module in body.stages)
    with torch.inference_mode():
        seen = batches[0]
        for stage in body.stages:
            seen = stage(seen)
        assert seen.shape == (4, LAST, 2, 3)
        # Standing norms: a picture's map does not depend on what else is in the batch.
        alone = body.stages[0](batches[0][:1])
        assert torch.allclose(alone, body.stages[0](batches[0])[:1], atol=1e-5)
        # The statistics are those of the pictures it settled on.
        stem = body.stages[0][0]
        raw = torch.cat([stem.conv1(torch.nn.functional.pad(b * 2 - 1, (0, 1, 0, 1)))
                         for b in batches])  # fmt: skip
    assert torch.allclose(stem.norm1.running_mean, raw.mean((0, 2, 3)), atol=1e-4)


@pytest.mark.parametrize("kind", [Trunk, Tutor])
def test_a_trunk_learns_throughout_and_a_tutor_from_its_fourth_layer_on(kind: type[Trunk]) -> None:
    torch.manual_seed(0)
    network = kind(Sizes()).train()
    parts = network(torch.rand(2, 4, HEIGHT, WIDTH))
    assert parts.detail.shape == (2, 96)
    assert torch.allclose(parts.detail.norm(dim=1), torch.ones(2), atol=1e-3)
    parts.detail[:, 0].sum().backward()
    learns = {id(p) for p in network.taught()}
    body = [p for n, p in network.named_parameters() if not n.startswith(("to_", "colour"))]
    assert all((p.grad is not None) == (id(p) in learns) for p in body)
    assert (network.patch.weight.grad is not None) == (kind is Trunk)
    assert all(network.layers[at].fc1.weight.grad is not None for at in range(network.frozen, 12))


def test_a_trunk_begins_with_taught_layers_and_reads_as_the_tutor_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tutor, layers, trunk = Tutor(Sizes()), Transformer(OWN, HEIGHT, WIDTH), Trunk(Sizes())
    with pytest.raises(SystemExit, match="no run was kept at"):
        begin(trunk, tmp_path, alone=False)
    torch.save(layers.state_dict(), tmp_path / "layers.pt")
    torch.save({"slow": tutor.state_dict()}, tmp_path / "tutor.pt")
    own = trunk.to_detail.weight.detach().clone()
    assert begin(trunk, tmp_path, alone=True) == 1.0
    assert torch.equal(trunk.to_detail.weight, own), "no tutor was trained: it reads as it began"
    assert torch.equal(trunk.patch.weight, layers.patch.weight)
    assert begin(trunk, tmp_path, alone=False) == AGAIN
    for name, value in trunk.state_dict().items():
        source = layers if name in layers.state_dict() else tutor
        assert torch.equal(value, source.state_dict()[name]), name
    assert trunk.layers[0].fc1.out_features != tutor.layers[0].fc1.out_features


def test_a_tutor_looks_at_the_shoes_patches_first() -> None:
    torch.manual_seed(0)
    tutor = Tutor(Sizes())
    share = torch.zeros(2, 80, 1)
    share[0, 10:30] = share[1, 40:60] = 1.5
    kept = tutor.train().seen(share)
    assert kept is not None
    assert kept.shape == (2, 56)
    assert set(range(10, 30)) < set(kept[0].tolist())
    assert set(range(40, 60)) < set(kept[1].tolist())
    assert tutor.eval().seen(share) is None


def test_layers_that_are_the_tutors_leave_nothing_unexplained() -> None:
    """Alone and one after another; others leave much of every layer."""
    torch.manual_seed(0)
    tutor, other = (Transformer(VIT, 32, 48).eval() for _ in range(2))
    rgb = torch.rand(4, 3, 32, 48)
    for alone, count in ((True, 2 * DEPTH), (False, DEPTH)):
        first, left, away, last = layer_losses(tutor, tutor, rgb, alone)
        assert left.shape == (count,)
        assert away.shape == (DEPTH,)
        assert max(float(x.detach().abs().max()) for x in (first, left, away, last)) < 1e-4
        first, left, away, _ = layer_losses(other, tutor, rgb, alone)
        assert float(first) > 0.2
        assert float(left.min()) > 0.2
        assert float(away.min()) > 0


def test_integers_keep_a_pictures_tokens_whatever_else_is_in_the_batch(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(192, 192)).astype(np.float32)
    small = rng.normal(size=(192, 8)).astype(np.float32)
    make = onnx.helper.make_node
    nodes = [
        make("Cast", ["pixels"], ["x"], to=1),
        make("MatMul", ["x", "w"], ["seen"], name="large"),
        make("MatMul", ["seen", "s"], ["y"], name="little"),
    ]
    graph = onnx.helper.make_graph(
        nodes, "g",
        [onnx.helper.make_tensor_value_info("pixels", 2, ["n", 5, 192])],
        [onnx.helper.make_tensor_value_info("y", 1, ["n", 5, 8])],
        [onnx.numpy_helper.from_array(v, n) for n, v in (("w", weights), ("s", small))],
    )  # fmt: skip
    path = tmp_path / "model.onnx"
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    model.ir_version = 10
    onnx.save(model, str(path))
    before = path.stat().st_size
    pictures = rng.integers(0, 256, (32, 5, 192), dtype=np.uint8)
    plain = pictures.astype(np.float32) @ weights @ small
    assert products(onnx.load(str(path))) == ["large"]
    in_integers(path, pictures)
    assert path.stat().st_size < before / 2
    session = open_session(path)
    together = session.run(None, {"pixels": pictures})[0]
    assert np.abs(together - plain).max() < 0.03 * np.abs(plain).max()
    assert np.abs(together - plain).max() > 0
    alone = session.run(None, {"pixels": pictures[3:4]})[0]
    assert np.array_equal(alone[0], together[3])
    with pytest.raises(ValueError, match="no product"):
        in_integers(path, pictures)


def test_a_finder_begins_as_the_body_and_marks_a_quarter_of_the_picture() -> None:
    torch.manual_seed(0)
    body, finder = Body(), Finder()
    known = body.state_dict()
    shared = {name for name in finder.state_dict() if name in known}
    assert shared, "the finder's stages are named as the body's"
    assert {n for n, _ in finder.named_parameters() if n.startswith("stages")} <= shared
    found = Found(*finder.eval()(torch.rand(2, 3, 192, 192)))
    assert found.logits.shape == (2, 48, 48)
    assert torch.equal(found.light, torch.zeros(2, 3)), "untrained, it corrects no light"


def test_a_gate_changes_what_asks_and_not_what_is_kept() -> None:
    torch.manual_seed(0)
    served = Served(Sizes()).eval()
    kept, phone, studio = torch.softmax(torch.randn(3, len(PARTS)), dim=1)
    phone[[PARTS.index(name) for name in GATED]] = 0
    served.kept.copy_(kept)
    served.phone.copy_(phone)
    served.studio.copy_(studio)
    served.side_bias.fill_(20.0)
    pixels = torch.from_numpy(np.stack([
        np.asarray(render(random_design(seed), "side", (192, 192), "white", seed), np.uint8)
        for seed in (1, 2)
    ]))  # fmt: skip
    beyond = torch.softmax(torch.randn(len(PARTS)), dim=0)
    served.beyond.copy_(beyond)
    served.louder.fill_(0.8)
    vectors = {}
    for bias in (-20.0, 20.0):
        served.gate_bias.fill_(bias)
        with torch.inference_mode():
            vectors[bias] = served(pixels)[:3]
    asks, elsewhere, stored = vectors[-20.0]
    gated = slice(sum(KEPT.values()) - KEPT["plain"] - KEPT["scene"], None)
    assert float(asks[:, gated].abs().max()) < 1e-6
    assert torch.allclose(asks, elsewhere, atol=1e-5), "a phone's picture asks one question"
    assert torch.equal(stored, vectors[20.0][2])
    assert torch.allclose(vectors[20.0][1].norm(dim=1), torch.full((2,), 0.8), atol=1e-4)
    assert torch.allclose(stored.norm(dim=1), torch.ones(2), atol=1e-4)
    # The cosine sums the parts' cosines by the weights of what asks.
    with torch.inference_mode():
        parts = served.reduced(served.looked(pixels).parts)
    told = torch.stack([part[0] @ part.T for part in parts])
    for weights, bias, way in ((phone, -20.0, 0), (studio, 20.0, 0), (beyond, 20.0, 1)):
        asks = vectors[bias][way][:1] / (0.8 if way else 1)
        length = float(torch.sqrt((weights**2 / kept).sum()))
        assert torch.allclose(asks @ stored.T * length, weights @ told, atol=1e-3)


def test_by_its_outline_only_a_shoe_seen_from_its_side_asks() -> None:
    """Shoes whose first feature says how they are seen: another outline is no harm from above."""
    torch.manual_seed(0)
    served = Served(Sizes()).eval()
    weights = dict.fromkeys(PARTS, 1 / len(PARTS))
    served.weigh(kept=weights, phone=weights, studio=weights)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, served.side.numel())).astype(np.float32)
    views = np.where(features[:, 0] > 0, "side", np.where(features[:, 1] > 0, "top", "sole"))
    views[:20] = "view2"
    found, bias = fit_side(features, views)
    served.side.copy_(torch.from_numpy(found))
    served.side_bias.fill_(bias)
    with torch.inference_mode():
        beside = served.beside(torch.from_numpy(features)).numpy()
        assert ((beside > 0.5) == (features[:, 0] > 0))[20:].mean() > 0.95
        parts = [torch.nn.functional.normalize(torch.randn(2, KEPT[n]), dim=1) for n in PARTS]
        other = list(parts)
        other[PARTS.index("outline")] = -parts[PARTS.index("outline")]
        opened = torch.zeros(2)
        cosines = {}
        for told in (0.0, 1.0):
            asks, _, stored = served.joined(parts, opened, torch.full((2,), told))
            cosines[told] = [
                float((asks[0] * kept[0]).sum())
                for kept in (stored, served.joined(other, opened, opened)[2])
            ]
    assert cosines[0.0][0] == pytest.approx(cosines[0.0][1], abs=1e-5)
    assert cosines[1.0][0] > cosines[1.0][1] + 0.1
    with pytest.raises(ValueError, match="both needed"):
        fit_side(features, np.where(views == "side", "side", "view2"))


def test_a_crop_is_what_grid_sampling_gives() -> None:
    torch.manual_seed(0)
    picture, opacity = torch.rand(3, 3, 192, 192), torch.rand(3, 48, 48)
    where = torch.tensor([[0.1, 0.2, 0.9, 0.7], [0.0, 0.0, 1.0, 1.0], [0.5, 0.55, 0.6, 0.95]])
    found = _sample(picture, opacity, where)
    ratio, reach = WIDTH / HEIGHT, []
    for left, top, right, bottom in where.tolist():
        reach.append(max(right - left, (bottom - top) * ratio) * 1.08)
    middle = torch.stack([where[:, 0] + where[:, 2], where[:, 1] + where[:, 3]], dim=1) - 1
    theta = torch.zeros(3, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = torch.tensor(reach), torch.tensor(reach) / ratio
    theta[:, :, 2] = middle
    grid = torch.nn.functional.affine_grid(theta, [3, 1, HEIGHT, WIDTH], align_corners=False)
    for own, source in zip(found, (picture, opacity[:, None]), strict=True):
        wanted = torch.nn.functional.grid_sample(source, grid, align_corners=False)
        assert torch.allclose(own, wanted, atol=1e-4)


def test_looks_cut_out_what_is_served() -> None:
    rgb = np.asarray(render(random_design(3), "side", (192, 192), "white", 3), np.uint8)
    pixels = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255
    shoe = (pixels.amin(1) < 0.97).float()
    mask = torch.nn.functional.avg_pool2d(shoe[:, None], 4)[:, 0]
    light = torch.tensor([[0.1, 0.0, -0.1]])
    found = Found(torch.logit(mask.clamp(0.002, 0.998)), light)
    seen = focus(pixels, found)
    crop = looks_of(found).crop(rgb, 0, np.random.default_rng(0)).astype(np.float32) / 255
    away = np.abs(crop - seen[0].permute(1, 2, 0).numpy())
    assert crop.shape == (HEIGHT, WIDTH, 4)
    assert away.mean() < 0.05, "the frame is moved a little, no more"


def test_a_bank_is_looked_through_once_for_cutting_out_and_for_colours(tmp_path: Path) -> None:
    torch.manual_seed(0)
    finder = Finder().eval()
    views = np.random.default_rng(0).integers(0, 255, (5, 192, 192, 3), np.uint8)
    blank = np.zeros(5, np.int64)
    bank = Bank(
        views, np.zeros((5, 96, 96), np.uint8), blank, blank.astype(np.uint8),
        np.zeros((5, 3), np.float32), blank > 0, blank == 0, blank[:0],
    )  # fmt: skip
    (tmp_path / "bank").mkdir()
    looks, told = build_looks(bank, finder, tmp_path), build_clues(bank, finder, tmp_path)
    with torch.inference_mode():
        pixels = torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255
        found = finder(pixels)
        wanted = clues(pixels, focus(pixels, found), found).numpy()
    for name, value in looks_of(found)._asdict().items():
        np.testing.assert_allclose(getattr(looks, name), value, atol=2)
    assert np.abs(told.whole.astype(np.float32) - wanted).mean() < 2e-4
    assert np.abs(told.part.astype(np.float32) - wanted).mean() > 1e-3
    # What is there is not looked at again, by whatever finder.
    again = build_looks(bank, Finder(), tmp_path)
    np.testing.assert_array_equal(again.opacity, looks.opacity)


def test_a_student_that_answers_as_the_tutor_has_nothing_to_match() -> None:
    """And its norms keep their statistics while mixtures go through it."""
    torch.manual_seed(0)
    sizes = Sizes()
    trunk, other = Trunk(sizes), Trunk(sizes)
    answers = {
        name: torch.nn.functional.normalize(torch.randn(40, getattr(sizes, name)), dim=1)
        for name in ("style", "model", "detail", "colour", "attributes")
    }
    powers = {"model": 0.75, "detail": 0.5, "attributes": 0.75}
    crops = torch.rand(8, 4, HEIGHT, WIDTH)
    before = trunk.to_features[1].running_mean.clone()
    lost = {}
    for name, tutor in (("same", trunk), ("other", other)):
        follow = Follow(answers, torch.arange(40), torch.full((4,), 0.25), powers, tutor)
        lost[name] = float(follow.match(trunk, crops)["match"].detach())
    assert torch.equal(before, trunk.to_features[1].running_mean)
    assert trunk.training
    assert lost["same"] < 1e-3 < 0.2 < lost["other"]
    # An answer that is followed to the letter loses nothing either, and a scene asks nothing.
    rows = torch.tensor([3, 5, -1])
    parts = Parts(
        **{name: values[rows] for name, values in answers.items()},
        features=torch.zeros(3, sizes.features),
    )
    assert float(follow(parts, rows)["follow"]) < 1e-3


def test_new_classifiers_begin_at_the_means_of_their_classes() -> None:
    torch.manual_seed(0)
    labels = Labels(8, (3, 2))
    labels.begun[1] = True
    kept = labels.heads[1].weight.clone()
    centres = torch.nn.functional.normalize(torch.randn(3, 8), dim=1)
    codes = torch.arange(60) % 3
    attributes = torch.nn.functional.normalize(centres[codes] + 0.1 * torch.randn(60, 8), dim=1)
    told = torch.stack([torch.where(codes == 2, -1, codes), codes % 2], dim=1)
    alone = told.where(torch.tensor([True, False]), -1)
    at_random = labels(attributes, alone).item()
    labels.begin(attributes, told)
    assert labels(attributes, alone).item() < 0.5 * at_random
    assert torch.equal(kept, labels.heads[1].weight)
    assert float(labels.heads[0].weight[2].norm()) == 0, "nothing is known of the third"
    assert all(labels.begun)


def test_a_run_goes_on_from_another_in_its_own_directions(tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = Sizes(style=3)
    before, after = Trunk(sizes).eval(), Trunk(sizes).eval()
    axes = torch.linalg.qr(torch.randn(8, 3))[0]
    turned = axes @ torch.linalg.qr(torch.randn(3, 3))[0]
    one, rows = torch.zeros(1, 1), torch.zeros(1, dtype=torch.long)
    known = Targets(one, one, one, rows, np.zeros((1, 1), np.int64), turned)
    common = Common(known, sizes)
    other = Common(known, sizes)
    kept = {
        "slow": before.state_dict(), "contrast": other.contrast.state_dict(), "axes": axes,
        "labels": other.labels.state_dict(),
    }  # fmt: skip
    torch.save(kept, tmp_path / "trunk.pt")
    assert go_on(after, common, tmp_path / "trunk.pt") == AGAIN
    crops = torch.rand(2, 4, HEIGHT, WIDTH)
    with torch.inference_mode():
        told, tells = before(crops), after(crops)
    assert torch.equal(told.detail, tells.detail)
    assert torch.allclose(told.style @ axes.T, tells.style @ turned.T, atol=1e-4)
    same = zip(common.labels.state_dict().values(), kept["labels"].values(), strict=True)
    assert all(torch.equal(one, two) for one, two in same)
    more = Common(known, replace(sizes, labels=(1, 1, 1, 1, 2)))
    begun = more.labels.heads[4].weight.clone()
    assert go_on(after, more, tmp_path / "trunk.pt") == AGAIN
    assert torch.equal(more.labels.heads[0].weight, other.labels.heads[0].weight)
    assert torch.equal(begun, more.labels.heads[4].weight), "another number of classes"
    assert more.labels.begun == [True] * 4 + [False]
    with pytest.raises(SystemExit, match="no run was kept at"):
        go_on(after, common, tmp_path / "another.pt")
    torch.save({**kept, "step": 3, "elapsed": 60.0, "sizes": sizes.as_dict()}, tmp_path / "all.pt")
    carry(tmp_path / "all.pt", tmp_path / "next" / "trunk.pt")
    carried = Trunk(sizes).eval()
    assert go_on(carried, common, tmp_path / "next" / "trunk.pt") == AGAIN
    with torch.inference_mode():
        assert float((carried(crops).detail * told.detail).sum(1).min()) > 0.999
    carry_size = (tmp_path / "next" / "trunk.pt").stat().st_size
    assert carry_size < 0.6 * (tmp_path / "all.pt").stat().st_size


def test_a_share_of_what_a_trunk_went_on_from_stays_once(tmp_path: Path) -> None:
    path = tmp_path / "trunk.pt"
    assert not over(path)
    slow = {"weight": torch.tensor([1.0, 2.0]), "count": torch.tensor(7)}
    before = {"weight": torch.tensor([5.0, 2.0]), "count": torch.tensor(3)}
    torch.save({"slow": slow, "network": slow, "step": 4}, path)
    assert not over(path)
    stay(path, before)
    kept = torch.load(path, weights_only=False)
    assert kept["slow"]["weight"].tolist() == pytest.approx([1 + 4 * STAY, 2.0])
    assert kept["slow"]["count"] == 7
    assert kept["network"]["weight"].tolist() == [1.0, 2.0]
    assert kept["step"] == 4
    assert over(path)


def test_fine_directions_tell_what_all_have_in_common_hides() -> None:
    torch.manual_seed(0)
    common = torch.nn.functional.normalize(torch.randn(1, 16), dim=1)
    answers = torch.nn.functional.normalize(common + 0.1 * torch.randn(60, 16), dim=1)
    assert float((answers @ answers.T).mean()) > 0.8
    fine = Fine(16, 16).fit(answers, 0.5)(answers)
    apart = fine @ fine.T - torch.eye(60)
    assert float(apart.abs().mean()) < 0.3


def test_words_for_one_colour_leave_shoes_open_that_have_it_as_well() -> None:
    facts = [
        Facts("nike", "black", "sneaker", "", "", ("white",)),
        Facts("nike", "white", "sneaker", "", ""),
        Facts("nike", "red", "sneaker", "", ""),
        Facts("nike", "", "sneaker", "", ""),
    ]
    share, counted = Fits(facts).targets([Wanted("white shoes", colour="white")], np.arange(4))
    assert share[0].tolist() == [0, 1, 0, 0]
    assert counted[0].tolist() == [0, 1, 1, 0], "neither for nor against"


def test_who_never_made_a_model_counts_against_it_and_who_may_have_is_left_open() -> None:
    facts = [
        Facts("nike", "red", "", "", "", (), "nike air max 90"),
        Facts("nike", "red", "", "", "", (), "nike cortez"),
        Facts("nike", "red", "", "", ""), Facts("vans", "red", "", "", ""),
        Facts("", "red", "", "", ""), Facts("jordan", "red", "", "", "", (), "nike air max 90"),
        Facts("jordan", "red", "", "", ""),
    ]  # fmt: skip
    asked = [Wanted("air max 90", model="nike air max 90")]
    share, counted = Fits(facts).targets(asked, np.arange(7))
    assert share[0].tolist() == [0.5, 0, 0, 0, 0, 0.5, 0]
    assert counted[0].tolist() == [1, 1, 0, 1, 0, 1, 0]


def test_a_model_is_asked_for_with_and_without_its_brand() -> None:
    writer = Writer(Vocabulary(), 0)
    facts = facts_of(dict.fromkeys(("brand", "colour", "gender", "text", "source", "category"), "")
                     | {"brand": "Nike", "colour": "White / Red"}, "Nike Air Max 90")  # fmt: skip
    assert facts.model == "nike air max 90"
    asked = [one for _ in range(300) if (one := writer.write(facts)) and one.model]
    assert 0.15 < len(asked) / 300 < 0.45
    assert {one.brand for one in asked} == {""}
    assert {one.colour for one in asked} == {"", "white"}
    plain = [one for one in asked if "air max 90" in one.text]
    assert len({"nike" in one.text for one in plain}) == 2
    assert writer.phrase({"model": "nike air max 90"}, "ru", spoil=False).text == "nike air max 90"
    names = Vocabulary().tokenizer([facts] * 3)
    assert names.ids(["max"]).tolist() != names.ids(["mqx"]).tolist()


def test_a_picture_is_named_by_the_texts_that_ask_for_its_value() -> None:
    facts = [
        Facts("nike", "black", "", "", ""), Facts("vans", "", "", "", ""),
        Facts("puma", "red", "", "", ""), Facts("", "red", "", "", ""),
    ]  # fmt: skip
    asked = [
        Wanted("nike", brand="nike"), Wanted("red shoes", colour="red"),
        Wanted("кроссовки найк", brand="nike"), Wanted("vans", brand="vans"),
    ]  # fmt: skip
    texts, pictures, share = Fits(facts).named(asked, np.array([3, 2, 1, 0]), "brand")
    assert texts.tolist() == [0, 2, 3]
    assert pictures.tolist() == [2, 3], "of puma no text asks, of one no brand is known"
    assert share.tolist() == [[0, 0, 1], [0.5, 0.5, 0]]


def test_a_run_that_goes_on_sees_other_batches_and_its_workers_each_their_own() -> None:
    seeds = [seed_of(name, 0, rank) for name in ("solemate-s1", "solemate-s2") for rank in (0, 1)]
    assert len(set(seeds)) == 4
    assert seed_of("solemate-s1", 0, 1) == seeds[1]


def test_rare_values_are_asked_for_by_themselves() -> None:
    facts = [Facts("nike", "black", "", "", "")] * 900 + [Facts("asics", "", "", "", "")] * 12
    values, writer = Values(facts), Writer(Vocabulary(), 0)
    rng = np.random.default_rng(0)
    asked = [values.ask(writer, rng) for _ in range(400)]
    brands = [one.brand for _, one in asked if one.brand]
    assert set(brands) == {"nike", "asics"}
    assert brands.count("asics") > 0.1 * len(brands)
    for row, one in asked:
        assert not one.brand or facts[row].brand == one.brand
        assert not one.colour or facts[row].colour == one.colour


def mobilenet(folder: Path) -> None:
    """MobileNetV1's shape with random weights, where the reference model would lie."""
    onnx = pytest.importorskip("onnx")
    rng = np.random.default_rng(0)
    make, tensors = onnx.helper.make_node, []

    def told(name: str, values: np.ndarray) -> str:
        tensors.append(onnx.numpy_helper.from_array(values.astype(np.float32), name))
        return name

    nodes = [
        make("Cast", ["x"], ["c"], to=1), make("Sub", ["c", told("low", np.array(127.5))], ["s"]),
        make("Mul", ["s", told("scale", np.array(1 / 127.5))], ["y0"]),
    ]  # fmt: skip
    shapes = [(32, 3, 3, 3)]
    for inputs, outputs, _ in (layer for stage in PLAN for layer in stage):
        shapes += [(inputs, 1, 3, 3), (outputs, inputs, 1, 1)]
    for at, shape in enumerate(shapes):
        spread = (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
        weight = told(f"w{at}", rng.normal(0, spread, shape))
        nodes.append(make("Conv", [f"y{at}", weight, told(f"b{at}", np.zeros(shape[0]))],
                          [f"y{at + 1}"]))  # fmt: skip
    ends = [onnx.helper.make_tensor_value_info(n, 1, None) for n in ("x", f"y{len(shapes)}")]
    graph = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    (folder / MOBILENET).parent.mkdir(parents=True)
    onnx.save(onnx.helper.make_model(graph), str(folder / MOBILENET))


def test_tutors_tell_apart_what_either_does(tmp_path: Path) -> None:
    """Detail is two networks', in directions near the fine-tuned one's; style is a third's."""
    torch.manual_seed(0)
    mobilenet(tmp_path)
    tutor = Tutor(Sizes()).eval()
    tutors = Tutors([tutor], Sizes(), tmp_path)
    shoes = [torch.cat(drawn(seed), dim=1) for seed in range(160)]
    x = torch.nn.functional.interpolate(torch.cat(shoes), (HEIGHT, WIDTH))
    axes = torch.linalg.qr(torch.randn(DIM, Sizes().style))[0]
    tutors.fit((x.permute(0, 2, 3, 1) * 255).to(torch.uint8), axes)
    with torch.inference_mode():
        alone, both = tutor(x), tutors(x)
        again = Tutors([Tutor(Sizes())], Sizes(), tmp_path)
        again.load_state_dict(tutors.state_dict())
        told = again(x[:2]).detail
        likened = tutors.likens.tokens(x[:, :3])[:, 0] @ axes
    assert torch.equal(alone.attributes, both.attributes)
    assert not torch.allclose(alone.style, both.style, atol=0.1)
    assert torch.allclose(both.style, torch.nn.functional.normalize(likened, dim=1), atol=1e-4)
    assert both.detail.shape == alone.detail.shape
    assert torch.allclose(both.detail.norm(dim=1), torch.ones(160), atol=1e-3)
    assert torch.allclose(told, both.detail[:2], atol=1e-4)
    own = torch.nn.functional.normalize(alone.detail - alone.detail.mean(0), dim=1)
    near = (own * both.detail).sum(1).mean()
    assert float(near) > 0.3, "a random rotation of 96 directions would give 0"
    apart = (both.detail @ both.detail.T - own @ own.T).abs().mean()
    assert float(apart) > 0.02, "the other network has a say"


def test_several_tutors_tell_what_each_does(tmp_path: Path) -> None:
    """All parts are packed, near the first's own directions; style is still another's."""
    torch.manual_seed(0)
    mobilenet(tmp_path)
    one, two = Tutor(Sizes()).eval(), Trunk(Sizes()).eval()
    tutors = Tutors([one, two], Sizes(), tmp_path)
    shoes = [torch.cat(drawn(seed), dim=1) for seed in range(160)]
    x = torch.nn.functional.interpolate(torch.cat(shoes), (HEIGHT, WIDTH))
    axes = torch.linalg.qr(torch.randn(DIM, Sizes().style))[0]
    tutors.fit((x.permute(0, 2, 3, 1) * 255).to(torch.uint8), axes)
    with torch.inference_mode():
        alone, other, both = one(x), two(x), tutors(x)
        knows = Knowing(tutors)(x)
    for name in Follow.FOLLOWED:
        packed, first, second = (getattr(told, name) for told in (both, alone, other))
        assert packed.shape == first.shape
        assert torch.allclose(packed.norm(dim=1), torch.ones(160), atol=1e-3), name
        assert torch.equal(packed, getattr(knows, name))
        own = torch.nn.functional.normalize(first - first.mean(0), dim=1)
        assert float((own * packed).sum(1).mean()) > 0.25, name
        # Likeness is the mean of both, as far as it can be packed.
        with torch.inference_mode():
            told = [
                fine(part) for fine, part in zip(tutors.own[name], (first, second), strict=True)
            ]
        mean = sum(part @ part.T for part in told)
        agreed = torch.corrcoef(torch.stack([(packed @ packed.T).flatten(), mean.flatten()]))
        assert float(agreed[0, 1]) > 0.7, name


def test_a_pair_network_hears_how_a_vector_asks() -> None:
    """Parts count by their direction; how the asking vector scales them says by which to judge."""
    torch.manual_seed(0)
    network = PairNetwork(12, ((0, 4), (4, 12)), residual=False).eval()
    query, other = torch.randn(5, 12), torch.randn(5, 12)
    scaled = torch.cat([other[:, :4] * 3, other[:, 4:] * 0.2], dim=1)
    with torch.inference_mode():
        assert torch.allclose(network(query, other), network(query, scaled), atol=1e-4)
        network.weights.weight[0, 1] = 2.0
        louder = torch.cat([query[:, :4], query[:, 4:] * 5], dim=1)
        assert not torch.allclose(network(query, other), network(louder, other), atol=1e-3)


def test_hints_come_from_mobilenet_or_not_at_all(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    weight = onnx.numpy_helper.from_array(np.zeros((32, 3, 3, 3), np.float32), "w")
    bias = onnx.numpy_helper.from_array(np.zeros(32, np.float32), "b")
    node = onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"])
    sides = [onnx.helper.make_tensor_value_info(n, 1, None) for n in ("x", "y")]
    graph = onnx.helper.make_graph([node], "g", sides[:1], sides[1:], [weight, bias])
    path = tmp_path / "model.onnx"
    onnx.save(onnx.helper.make_model(graph), str(path))
    with pytest.raises(ValueError, match="not MobileNetV1"):
        Pretrained(path)


def test_a_palette_begins_as_principal_components() -> None:
    rng = np.random.default_rng(0)
    told = rng.random((300, CLUES)).astype(np.float32)
    told[:, 7] += rng.normal(0, 30, 300)
    palette = Palette().eval()
    palette.start(told)
    with torch.inference_mode():
        found = palette(torch.from_numpy(told)).numpy()
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4)
    assert abs(np.corrcoef(found[:, 0], told[:, 7])[0, 1]) > 0.8


def test_the_same_picture_under_another_id_is_no_negative() -> None:
    vectors = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [1, 0.1], [1, 0], [1, 0.1]]))
    products, scale = torch.tensor([0, 1, 0, 1]), torch.tensor(2.0)
    apart = contrast(vectors, products, torch.zeros(4, 4, dtype=torch.bool), scale)
    twins = contrast(vectors, products, torch.ones(4, 4, dtype=torch.bool), scale)
    assert float(twins) < 1e-3 < float(apart)


def test_neighbours_are_training_pictures_and_never_the_picture_itself() -> None:
    features = np.eye(6, dtype=np.float32)[[0, 0, 0, 1, 1, 5]]
    near = neighbours(features, np.array([0, 1, 3, 4]), 1)
    assert near[:, 0].tolist()[:5] == [1, 0, near[2, 0], 4, 3]
    assert near[2, 0] in (0, 1)


def test_surfaces_differ_and_are_pictures() -> None:
    rng = np.random.default_rng(0)
    made = [surface(rng) for _ in range(12)]
    assert all(one.shape == (160, 160, 3) and one.dtype == np.uint8 for one in made)
    assert len({one.tobytes() for one in made}) == 12
    assert np.mean([one.std() > 4 for one in made]) > 0.7


def test_a_text_lies_where_a_classifier_looks_for_what_it_asks() -> None:
    """Of 300 pictures, the first number says nike, the second red, the third what is no sneaker;
    red is left open for some. Beside a brand the usual type hardly asks."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 6)).astype(np.float32)
    facts = [
        Facts("nike" if v[0] > 0 else "vans", "red" if v[1] > 0 else "blue",
              "sneaker" if v[2] > -0.5 else "heels", "", "", ("red",) if v[1] < -1.5 else ())
        for v in vectors
    ]  # fmt: skip
    directions = Directions(vectors, Fits(facts), 0)
    texts = [
        Wanted("nike", brand="nike"), Wanted("red nike", brand="nike", colour="red"),
        Wanted("nike sneakers", brand="nike", type="sneaker"),
        Wanted("nike heels", brand="nike", type="heels"), Wanted("sneakers", type="sneaker"),
        Wanted("asics", brand="asics"), Wanted("nike one", brand="nike", title="nike one"),
        Wanted("?"),
    ]  # fmt: skip
    told, values = directions.targets(texts)
    assert values.tolist() == [1, 2, 1, 2, 1, 0, 0, 0]
    assert torch.allclose(told[:5].norm(dim=1), torch.ones(5), atol=1e-5)
    assert float(told[0, 0]) > 0.95
    assert min(told[1, :2].tolist()) > 0.6
    assert float(told[1, 2:].abs().max()) < 0.2
    assert float(told[2, 0]) > 0.95
    assert 0 < float(told[2, 2]) < 0.3
    assert float(told[3, 0]) > 0.6
    assert float(told[3, 2]) < -0.6
    assert float(told[4, 2]) > 0.95


def test_a_text_tower_learns_what_its_words_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brand by the first number, colour by the second: after 120 steps of a second by this clock
    each word lies on its side."""
    for name, size in (("TEXTS", 64), ("POOL", 256), ("BY_VALUE", 32)):
        monkeypatch.setattr(f"onnx_models.text.train.{name}", size)
    clock = SimpleNamespace(monotonic=itertools.count().__next__)
    monkeypatch.setattr("onnx_models.text.train.time", clock)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    facts = [
        Facts("nike" if v[0] > 0 else "vans", "red" if v[1] > 0 else "blue", "sneaker", "", "")
        for v in vectors
    ]
    tokenizer = Vocabulary().tokenizer(facts)
    tower, steps = train_text(vectors, facts, tokenizer, 2.0, 0)
    assert 110 < steps <= 120
    with torch.inference_mode():
        said = tower(torch.from_numpy(tokenizer.ids(["nike", "vans", "red", "синие кроссовки"])))
    for told, (at, sign) in zip(said, ((0, 1), (0, -1), (1, 1), (1, -1)), strict=True):
        assert float(told[at]) * sign > 0.2, told


def artifact() -> Path:
    """The encoder that the project ships."""
    name = str(Settings.model_fields["encoder"].default)
    return Path(__file__).parents[2] / "onnx_models" / name


def test_finder_and_palette_are_read_back_from_the_artifact() -> None:
    """A finder read from the file marks shoes as the file does; another plan is refused."""
    weights = unpacked(pytest.importorskip("onnx").load(str(artifact() / "model.onnx")))
    finder, palette = Finder(), Palette()
    fill(finder, weights, "finder.")
    fill(palette, weights, "palette.")
    shoes = [render(random_design(seed), "side", (192, 192), "white", seed) for seed in range(3)]
    pixels = np.stack([np.asarray(shoe, np.uint8) for shoe in shoes])
    mask = open_session(artifact() / "model.onnx").run(["mask"], {"pixels": pixels})[0]
    with torch.inference_mode():
        found = finder.eval()(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    assert np.allclose(torch.sigmoid(found.logits).numpy(), mask, atol=1e-4)
    assert 0.05 < mask.mean() < 0.8
    assert float(palette.plain.weight.abs().sum()) > 1
    with pytest.raises(KeyError):
        fill(torch.nn.Linear(3, 3), weights, "finder.")


def test_a_trunk_is_fused_and_read_back_from_its_integers(tmp_path: Path) -> None:
    """As exported, in integers, packed; what serving leaves out stays as it was. Fused, it says the
    same."""
    onnx = pytest.importorskip("onnx")
    torch.manual_seed(0)
    trunk, again = Trunk(Sizes()).eval(), Trunk(Sizes()).eval()
    style = Reading(GATHERED, Sizes().style).eval()
    for value in (*trunk.parameters(), *style.parameters()):
        if value.ndim == 1 or value.shape[0] == 1:  # like ones would be stored once
            torch.nn.init.normal_(value, 1.0, 0.2)
    graph = tmp_path / "model.onnx"
    pixels = torch.randint(0, 255, (3, 192, 192, 3), dtype=torch.uint8)

    class Alone(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk, self.style = trunk, style

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            x = pixels.permute(0, 3, 1, 2).float()[:, :, :HEIGHT, :WIDTH] / 255
            seen = torch.cat([x, x[:, :1]], dim=1)
            gathered = self.trunk.gathered(seen)
            parts = self.trunk.read(gathered, seen)
            read = unit(self.style(gathered))
            return torch.cat([read, parts.model, parts.detail, parts.attributes], dim=1)

    torch.onnx.export(
        Alone(), (pixels,), str(graph), dynamo=True, external_data=False, opset_version=OPSET,
        input_names=["pixels"], output_names=["y"], verbose=False,
        dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
    )  # fmt: skip
    in_integers(graph, pixels.numpy())
    apart = unpacked(onnx.load(str(graph)))
    (before,) = open_session(graph).run(None, {"pixels": pixels.numpy()})
    assert fuse(graph) == {PRODUCT: 3 * DEPTH, ATTENTION: DEPTH}
    (after,) = open_session(graph).run(None, {"pixels": pixels.numpy()})
    np.testing.assert_allclose(after, before, atol=1e-4)
    joined = unpacked(onnx.load(str(graph)))
    matrices = [name for name in apart if name.startswith("trunk.layers") and apart[name].ndim == 2]
    assert len(matrices) == 4 * DEPTH
    assert all(np.array_equal(apart[name], joined[name]) for name in matrices)
    with pytest.raises(ValueError, match="no attention"):
        fuse(graph)
    pack(graph, 1 << 14)
    weights, bins = unpacked(onnx.load(str(graph))), again.colour.bins.weight.clone()
    fill(again, weights, "trunk.", left=("colour", "to_style"))
    assert torch.equal(again.colour.bins.weight, bins)
    crops = torch.rand(4, 4, HEIGHT, WIDTH)
    with torch.inference_mode():
        told, tells, asked = trunk(crops), again(crops), Before(tmp_path)(crops)
        told = told._replace(style=unit(style(trunk.gathered(crops))))
    for name in ("style", "model", "detail", "attributes"):
        right = getattr(told, name)
        if name != "style":  # which is not the trunk's where it is read anew
            assert float((getattr(tells, name) * right).sum(1).min()) > 0.99, name
        assert float((getattr(asked, name) * right).sum(1).min()) > 0.95, name
    with pytest.raises(KeyError):
        fill(Tutor(Sizes()).colour, weights, "trunk.")


def test_an_artifact_can_be_asked_as_a_tutor(tmp_path: Path) -> None:
    """What its trunk says of a crop is what stands in its vectors, in the directions kept."""
    onnx = pytest.importorskip("onnx")
    weights = unpacked(onnx.load(str(artifact() / "model.onnx")))
    finder = Finder().eval()
    fill(finder, weights, "finder.")
    shoes = [render(random_design(seed), "side", (192, 192), "white", seed) for seed in range(6)]
    pixels = np.stack([np.asarray(shoe, np.uint8) for shoe in shoes])
    kept = open_session(artifact() / "model.onnx").run([CATALOGUE], {"pixels": pixels})[0]
    with torch.inference_mode():
        x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        said = Before(artifact())(focus(x, finder(x)))
    ends = np.cumsum(list(KEPT.values()))
    for name in ("style", "model", "detail", "attributes"):
        at = PARTS.index(name)
        own = (getattr(said, name).numpy() - weights[f"mean_{name}"]) @ weights[f"axes_{name}"]
        own /= np.linalg.norm(own, axis=1, keepdims=True)
        there = kept[:, ends[at] - KEPT[name] : ends[at]]
        there = there / np.linalg.norm(there, axis=1, keepdims=True)
        assert float((own * there).sum(axis=1).min()) > 0.98, name
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], []))
    onnx.save(empty, str(tmp_path / "model.onnx"))
    with pytest.raises(ValueError, match="no trunk that can be asked"):
        Before(tmp_path)


class Numbers:
    """Draws batches of a random number."""

    seed = 3

    def begin(self, *at: int) -> None:
        self.rng = np.random.default_rng((self.seed, *at))

    def draw(self) -> Batch:
        return Batch(*(torch.tensor([float(self.rng.random())]) for _ in range(5)))


def test_who_teaches_is_what_a_run_kept_whatever_it_was(tmp_path: Path) -> None:
    sizes, paths = Sizes(), []
    for kind in (Tutor, Trunk):
        paths.append(tmp_path / f"{kind.__name__}.pt")
        torch.save({"slow": kind(sizes).half().state_dict()}, paths[-1])
    asked = argparse.Namespace(before=tmp_path, tutors=paths)
    assert [type(found) for found in knowing(asked, sizes)] == [Tutor, Trunk]
    with pytest.raises(SystemExit, match="no run was kept"):
        knowing(argparse.Namespace(before=tmp_path, tutors=[tmp_path / "no.pt"]), sizes)


def test_numbers_are_halved_only_where_a_processor_computes_in_halves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for able in (False, True):
        native.cache_clear()
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: {NATIVE[0]: able})
        with bfloat16("cpu"):
            product = torch.ones(2, 2) @ torch.ones(2, 2)
        assert product.dtype == (torch.bfloat16 if able else torch.float32)
    native.cache_clear()


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_begin_apart_and_the_same_again(workers: int) -> None:
    def drawn_from(step: int) -> list[float]:
        batches = Sampler.batches(Numbers(), step, workers)  # type: ignore[arg-type]
        return [float(next(batches).to(torch.device("cpu")).crops) for _ in range(4)]

    first = drawn_from(0)
    assert len(set(first)) == 4, "no worker draws what another does"
    assert drawn_from(0) == first
    assert not set(drawn_from(7)) & set(first), "an interrupted run goes on with others"


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_muon_is_torchs_in_the_numbers_of_the_processor(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    begun = torch.randn(shape) * 0.02
    own, theirs = (torch.nn.Parameter(begun.clone()) for _ in range(2))
    settings = {"lr": 0.01, "weight_decay": 0.05}
    one = Muon([{"params": [own], **settings}])
    two = torch.optim.Muon([{"params": [theirs], **settings}], adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        own.grad = torch.randn(shape)
        theirs.grad = own.grad.clone()
        one.step()
        two.step()
    moved = (theirs - begun).abs().max()
    assert float((own - theirs).abs().max()) < 0.03 * float(moved)


def test_matrices_are_turned_and_the_rest_steps_as_ever() -> None:
    """Muon's steps are orthogonal: all directions of a matrix learn alike."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.Linear(16, 4))
    groups = [*matrices(list(network.parameters()), 1e-3, 0.0), Group([], 5e-3, 0.0)]
    optimiser = Optimiser(groups)
    optimiser.pace(0.5)
    turned = optimiser.each[1].param_groups[0]
    assert turned["lr"] == pytest.approx(2e-3)
    assert [group["lr"] for group in optimiser.each[0].param_groups] == [5e-4, 5e-4, 2.5e-3]
    before = network[0].weight.detach().clone()
    x = torch.randn(64, 16) * torch.logspace(0, -3, 16)
    network(x).square().sum().backward()
    optimiser.step()
    kept = optimiser.state_dict()
    step = torch.linalg.svdvals(network[0].weight.detach() - before)
    assert float(step[3] / step[0]) > 0.5, "the loss has four directions, of very unlike strength"
    again = Optimiser(groups)
    again.load_state_dict(kept)
    assert again.each[1].state_dict()["state"].keys() == kept[1]["state"].keys()
