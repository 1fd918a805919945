"""``solemate demo``: the whole way through, from shops to a contact sheet, on this machine."""

from __future__ import annotations

import csv
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.db.pool import Database
    from app.demo.shops import SampleShops
    from app.i18n import Catalogue
    from app.search import Searcher
    from app.settings import Settings
    from app.sketch.catalogue import CatalogueItem
    from app.vision.encoder import ImageEncoder
    from etl.runs import Counts

SEED = 7
PRODUCTS = 320
PORT = 8471
"""The first ports tried; a catalogue keeps those its shops were first read at."""
_PORTS = 50
SHOWN = 10
"""The query picture that is shown; how all of them fared is said beside it."""
CHECKS = 20
"""Further query pictures that are only counted."""


@dataclass(frozen=True, slots=True)
class _Query:
    """A picture that no shop has; ``key`` is its own product's style code or number in a shop."""

    path: Path
    name: str
    key: str


def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="real photographs: a folder with labels.csv")
    ] = None,
    language: Annotated[str | None, typer.Option(help="ru or en; default: the terminal's")] = None,
) -> None:
    """Fill a catalogue from sample shops, search it with a photograph, show the results.

    Without --data the sneakers are drawn by the project's own renderer and sold by three sample
    shops, two of them served on loopback and read through the real adapters.
    """
    from app import present, rollout
    from app.db.pool import open_database
    from app.i18n import catalogue as messages
    from app.search import open_searcher
    from app.settings import get_settings
    from etl.embed import open_for_embedding

    began = time.monotonic()
    words = messages(present.terminal_language(language))
    base = get_settings()
    folder = base.home / ("demo" if data is None else "demo-data")
    folder.mkdir(parents=True, exist_ok=True)
    settings = demo_settings(base, "solemate_demo" if data is None else "solemate_demo_data")
    with open_database(settings) as db:
        encoder = open_for_embedding(settings.encoder, settings)
        if data is None:
            queries = _fill_from_sample_shops(db, settings, folder, words)
        else:
            queries = _fill_from_photographs(db, settings, data, folder, words)
        embed(db, settings, encoder, words)
        rollout.activate(db, encoder)  # an earlier demo may have left an older one active
        searcher = open_searcher(settings, db)
        _show(db, searcher, queries, folder, words)
    typer.echo(words.text("demo.done", seconds=f"{time.monotonic() - began:.0f}"))
    typer.echo(
        words.text(
            "demo.next",
            command=f"SOLEMATE_DATABASE={settings.database} {sys.argv[0]} search --photo "
            f"{queries[0].path}",
        )
    )


def demo_settings(base: Settings, database: str = "solemate_demo") -> Settings:
    """Settings with a database of its own: invented shoes never mix with a real catalogue."""
    changes = {
        "database_url": None,
        "database": database,
        "fetch_allow_hosts": ("127.0.0.1",),
    }
    return base.model_copy(update=changes)


def _fill_from_sample_shops(
    db: Database, settings: Settings, folder: Path, words: Catalogue
) -> list[_Query]:
    from app.demo.folder import query_pictures
    from app.sketch.catalogue import catalogue

    items = catalogue(SEED, PRODUCTS)
    with open_shops(items, folder / "pictures") as shops:
        fill_from_shops(db, settings, items, shops, folder, words)
    queries = []
    for number, query in enumerate(query_pictures(items, 1 + CHECKS, SEED)):
        path = folder / f"query-{number:02}.jpg"
        query.image.save(path, quality=88)
        queries.append(_Query(path, query.item.title, query.item.style_code))
    queries.insert(0, queries.pop(SHOWN))
    return queries


def fill_from_shops(
    db: Database,
    settings: Settings,
    items: list[CatalogueItem],
    shops: SampleShops,
    folder: Path,
    words: Catalogue,
) -> None:
    """Reads the two open shops and the sample folder into the catalogue."""
    from app.demo.folder import write_folder
    from etl.fetch import Limits
    from etl.jobs import import_folder
    from etl.match import match
    from etl.progress import progress
    from etl.shop_run import run_shop
    from etl.shop_spec import ShopSpec

    quick = Limits(delay_s=0.0)  # our own machine, nobody to be polite to
    specs = (
        ShopSpec("harbour", "Harbour Kicks", "schema_org", (f"{shops.schema_org_url}sneakers/",)),
        ShopSpec("boxfresh", "Boxfresh Lane", "shopify", (shops.shopify_url,)),
    )
    for spec in specs:
        with progress(spec.name) as report:
            done = run_shop(db, settings, spec, limits=quick, progress=report)
        _say_counts(spec.name, done.counts, words)
    with progress("Corner Store") as report:
        write_folder(items, folder / "folder")
        done = import_folder(
            db, settings, folder / "folder", labels=folder / "folder" / "labels.csv",
            shop="Corner Store",
            progress=report,
        )  # fmt: skip
    _say_counts("Corner Store", done.counts, words)
    typer.echo(words.text("demo.joined", count=match(db, settings).total))


@contextmanager
def open_shops(items: list[CatalogueItem], cache: Path) -> Iterator[SampleShops]:
    """The shops at the addresses this catalogue knows; served by us, or by whoever does already.

    Another address would be another catalogue: the next run would find everything gone.
    """
    from app.demo.shops import RunningShops, SampleShops
    from app.errors import SolemateError

    kept = cache / "port"
    known = int(kept.read_text()) if kept.is_file() else None
    tries: list[tuple[type[SampleShops], int]] = (
        [(SampleShops, port) for port in range(PORT, PORT + 2 * _PORTS, 2)]
        if known is None
        else [(SampleShops, known), (RunningShops, known)]
    )
    with ExitStack() as stack:
        for kind, port in tries:
            try:
                shops = stack.enter_context(kind(items, cache, port))
            except OSError:
                continue
            break
        else:
            raise SolemateError(
                f"the sample shops need ports {known or PORT} and up of 127.0.0.1, "
                "and another program has one of them"
            )
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(str(port))
        yield shops


def _fill_from_photographs(
    db: Database, settings: Settings, data: Path, folder: Path, words: Catalogue
) -> list[_Query]:
    """Imports all photographs but one view each of some products, which become the queries."""
    from app.errors import BadInput
    from etl.jobs import import_folder
    from etl.progress import progress

    root = data if (data / "labels.csv").is_file() else data / "shoes"
    table = root / "labels.csv"
    if not table.is_file():
        raise BadInput(f"{data}: there is no labels.csv in it or in its folder shoes")
    with table.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or [])
        rows = list(reader)
    views: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        views[row["source"], row["product_id"]].append(row)
    several = [key for key, pictures in views.items() if len(pictures) >= 3]
    if not several:
        raise BadInput(f"{table}: no product has three pictures, so none can be kept back to ask")
    chosen = random.Random(SEED).sample(several, min(1 + CHECKS, len(several)))
    kept_back = {key: views[key][0] for key in chosen}
    part = folder / "labels.csv"
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        asked = {row["file"] for row in kept_back.values()}
        writer.writerows(row for row in rows if row["file"] not in asked)
    with progress(words.text("demo.importing")) as report:
        done = import_folder(db, settings, root, labels=part, progress=report)
    _say_counts(str(root), done.counts, words)
    return [
        _Query(root / row["file"], row["text"] or row["product_id"], product)
        for (_, product), row in kept_back.items()
    ]


def embed(db: Database, settings: Settings, encoder: ImageEncoder, words: Catalogue) -> None:
    """Makes the missing vectors, with a progress line."""
    from etl.embed import embed_backlog
    from etl.progress import progress

    with progress(words.text("demo.embedding")) as report:
        done = embed_backlog(db, encoder, settings, progress=report)
    typer.echo(
        words.text(
            "demo.embedded", count=done.embedded, rate=f"{done.images_per_second:.0f}",
            encoder=done.encoder,
        )
    )  # fmt: skip


def _say_counts(name: str, counts: Counts, words: Catalogue) -> None:
    typer.echo(
        words.text(
            "demo.shop", name=name, new=counts.offers_new, changed=counts.offers_changed,
            unchanged=counts.offers_unchanged, failed=counts.failed,
        )
    )  # fmt: skip


def _show(
    db: Database, searcher: Searcher, queries: list[_Query], folder: Path, words: Catalogue
) -> None:
    """The first query's results in full; of the others, how often the own product came first."""
    from app import present
    from app.db.queries import query

    first, *others = queries
    result = searcher.by_photo([first.path])
    sheet = folder / "contact-sheet.html"
    present.write_contact_sheet(sheet, result, [first.path], words)
    typer.echo("\n" + words.text("demo.query", name=first.name, path=str(first.path)))
    present.print_table(result, words)

    own: dict[str, set[int]] = defaultdict(set)
    with db.connection() as conn:
        rows = query("demo_products").execute(conn, {"keys": [asked.key for asked in queries]})
        for key, product_id in rows:
            own[key].add(product_id)
    answers = [result, *(searcher.by_photo([other.path]) for other in others)]
    found = [
        [hit.product_id in own[asked.key] for hit in answer.hits]
        for asked, answer in zip(queries, answers, strict=True)
    ]
    first_own = sum(page[:1] == [True] for page in found)
    typer.echo(
        "\n"
        + words.text("demo.first_hit_own" if found[0][:1] == [True] else "demo.first_hit_other")
    )
    typer.echo(
        words.text(
            "demo.own_counts",
            first=first_own,
            page=sum(map(any, found)),
            total=len(found),
        )
    )
    typer.echo(words.text("demo.sheet", path=str(sheet)))
