"""A search among all clean pictures to learn from. Needs torch, which only training installs."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from onnx_models.bank import CLEAN, SHOT  # noqa: E402
from onnx_models.catalogue import LEARNED, Catalogue  # noqa: E402
from onnx_models.dataset import F32, I64  # noqa: E402
from onnx_models.model import Parts  # noqa: E402
from onnx_models.sampler import Batch  # noqa: E402

ROWS = 80
WIDTHS = {"model": 64, "detail": 96, "attributes": 48, "palette": 96}


def units(rng: np.random.Generator, count: int, width: int) -> F32:
    """Random unit rows."""
    found = rng.normal(size=(count, width)).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


class Shop:
    """ROWS clean pictures, each at place ``row`` of the bank and a phone's view at ROWS + row; the
    palette of both is the row's own."""

    def __init__(self, products: I64, models: I64, same: tuple[int, int] | None = None) -> None:
        rng = np.random.default_rng(0)
        self.told = {name: units(rng, ROWS, width) for name, width in WIDTHS.items()}
        if same:
            for told in self.told.values():
                told[same[1]] = told[same[0]]
        self.products, self.models = products, models
        self.catalogue = Catalogue(
            np.arange(ROWS), self.told, self.told["palette"], products, models
        )

    def ask(self, rows: list[int], looks: list[int], kind: int = SHOT) -> tuple[Parts, Batch]:
        """Views of ``rows`` that look like the clean pictures of ``looks``."""
        at = torch.tensor(rows)
        said = {n: torch.from_numpy(self.told[n][looks]).requires_grad_() for n in LEARNED}
        nothing = torch.zeros(len(rows), 1)
        parts = Parts(nothing, said["model"], said["detail"], nothing, said["attributes"], nothing)
        batch = Batch(
            nothing, at, torch.from_numpy(self.products[rows]),
            torch.from_numpy(self.models[rows]), at if kind == CLEAN else at + ROWS,
        )  # fmt: skip
        return parts, batch

    def losses(self, rows: list[int], looks: list[int], kind: int = SHOT) -> dict[str, float]:
        """Of views as :meth:`ask` makes them."""
        parts, batch = self.ask(rows, looks, kind)
        return {name: value.item() for name, value in self.asked(parts, batch).items()}

    def asked(self, parts: Parts, batch: Batch) -> dict[str, Tensor]:
        """The catalogue's losses of them."""
        palette = torch.from_numpy(self.told["palette"])[batch.places % ROWS]
        found: dict[str, Tensor] = self.catalogue(parts, batch, palette, batch.places < ROWS)
        return found


def alone() -> I64:
    """A product of its own for each row."""
    return np.arange(ROWS, dtype=np.int64)


def test_a_view_that_finds_its_product_first_has_little_to_learn() -> None:
    shop = Shop(alone(), alone())
    found, missed = shop.losses([3], [3]), shop.losses([3], [9])
    assert found["searched"] < 0.05
    assert found["singled"] < 0.2
    assert missed["searched"] > 2
    assert missed["singled"] > 5


def test_where_a_product_has_others_its_own_picture_is_no_find() -> None:
    products = alone()
    products[1] = products[0]
    shop = Shop(products, products)
    assert shop.losses([0], [0])["singled"] > 2
    assert shop.losses([0], [1])["singled"] < 0.2


def test_the_same_picture_under_another_id_is_not_told_apart() -> None:
    shop = Shop(alone(), alone(), same=(3, 9))
    assert shop.losses([3], [3])["searched"] < 0.05
    assert shop.losses([4], [4])["searched"] < 0.05


def test_clean_views_of_lone_pictures_ask_nothing_and_are_remembered() -> None:
    shop = Shop(alone(), alone())
    parts, batch = shop.ask([2, 5], [30, 5], CLEAN)
    before = shop.catalogue["detail"].clone()
    both = Batch(*(torch.cat([one, two]) for one, two in zip(
        vars(batch).values(), vars(shop.ask([7], [7])[1]).values(), strict=True
    )))  # fmt: skip
    more = shop.ask([7], [7])[0]
    joined = Parts(*(torch.cat([one, two]) for one, two in zip(parts, more, strict=True)))
    assert float(shop.asked(joined, both)["searched"]) < 0.05
    after = shop.catalogue["detail"]
    assert float((after[2] * before[2]).sum()) < 0.95
    assert float((after[2] * before[30]).sum()) > 0.6
    assert torch.allclose(after[5], before[5], atol=1e-5)
    assert torch.equal(after[7], before[7])
    assert torch.allclose(after.norm(dim=1), torch.ones(ROWS), atol=1e-5)


def test_colourways_of_a_model_are_not_driven_apart_by_what_makes_them_one() -> None:
    models = alone()
    models[1] = models[0]

    def driven(shop: Shop) -> float:
        """How much a view of row 0 that looks half like row 1 is driven from that one's model."""
        parts, batch = shop.ask([0], [1])
        between = torch.from_numpy(shop.told["model"][:2].mean(axis=0, keepdims=True))
        parts = parts._replace(model=between.requires_grad_())
        shop.asked(parts, batch)["searched"].backward()
        assert between.grad is not None
        toward = torch.from_numpy(shop.told["model"][1] - shop.told["model"][0])
        return float((between.grad[0] * toward).sum())

    apart = driven(Shop(alone(), alone()))
    assert apart > 0
    assert driven(Shop(alone(), models)) < 0.8 * apart


def test_recoloured_shoes_and_scenes_ask_nothing() -> None:
    shop = Shop(alone(), alone())
    parts, batch = shop.ask([3, 4], [3, 20])
    unknown = Batch(
        batch.crops, torch.tensor([3, -1]), torch.tensor([3, ROWS + 1]),
        torch.tensor([3, ROWS + 1]), batch.places,
    )  # fmt: skip
    assert float(shop.asked(parts, unknown)["searched"]) < 0.05
    nobody = Batch(
        batch.crops, torch.tensor([-1, -1]), torch.tensor([ROWS, ROWS + 1]),
        torch.tensor([ROWS, ROWS + 1]), batch.places,
    )  # fmt: skip
    assert {value.item() for value in shop.asked(parts, nobody).values()} == {0.0}
