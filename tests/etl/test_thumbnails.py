"""Thumbnails beside stored pictures."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from app.settings import Settings
from app.vision.thumbs import SIDE, smallest_file, thumbnail_path
from etl.images import ImageStore


@pytest.mark.parametrize(
    ("size", "small"),
    [((1200, 900), (SIDE, 270)), ((500, 2000), (90, SIDE)), ((SIDE, 200), None), ((80, 60), None)],
)
def test_large_pictures_have_thumbnails(
    tmp_path: Path, size: tuple[int, int], small: tuple[int, int] | None
) -> None:
    data = io.BytesIO()
    Image.new("RGB", size, "navy").save(data, "PNG")
    store = ImageStore(Settings(image_store=tmp_path))
    for _ in range(2):  # the second time it is all there
        put = store.put(data.getvalue())
    found = smallest_file(tmp_path, put.path)
    with Image.open(found) as picture:
        assert picture.size == (small or size)
    files = sorted(str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*") if f.is_file())
    assert files == sorted([put.path, *([thumbnail_path(put.path)] if small else [])])
    assert put.path.startswith(f"{put.sha256[:2]}/{put.sha256}")
