"""Views that are made while training runs. Needs torch, which only training installs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from onnx_models.bank import DRAWN_VIEWS, planned  # noqa: E402
from onnx_models.colours import CLUES  # noqa: E402
from onnx_models.dataset import CACHE_SIZE, U8, Cache, Row  # noqa: E402
from onnx_models.finder import HEIGHT, WIDTH, Finder, Found  # noqa: E402
from onnx_models.live.camera import (  # noqa: E402
    Camera,
    Cuts,
    Views,
    homographies,
    paired,
    placed,
    seen_through,
    told,
)  # fmt: skip
from onnx_models.live.crops import known, looked_again, partly  # noqa: E402
from onnx_models.live.draw import RECOLOURED, Live, Studio  # noqa: E402
from onnx_models.live.jpeg import jpeg  # noqa: E402
from onnx_models.live.optics import lens, lit, moved, reduced, rounded, through  # noqa: E402
from onnx_models.live.shoes import Maps, Shoes, Turns  # noqa: E402
from onnx_models.live.train import Cutting, Reading, of_clean, reached  # noqa: E402
from onnx_models.model import Sizes, Trunk  # noqa: E402
from onnx_models.palette import DIM, Palette  # noqa: E402

SIDE = CACHE_SIZE


def shoe(colour: tuple[float, float, float]) -> tuple[Tensor, Tensor]:
    """A shoe of one colour on white (3, s, s), and its opacity (1, s, s)."""
    opacity = torch.zeros(1, SIDE, SIDE)
    opacity[:, 90:140, 30:160] = 1
    opacity[:, 60:90, 30:90] = 1
    pixels = torch.tensor(colour)[:, None, None] * opacity + 1 - opacity
    return pixels, opacity


def cuts(count: int) -> Cuts:
    """So many of that shoe, from red to blue."""
    shoes = [shoe((1 - at / count, 0.3, at / count)) for at in range(count)]
    pixels, opacity = (torch.stack(part) for part in zip(*shoes, strict=True))
    boxes = torch.tensor([30.0, 60.0, 160.0, 140.0]).repeat(count, 1)
    return Cuts(pixels, opacity, boxes, torch.ones(count, dtype=torch.bool))


def camera() -> Camera:
    """Before green backdrops, and black ones."""
    backdrops = torch.zeros(8, 160, 160, 3, dtype=torch.uint8)
    backdrops[:4, :, :, 1] = 200
    return Camera(backdrops)


def photograph() -> U8:
    """Something with edges, colours and grain (192, 192, 3)."""
    rng = np.random.default_rng(0)
    picture = np.full((SIDE, SIDE, 3), 230, np.uint8)
    cv2.circle(picture, (90, 80), 50, (180, 30, 40), -1)
    cv2.rectangle(picture, (40, 100), (170, 160), (20, 60, 160), -1)
    grain = rng.normal(0, 6, picture.shape)
    return np.asarray(np.clip(picture + grain, 0, 255), np.uint8)


def as_tensor(picture: U8) -> Tensor:
    """(1, 3, h, w) in 0..1."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("quality", [25, 50, 75, 91])
def test_jpeg_does_what_a_file_does(quality: int) -> None:
    picture = photograph()
    file = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    right = cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1].astype(float)
    found = jpeg(as_tensor(picture), torch.tensor([float(quality)]))
    found = (found[0].permute(1, 2, 0) * 255).numpy()
    lost, apart = np.abs(right - picture).mean(), np.abs(right - found).mean()
    assert lost > 1.5
    assert apart < 0.35 * lost


def test_lost_resolution_is_that_of_a_resize_there_and_back() -> None:
    picture = photograph()
    small = cv2.resize(picture, (96, 96), interpolation=cv2.INTER_AREA)
    right = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).astype(float)
    found = through(as_tensor(picture), reduced(torch.tensor([96.0]), SIDE))
    assert np.abs((found[0].permute(1, 2, 0) * 255).numpy() - right).mean() < 1
    whole = reduced(torch.tensor([float(SIDE)]), SIDE)[0]
    assert torch.allclose(whole, torch.eye(SIDE), atol=1e-5)


def test_a_round_blur_is_opencv_s_and_none_is_none() -> None:
    picture = photograph()
    right = cv2.GaussianBlur(picture, (0, 0), 1.2).astype(float)
    found = through(as_tensor(picture), rounded(torch.tensor([1.2]), SIDE))
    inner = slice(8, -8)
    apart = np.abs((found[0].permute(1, 2, 0) * 255).numpy() - right)[inner, inner]
    assert apart.mean() < 0.6
    assert torch.allclose(rounded(torch.tensor([0.0]), SIDE)[0], torch.eye(SIDE), atol=1e-5)


def test_a_moving_hand_blurs_and_keeps_the_light() -> None:
    torch.manual_seed(0)
    pixels = as_tensor(photograph()).repeat(6, 1, 1, 1)
    found = moved(pixels)
    assert torch.allclose(found.mean((2, 3)), pixels.mean((2, 3)), atol=5e-3)
    grain = (found[:, :, :, 1:] - found[:, :, :, :-1]).abs().mean()
    assert float(grain) < 0.9 * float((pixels[:, :, :, 1:] - pixels[:, :, :, :-1]).abs().mean())


def test_light_of_no_strength_changes_nothing_but_rarely_saturation() -> None:
    torch.manual_seed(0)
    grey = torch.full((32, 3, 16, 16), 0.4)
    assert torch.allclose(lit(grey, torch.zeros(32)), grey, atol=1e-5)
    strong = lit(grey, torch.ones(32))
    assert float(strong.mean((1, 2, 3)).std()) > 0.03
    assert float(strong.min()) >= 0
    assert float(strong.max()) <= 1


def test_corners_come_where_they_should() -> None:
    torch.manual_seed(0)
    source = torch.tensor([[0.0, 0], [10, 0], [10, 8], [0, 8]]).repeat(5, 1, 1)
    target = source + torch.rand(5, 4, 2) * 3
    corners = torch.cat([source, torch.ones(5, 4, 1)], 2)
    found = corners @ homographies(source, target).transpose(1, 2)
    assert torch.allclose(found[:, :, :2] / found[:, :, 2:], target, atol=1e-3)
    flat = source.clone()
    flat[:, :, 1] = 0
    assert bool(torch.isfinite(homographies(flat, target)).all())


def test_a_view_through_the_identity_is_the_picture() -> None:
    picture = as_tensor(photograph())
    assert torch.allclose(seen_through(picture, torch.eye(3)[None], SIDE, SIDE), picture, atol=1e-4)


def test_a_phone_shows_the_shoe_elsewhere_and_its_mask_says_where() -> None:
    torch.manual_seed(1)
    views = camera().shots(cuts(48), torch.full((48,), 0.4))
    assert views.pixels.shape == (48, 3, SIDE, SIDE)
    assert float(views.pixels.min()) >= 0
    assert float(views.pixels.max()) <= 1
    sure = views.masks > 0.9
    share = sure.float().mean((1, 2, 3))
    assert bool((share > 0.02).all())
    assert float(share.std()) > 0.02

    # Green is what stands behind, red and blue what the shoe is made of.
    def green(where: Tensor) -> Tensor:
        shown = (views.pixels * where).sum((2, 3)) / where.sum((2, 3)).clamp(min=1)
        return shown[:, 1] - shown[:, [0, 2]].amax(1)

    behind = (views.masks < 0.1) & (views.pixels.amin(1, keepdim=True) < 0.98)
    assert float((green(sure.float()) < green(behind.float())).float().mean()) > 0.6
    assert bool(views.lit.all())


def test_light_is_told_as_it_was_changed() -> None:
    some = cuts(4)
    gains = torch.tensor([0.5, 0.8, 1.0, 1.2])
    shown = (some.pixels * gains[:, None, None, None]).clamp(0, 1)
    views = told(some, shown, some.opacity)
    right = torch.log((some.pixels + 0.03) / (shown + 0.03))
    right = (right * some.opacity).sum((2, 3)) / some.opacity.sum((2, 3))
    assert torch.allclose(views.light, right, atol=1e-4)
    nothing = told(some, shown, torch.zeros_like(some.opacity))
    assert not bool(nothing.lit.any())
    assert float(nothing.light.abs().max()) == 0


def test_the_other_of_a_pair_stands_behind_the_first() -> None:
    torch.manual_seed(0)
    some = cuts(16)
    strength, frame = torch.full((16,), 0.5), torch.ones(16, 2)
    pixels, masks = paired(some.pixels, some.opacity, some, torch.full((16,), 0.9), strength, frame)
    first = some.opacity.expand_as(pixels) > 0.5
    assert torch.equal(pixels[first], some.pixels[first])
    assert bool((masks.sum((1, 2, 3)) >= some.opacity.sum((1, 2, 3))).all())
    assert float(masks.sum()) > 1.05 * float(some.opacity.sum())


def test_a_shop_shows_a_shoe_whole() -> None:
    torch.manual_seed(0)
    some = cuts(24)
    views = camera().shops(some)
    rows = (views.masks > 0.5).any(3).sum(2)[:, 0]
    assert bool((rows > 20).all())
    assert float(views.light.abs().mean()) < 0.3
    assert placed(some, torch.ones(24), torch.zeros(24), torch.ones(24, 2), some.boxes).shape == (
        24,
        3,
        3,
    )


def test_a_scene_has_no_shoe() -> None:
    pictures = torch.randint(0, 255, (5, 160, 160, 3), dtype=torch.uint8)
    views = camera().scenes(pictures)
    assert float(views.masks.max()) == 0
    assert not bool(views.lit.any())
    assert float(lens(views.pixels.clone()).std()) > 0.02


def test_both_views_of_a_shoe_take_the_same_other_colours() -> None:
    torch.manual_seed(0)
    some = cuts(8)
    maps = Maps.drawn(4).twice()
    twice = Cuts(*(torch.cat([part[:4], part[:4]]) for part in some))
    found = maps.applied(twice)
    assert torch.equal(found.pixels[:4], found.pixels[4:])
    assert not torch.allclose(found.pixels, twice.pixels, atol=0.1)
    outside = (found.opacity == 0).expand_as(found.pixels)
    assert bool((found.pixels[outside] == 1).all())
    assert float(found.opacity.sum()) < float(twice.opacity.sum())


def test_true_masks_and_some_of_the_light_stand_in_for_the_finder_s() -> None:
    torch.manual_seed(0)
    some = cuts(12)
    views = Views(some.pixels, some.opacity, torch.full((12, 3), 0.5), some.masked)
    said = Found(torch.full((12, 48, 48), -5.0), torch.full((12, 3), 9.0))
    found = known(said, views, share=1.0)
    inside = torch.nn.functional.avg_pool2d(some.opacity, 4)[:, 0] == 1
    assert float((found.logits > 0)[inside].float().mean()) > 0.9
    assert float(found.light.min()) >= 0.05
    assert float(found.light.max()) <= 0.35
    untold = known(said, views, share=0.0)
    assert torch.equal(untold.logits, said.logits)
    assert torch.equal(untold.light, said.light)


def test_a_part_is_what_lies_on_one_side_of_a_line() -> None:
    torch.manual_seed(0)
    said = Found(torch.full((6, 48, 48), 6.0), torch.zeros(6, 3))
    some = torch.tensor([True, True, True, True, False, False])
    left = (partly(said, some).logits > 0).float().mean((1, 2))
    assert bool((left[:4] < 0.95).all())
    assert bool((left[:4] > 0.2).all())
    assert left[4:].tolist() == [1.0, 1.0]


def test_a_crop_looked_at_again_is_as_large_and_as_light() -> None:
    torch.manual_seed(0)
    crops = torch.ones(32, 4, HEIGHT, WIDTH)
    crops[:, 3] = 0
    crops[:, :3, 30:90, 30:120] = 0.5
    crops[:, 3, 30:90, 30:120] = 1
    found = looked_again(crops)
    assert found.shape == crops.shape
    assert float((found - crops).abs().mean((1, 2, 3)).median()) > 0.01
    assert abs(float(found.mean()) - float(crops.mean())) < 0.03
    corner = found[:, :3, :3, :3]
    assert float((corner > 0.99).float().mean()) > 0.95


def some_rows() -> list[Row]:
    """Of a shop with several views of a product, of one with lone pictures, of pairs."""
    several = [
        Row(f"s{i}", "nike_vn_multiview", f"s{i // 4}", f"m{i // 8}", "", "", "", "studio")
        for i in range(96)
    ]
    lone = [Row(f"l{i}", "footlocker_2018", f"l{i}", f"f{i // 2}", "", "", "", "studio")
            for i in range(96)]  # fmt: skip
    pairs = [Row(f"p{i}", "zappos_pairs_2018", f"p{i}", "", "", "", "", "studio")
             for i in range(16)]  # fmt: skip
    return several + lone + pairs


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> tuple[Studio, list[Row]]:
    """Of small data: shoes of as many colours as there are rows."""
    where: Path = tmp_path_factory.mktemp("live")
    rows = some_rows()
    some = cuts(len(rows))
    rgba = torch.cat([some.pixels, some.opacity], 1).permute(0, 2, 3, 1) * 255
    pictures: U8 = rgba.to(torch.uint8).numpy()
    cache = Cache(pictures, some.boxes.long().numpy(), np.ones(len(rows), bool))
    np.save(where / "rgba.npy", pictures)
    np.save(where / "boxes.npy", cache.boxes)
    np.save(where / "drawn.npy", pictures[: 2 * len(DRAWN_VIEWS)])
    bank = planned(rows, cache, where)
    shoes = Shoes(rows, cache, bank, where)
    empty = np.zeros((4, 160, 160, 3), np.uint8)
    near = np.tile(np.arange(96, 120), (len(rows), 1))
    torch.manual_seed(0)
    return Studio(rows, bank, near, shoes, (empty + 90, empty), Finder(), 40, 0), rows


def test_a_batch_is_pairs_of_views_of_which_all_is_told(studio: tuple[Studio, list[Row]]) -> None:
    made, rows = studio
    batch = next(made.batches(0, 0))
    count = made.size
    assert isinstance(batch, Live)
    assert batch.crops.shape == (2 * count, 4, HEIGHT, WIDTH)
    read = batch.read()
    assert read.shape == (2 * count, CLUES)
    assert bool(torch.isfinite(read).all())
    for name, value in vars(batch).items():
        assert len(value) == 2 * count, name
        assert bool(torch.isfinite(value.float()).all()), name
    assert torch.equal(batch.products[:count], batch.products[count:])
    assert torch.equal(batch.models[:count], batch.models[count:])
    again = int(count * RECOLOURED)
    unknown = (batch.rows < 0) & (batch.places >= 0)
    assert int(unknown.sum()) == 2 * again
    assert not bool(batch.clean[:count].any()), "a phone asks first"
    assert 0.1 < float(batch.clean[count:].float().mean()) < 0.6
    # The served picture itself, untouched.
    at = int(torch.nonzero(batch.clean)[0, 0])
    own = made.shoes.rgba[batch.rows[at], :, :, :3].permute(2, 0, 1).float() / 255
    assert torch.equal(batch.pixels[at], own)
    trained = {i for i, row in enumerate(rows) if row.split == "train"}
    shown = {int(row) for row in batch.places if 0 <= int(row) < len(rows)}
    assert shown <= trained


def test_batches_are_the_same_again(studio: tuple[Studio, list[Row]]) -> None:
    made, _ = studio
    one, two = next(made.batches(3, 0)), next(made.batches(3, 0))
    assert torch.equal(one.rows, two.rows)
    assert torch.equal(one.pixels, two.pixels)
    assert not torch.equal(next(made.batches(4, 0)).rows, one.rows)


def test_a_recoloured_view_is_the_model_and_another_product(
    studio: tuple[Studio, list[Row]],
) -> None:
    made, _ = studio
    batch = next(made.batches(7, 0))
    count = made.size
    again = torch.nonzero((batch.rows < 0) & (batch.places >= 0))[:, 0]
    assert bool((batch.products[again] >= len(made.pairing.products)).all())
    right = torch.from_numpy(made.pairing.models)[batch.places[again]]
    assert torch.equal(batch.models[again], right)
    sides = (batch.places[:count] != batch.places[count:]) & (batch.rows[:count] < 0)
    assert bool(sides.any()), "two pictures of one product in the same other colours"


def test_turned_shoes_come_slot_by_slot(studio: tuple[Studio, list[Row]]) -> None:
    made, rows = studio
    shoes = made.shoes
    alone = [rows[int(i)].source for i in shoes.alone]
    assert set(alone) == {"footlocker_2018"}
    source = iter(Turns(shoes.where, shoes.alone, 0))
    seen = torch.cat([next(source).slots for _ in range(-(-len(alone) // 32))])
    assert sorted(seen.tolist()) == list(range(len(alone)))
    fresh = next(source)
    shoes.turn(fresh)
    at, slot = torch.tensor([int(shoes.alone[int(fresh.slots[0])])]), int(fresh.slots[0])
    yes, no = torch.tensor([True]), torch.tensor([False])
    turned = shoes.cuts(at, yes, no)
    assert torch.equal(turned.boxes[0], shoes.turned_boxes[slot])
    assert not torch.equal(turned.pixels, shoes.cuts(at, no, no).pixels)


def test_one_shoe_of_a_pair_is_half_of_the_picture(studio: tuple[Studio, list[Row]]) -> None:
    made, rows = studio
    at = torch.tensor([next(i for i, r in enumerate(rows) if r.source == "zappos_pairs_2018")])
    yes, no = torch.tensor([True]), torch.tensor([False])
    half, whole = made.shoes.cuts(at, no, yes), made.shoes.cuts(at, no, no)
    share = float(half.opacity.sum() / whole.opacity.sum())
    assert 0.3 < share < 0.8
    assert float(half.boxes[0, 2] - half.boxes[0, 0]) == pytest.approx(71)
    gone = (half.opacity == 0).expand_as(half.pixels)
    assert bool((half.pixels[gone] == 1).all())


def test_finder_and_palette_learn_beside_and_their_means_follow(
    studio: tuple[Studio, list[Row]],
) -> None:
    made, _ = studio
    batch = next(made.batches(1, 0))
    assert isinstance(batch, Live)
    torch.manual_seed(0)
    cutting, reading = (
        Cutting(Finder()),
        Reading(Palette(), torch.zeros(len(made.shoes.rgba) + 1, 4)),
    )
    for learns, groups, fast, slow in (
        (cutting, cutting.groups(), cutting.finder, cutting.slow),
        (reading, reading.groups(), reading.palette, reading.slow),
    ):
        parameters = [p for group in groups for p in group.parameters]
        optimiser = torch.optim.AdamW(parameters, 1e-3)
        begun = [value.clone() for value in slow.parameters()]
        losses = []
        for _ in range(6):
            told = learns(batch)
            loss = told if isinstance(told, Tensor) else told[0]
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0]
        assert any(not torch.equal(a, b) for a, b in zip(begun, slow.parameters(), strict=True))
        assert any(
            not torch.equal(a, b) for a, b in zip(fast.parameters(), slow.parameters(), strict=True)
        )
    said = reading(batch)[1]
    assert said.shape == (2 * made.size, DIM)
    assert torch.allclose(said.norm(dim=1), torch.ones(len(said)), atol=1e-4)
    assert not said.requires_grad


def test_clean_pictures_are_told_of_in_order(studio: tuple[Studio, list[Row]]) -> None:
    made, _ = studio
    some = np.array([5, 2, 200])
    told = of_clean(made, some, lambda crops, read: {"crops": crops, "read": read})
    one, _ = made.clean(torch.tensor([2]))
    assert told["crops"].shape == (3, 4, HEIGHT, WIDTH)
    assert torch.allclose(told["crops"][1], one[0], atol=2e-2)
    assert told["read"].shape == (3, CLUES)


def test_what_is_reached_is_small_and_can_be_gone_on_from(tmp_path: Path) -> None:
    trunk = Trunk(Sizes())
    state = {
        "slow": trunk.state_dict(), "contrast": {"scales": torch.ones(4)}, "labels": {},
        "sizes": Sizes().as_dict(), "axes": torch.eye(4), "step": 7, "elapsed": 60.0,
        "optimiser": [torch.zeros(10_000_000)],
    }  # fmt: skip
    kept, keep = tmp_path / "trunk-x.pt", tmp_path / "keep"
    torch.save(state, kept)
    palette = Palette()
    reached(palette, keep, kept)
    assert (keep / "trunk-x.pt").stat().st_size < kept.stat().st_size / 3
    told = torch.load(keep / "trunk-x.pt", weights_only=True)
    again = Trunk(Sizes())
    again.load_state_dict(told["slow"])
    right = trunk.to_style.weight
    assert torch.allclose(again.to_style.weight, right, atol=1e-3)
    other = Palette()
    other.load_state_dict(torch.load(keep / "palette.pt", weights_only=True))
    assert torch.allclose(other.first.weight, palette.first.weight, atol=1e-3)
