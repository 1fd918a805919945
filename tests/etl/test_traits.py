"""A product's colours: what its shop states first, what the heads saw on its picture else."""

from __future__ import annotations

from pathlib import Path

from app.db.pool import Database
from app.settings import Settings
from app.sketch.design import random_design
from app.sketch.render import render
from app.vision.registry import open_encoder
from etl.embed import embed_backlog
from etl.jobs import import_folder


def test_stated_words_win_and_sight_stands_in(
    db: Database, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["file,product_id,text,colour"]
    for number, (text, colour) in enumerate([("Runner", "Red / White"), ("Runner Low", "")]):
        render(random_design(number), "side", (192, 192)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,p{number},{text},{colour}")
    (folder / "labels.csv").write_text("\n".join(lines))
    import_folder(db, settings, folder, labels=folder / "labels.csv")
    with db.connection() as conn:
        before = conn.execute(
            "SELECT colours, types, colours_seen FROM product ORDER BY origin"
        ).fetchall()
    assert before == [
        (["red", "white"], ["running", "sneaker"], False),
        ([], ["running", "low_top", "sneaker"], False),
    ]

    embed_backlog(db, open_encoder(settings.encoder, settings), settings)
    with db.connection() as conn:
        after = conn.execute("SELECT colours, colours_seen FROM product ORDER BY origin").fetchall()
        sights = dict(
            conn.execute(
                "SELECT o.title, g.colours FROM image_sight AS g"
                " JOIN offer_image AS oi USING (image_id) JOIN offer AS o ON o.id = oi.offer_id"
            ).fetchall()
        )
    assert set(sights) == {"Runner", "Runner Low"}
    assert after[0] == (["red", "white"], False)
    assert sights["Runner Low"]
    assert after[1] == (sights["Runner Low"], True)
