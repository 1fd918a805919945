"""The renderer: every shoe draws, draws the same twice, and draws what its design says."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import app.sketch
from app.sketch import catalogue as market
from app.sketch.catalogue import catalogue
from app.sketch.design import (
    COLOUR_NAMES,
    COLOURS,
    LACES,
    MATERIALS,
    MOTIFS,
    PANELS,
    PARTS,
    PATTERNS,
    SILHOUETTES,
    SOLES,
    TOES,
    Colours,
    Design,
    Shape,
    random_design,
)
from app.sketch.render import VIEWS, phone_photo, render
from app.sketch.scene import FLOORS, GROUNDS, Background

SMALL = (192, 144)
RUNNER = Design(
    silhouette="runner",
    colours=Colours(upper="grey", laces="black"),
    material="suede",
    motif="fin",
    laces="flat",
    sole="foam",
    panels="overlay",
    toe="guard",
)


@lru_cache(maxsize=64)
def pixels(design: Design, view: str = "side", **more: Any) -> np.ndarray[Any, Any]:
    return np.asarray(render(design, view, SMALL, **more)).astype(np.int16)


def difference(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    """Share of pixels that differ visibly."""
    return float((np.abs(a - b).max(axis=-1) > 24).mean())


@pytest.mark.parametrize("silhouette", SILHOUETTES)
def test_every_view_of_a_silhouette_is_a_picture_of_its_own(silhouette: str) -> None:
    design = random_design(3, silhouette)
    shots = [pixels(design, view) for view in VIEWS]
    for shot in shots:
        covered = float((shot.min(axis=-1) < 245).mean())
        assert 0.08 < covered < 0.75
        # Nothing is cut off: the outermost pixels are background.
        assert shot[0].min() > 200
        assert shot[:, 0].min() > 200
    for a, b in pairwise(shots):
        assert difference(a, b) > 0.05


def test_silhouettes_differ_in_form() -> None:
    shots = [pixels(replace(RUNNER, silhouette=one)) for one in SILHOUETTES]
    for k, a in enumerate(shots):
        for b in shots[k + 1 :]:
            assert difference(a, b) > 0.01


def test_a_high_top_is_taller_for_its_length_than_a_low_one() -> None:
    def tallness(silhouette: str) -> float:
        rows, columns = np.nonzero(pixels(replace(RUNNER, silhouette=silhouette)).min(-1) < 200)
        return float(np.ptp(rows) / np.ptp(columns))

    assert tallness("high") > tallness("mid") > tallness("low") > tallness("skate")


def test_same_arguments_give_the_same_bytes() -> None:
    design = random_design(8)
    place = Background("wood", 3, 2)
    first = render(design, "three_quarter", SMALL, place, seed=5).tobytes()
    for other in range(4):  # other shoes in between push this one out of every cache
        render(random_design(100 + other), "side", SMALL)
    assert render(design, "three_quarter", SMALL, place, seed=5).tobytes() == first
    assert render(design, "three_quarter", SMALL, place, seed=6).tobytes() != first


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib\n"
        "from app.sketch.design import random_design\n"
        "from app.sketch.render import phone_photo\n"
        "from app.sketch.catalogue import catalogue\n"
        "one = catalogue(4, 9)[8]\n"
        "data = one.picture('side', (192, 144)).tobytes() + repr(one).encode()\n"
        "data += phone_photo(random_design(2), 7, (160, 160)).tobytes()\n"
        "print(hashlib.sha256(data).hexdigest())\n"
    )
    root = Path(app.sketch.__file__).parents[2]
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()
    one = catalogue(4, 9)[8]
    data = one.picture("side", SMALL).tobytes() + repr(one).encode()
    data += phone_photo(random_design(2), 7, (160, 160)).tobytes()
    assert out == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("part", PARTS)
def test_each_part_takes_its_colour(part: str) -> None:
    plain, dyed = RUNNER, RUNNER.recolour(**{part: "magenta"})
    assert any(difference(pixels(plain, v), pixels(dyed, v)) > 0.001 for v in VIEWS)


def test_the_upper_shows_its_colour() -> None:
    red = Design(colours=Colours(**dict.fromkeys(PARTS, "red")), material="canvas")
    shot = pixels(red)
    shoe = shot[shot.min(axis=-1) < 150]
    r, g, b = np.median(shoe, axis=0)
    assert r > 110
    assert g < r * 0.45
    assert b < r * 0.5


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("material", MATERIALS),
        ("pattern", PATTERNS),
        ("motif", MOTIFS),
        ("laces", LACES),
        ("sole", SOLES),
        ("panels", PANELS),
        ("toe", TOES),
    ],
)
def test_each_value_of_a_field_is_drawn(name: str, values: tuple[str, ...]) -> None:
    base = replace(
        RUNNER, colours=Colours(upper="sky", toe_box="sky", toe_cap="navy", eyestay="navy")
    )
    seen = {value: pixels(replace(base, **{name: value}), "three_quarter") for value in values}
    for k, a in enumerate(values):
        for b in values[k + 1 :]:
            assert (np.abs(seen[a] - seen[b]) > 6).any(), (a, b)


@pytest.mark.parametrize("name", ["height", "toe", "sole", "heel", "throat"])
def test_shape_numbers_move_the_outline(name: str) -> None:
    low = pixels(replace(RUNNER, shape=Shape(**{name: -1.0})))
    high = pixels(replace(RUNNER, shape=Shape(**{name: 1.0})))
    assert difference(low, high) > 0.002


def test_words_are_printed_on_the_shoe() -> None:
    assert difference(pixels(RUNNER), pixels(replace(RUNNER, text="NORRVALE"))) > 0.0005


@pytest.mark.parametrize("kind", GROUNDS)
def test_backgrounds(kind: str) -> None:
    place = Background(kind, 4, 2 if kind in FLOORS else 0)
    shot = render(RUNNER, "three_quarter", SMALL, place)
    assert shot.size == SMALL
    assert shot.mode == "RGB"
    if kind != "white":
        assert difference(pixels(RUNNER), pixels(RUNNER, background=place)) > 0.15


def test_a_phone_photo_is_a_noisy_picture_of_a_scene() -> None:
    a, b = phone_photo(RUNNER, 1, (240, 200)), phone_photo(RUNNER, 2, (240, 200))
    assert a.size == b.size == (240, 200)
    assert a.tobytes() == phone_photo(RUNNER, 1, (240, 200)).tobytes()
    assert difference(np.asarray(a).astype(np.int16), np.asarray(b).astype(np.int16)) > 0.2


def test_render_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(ValueError, match="unknown view 'sole'"):
        render(RUNNER, "sole")
    with pytest.raises(ValueError, match="unknown background 'moon'"):
        render(RUNNER, background="moon")
    with pytest.raises(ValueError, match="under 32 pixels"):
        render(RUNNER, size=(20, 200))
    with pytest.raises(ValueError, match="objects"):
        Background("wood", objects=10)
    with pytest.raises(ValueError, match="shadow"):
        Background("wood", shadow=1.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"silhouette": "boot"}, "silhouette 'boot'"),
        ({"material": "wood"}, "material 'wood'"),
        ({"pattern": None}, "pattern None"),
        ({"motif": "swoosh"}, "motif 'swoosh'"),
        ({"laces": "wire"}, "lace style 'wire'"),
        ({"sole": ""}, "sole ''"),
        ({"panels": "many"}, "panel layout 'many'"),
        ({"toe": "open"}, "toe 'open'"),
        ({"text": "more than ten letters"}, "up to 10"),
        ({"text": "a\nb"}, "printable"),
        ({"colours": {"upper": "beige-ish"}}, "upper: unknown colour 'beige-ish'"),
        ({"colours": {"upper": 7}}, "upper: unknown colour 7"),
        ({"colours": {"wings": "red"}}, "unknown field 'wings'"),
        ({"colours": "red"}, "colours: expected an object"),
        ({"shape": {"height": 1.01}}, "shape.height"),
        ({"shape": {"height": "tall"}}, "shape.height"),
        ({"shape": {"toe": True}}, "shape.toe"),
        ({"shape": {"sole": float("nan")}}, "shape.sole"),
        ({"weight": 3}, "unknown field 'weight'"),
    ],
)
def test_a_bad_design_says_what_is_wrong(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Design.from_dict({**Design().to_dict(), **change})
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"low"'])
def test_text_that_is_no_design(text: str) -> None:
    with pytest.raises(ValueError):
        Design.from_json(text)


def test_recolour_refuses_an_unknown_part() -> None:
    with pytest.raises(ValueError, match="unknown part 'wings'"):
        RUNNER.recolour(wings="red")


def test_json_round_trip() -> None:
    for seed in range(60):
        design = random_design(seed)
        assert Design.from_json(design.to_json()) == design
        assert json.loads(design.to_json()) == design.to_dict()
    assert len({random_design(seed).to_json() for seed in range(60)}) == 60
    assert Design.from_dict({}) == Design()


def test_every_colour_has_a_name_in_both_languages() -> None:
    assert set(COLOUR_NAMES) == set(COLOURS)
    assert len(set(COLOURS.values())) == len(COLOURS)
    assert len({english for english, _ in COLOUR_NAMES.values()}) == len(COLOURS)


def test_the_catalogue_is_the_same_each_time_and_grows_at_its_end() -> None:
    long = catalogue(11, 320)
    assert long == catalogue(11, 320)
    assert catalogue(11, 40) == long[:40]
    assert catalogue(12, 40) != long[:40]
    with pytest.raises(ValueError, match="at least 1"):
        catalogue(11, 0)


def test_catalogue_facts_hang_together() -> None:
    items = catalogue(11, 320)
    assert len({one.style_code for one in items}) == len(items)
    assert len({one.handle for one in items}) == len(items)
    assert len({(one.brand, one.model, one.colourway) for one in items}) == len(items)
    assert {one.brand for one in items} == {brand.name for brand in market.BRANDS}
    assert {one.design.silhouette for one in items} == set(SILHOUETTES)
    for one in items:
        assert 15 <= one.price <= 300
        assert one.list_price is None or one.list_price > one.price
        assert len({size.eu for size in one.sizes}) == len(one.sizes) >= 5
        assert one.style_code in one.description_en
        assert one.views[:2] == ("side", "three_quarter")
        assert set(one.views) <= set(VIEWS)
        assert one.gender in market.GENDERS
        assert 1 <= len(one.colours) <= 3
    assert 0.2 < np.mean([bool(one.description_ru) for one in items]) < 0.6
    assert any(not any(size.stock for size in one.sizes) for one in catalogue(11, 2000))


def test_a_family_shares_its_form_and_differs_in_colour() -> None:
    families = defaultdict(list)
    for one in catalogue(11, 320)[:-5]:
        families[one.model_id].append(one)
    assert all(2 <= len(family) <= 5 for family in families.values())
    for family in families.values():
        first = family[0].design
        for one in family[1:]:
            same = replace(one.design, colours=first.colours, pattern=first.pattern)
            assert same == first
            assert one.design.colours != first.colours
        assert len({(one.brand, one.model) for one in family}) == 1


def test_a_catalogue_picture_is_drawn_on_demand() -> None:
    one = catalogue(11, 3)[2]
    picture = one.picture("side", SMALL)
    assert isinstance(picture, Image.Image)
    assert picture.tobytes() == render(one.design, "side", SMALL, "white", one.seed).tobytes()


def test_the_renderer_needs_only_numpy_and_pillow() -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "PIL"}
    for path in Path(app.sketch.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for name in names:
                assert name.startswith("app.sketch") or name.split(".")[0] in allowed, path
