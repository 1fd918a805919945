"""Which views meet in a batch of the trunk. Needs torch, which only training installs."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from onnx_models.bank import CLEAN, SCENE, SHOT, Bank, coded, products_of, several  # noqa: E402
from onnx_models.colours import CLUES  # noqa: E402
from onnx_models.crops import Clues, Crops  # noqa: E402
from onnx_models.dataset import I64, U8, Row  # noqa: E402
from onnx_models.palette import Palette, look, train_palette  # noqa: E402
from onnx_models.sampler import RECOLOURED, SETS, SHARED, Sampler  # noqa: E402
from onnx_models.sets import SETS as TIMES  # noqa: E402


def banked(views: U8, masks: U8, rows: I64, kinds: U8, bases: tuple[int, ...]) -> Bank:
    """A bank of which all is known."""
    known = np.ones(len(kinds), bool)
    light = np.zeros((len(kinds), 3), np.float32)
    return Bank(views, masks, rows, kinds, light, known, known, np.array(bases, np.int64))


def test_pictures_of_a_product_in_other_colours_are_that_model_and_another_product() -> None:
    rows = [
        Row("f", "es_shop_multiview", f"p{i // 4}", f"m{i // 8}", "", "", "", "studio")
        for i in range(80)
    ]
    bases = tuple(range(40))
    count = len(rows) + TIMES * len(bases)
    kinds = np.array([CLEAN, SHOT] * count + [SCENE] * 3, np.uint8)
    views = np.full((len(kinds), 192, 192, 3), 200, np.uint8)
    masks = np.full((len(kinds), 96, 96), 255, np.uint8)
    bank = banked(
        views, masks, np.concatenate([np.repeat(np.arange(count), 2), [-1] * 3]), kinds, bases
    )
    assert bank.repainted == len(rows)
    products = coded([row.product for row in rows], bank, apart=True)
    models = coded([row.product for row in rows], bank, apart=False)
    for base in bases:
        others = products[len(rows) + base :: len(bases)]
        assert len({*others.tolist(), int(products[base])}) == TIMES + 1
        assert set(models[len(rows) + base :: len(bases)].tolist()) == {int(models[base])}
    size = 64
    near = np.tile(np.arange(40, 80), (len(rows), 1))
    batch = Sampler(rows, bank, Crops(bank, 0), near, size, 0).draw()
    one, two = batch.rows[:size], batch.rows[size:]
    sets = one >= len(rows)
    assert int(sets.sum()) == int((size - int(size * RECOLOURED)) * SETS)
    assert bool((one[sets] != two[sets]).all())
    assert torch.equal(batch.products[:size][sets], batch.products[size:][sets])


def test_a_recoloured_shoe_is_its_model_and_no_known_product() -> None:
    rows = [
        Row("f", "footlocker_2018", str(i // 2 if i < 30 else i), f"m{i // 4}" if i < 40 else "",
            "", "", "", "studio")
        for i in range(80)
    ]  # fmt: skip
    kinds = np.array([CLEAN, SHOT] * len(rows) + [SCENE] * 3, np.uint8)
    views = np.full((len(kinds), 192, 192, 3), 255, np.uint8)
    views[:, 60:130, 30:160] = np.random.default_rng(0).integers(0, 256, (len(kinds), 1, 1, 3))
    masks = np.zeros((len(kinds), 96, 96), np.uint8)
    masks[:, 30:65, 15:80] = 255
    owners = np.concatenate([np.repeat(np.arange(len(rows)), 2), [-1] * 3])
    bank = banked(views, masks, owners, kinds, ())
    near = np.tile(np.arange(40, 80), (len(rows), 1))
    size = 20
    sampler = Sampler(rows, bank, Crops(bank, 0), near, size, 0)
    batch = sampler.draw()
    again = int(size * RECOLOURED)
    for side in (slice(0, size), slice(size, 2 * size)):
        rows_, products, models = (
            getattr(batch, name)[side] for name in ("rows", "products", "models")
        )
        assert (rows_[-again:] == -1).all()
        assert not set(products[-again:].tolist()) & set(products[:-again].tolist())
        assert set(models[-again:].tolist()) <= set(models[:-again].tolist())
    assert (batch.products[size - again : size] == batch.products[-again:]).all()
    middle = batch.crops[:, :3, 60:68, 76:84].flatten(1).mean(1)
    seen = {int(m): middle[:size][batch.models[:size] == m] for m in batch.models[size - again :]}
    assert any(np.ptp(colours.numpy()) > 0.1 for colours in seen.values())


def test_photographs_of_one_product_by_two_shops_meet_as_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shops = ("footlocker_2018", "zappos_pairs_2018")
    made = [
        Row(f"{shop}/{i}", shop, f"{shop}/{i}", f"m{i // 6}" if i % 2 else "", "", "", "", "studio")
        for i in range(60) for shop in shops
    ]  # fmt: skip
    rows = [row for row in made if row.split == "train"]
    names = {row.file for row in rows}
    both = [(f"{shops[0]}/{i}", f"{shops[1]}/{i}") for i in range(0, 60, 2)]
    both = [pair for pair in both if set(pair) <= names]
    monkeypatch.setattr("onnx_models.same.judged", lambda: tuple(both))
    kinds = np.array([CLEAN, SHOT] * len(rows) + [SCENE] * 3, np.uint8)
    views = np.full((len(kinds), 192, 192, 3), 200, np.uint8)
    masks = np.full((len(kinds), 96, 96), 255, np.uint8)
    owners = np.concatenate([np.repeat(np.arange(len(rows)), 2), [-1] * 3])
    bank = banked(views, masks, owners, kinds, ())
    found = several(range(len(rows)), rows, products_of(rows, bank), bank)
    assert not found.real
    assert sorted(tuple(rows[i].file for i in group) for group in found.shared) == sorted(both)
    size = 64
    near = np.tile(np.arange(20), (len(rows), 1))
    batch = Sampler(rows, bank, Crops(bank, 0), near, size, 0).draw()
    one, two = batch.rows[:size], batch.rows[size:]
    apart = (one != two).numpy()
    assert int(apart.sum()) == int((size - int(size * RECOLOURED)) * SHARED)
    assert torch.equal(batch.products[:size], batch.products[size:])
    drawn = {
        tuple(sorted((rows[int(a)].file, rows[int(b)].file)))
        for a, b in zip(one[apart], two[apart], strict=True)
    }
    assert drawn <= {tuple(sorted(pair)) for pair in both}


def test_a_palette_goes_on_from_another() -> None:
    """After a second one that goes on is still near where it began, one that begins anew far."""
    rng = np.random.default_rng(0)
    rows = [
        Row("f", "footlocker_2018", str(i // 2), f"m{i // 2}", "", "", "", "studio")
        for i in range(120)
    ]
    kinds = np.array([CLEAN, SHOT] * len(rows), np.uint8)
    owners = np.repeat(np.arange(len(rows)), 2)
    none = np.zeros((len(kinds), 1, 1, 3), np.uint8)
    bank = banked(none, none[..., 0], owners, kinds, ())
    seen = rng.random((len(kinds), CLUES)).astype(np.float16)
    white = torch.nn.functional.normalize(torch.randn(len(rows), 8), dim=1)
    torch.manual_seed(1)
    begun = Palette()

    def ended(first: Palette | None) -> np.ndarray:
        found = train_palette(rows, bank, Clues(seen, seen), white, 2.0, 0.02, 0, first)
        assert not found.training
        return look(found, seen, np.arange(len(seen)))

    kept, onward = look(begun, seen, np.arange(len(seen))), ended(begun)
    assert float((onward * kept).sum(axis=1).mean()) > 0.9
    assert not np.array_equal(onward, kept)
    assert abs(float((ended(None) * kept).sum(axis=1).mean())) < 0.5
