"""``solemate etl``: loading, embedding, trying shops."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.errors import BadInput, SolemateError
from etl.match_cli import match_app

if TYPE_CHECKING:
    from app.domain import ParsedOffer

etl_app = typer.Typer(no_args_is_help=True, help="Load photographs and shops, embed, try adapters.")
etl_app.add_typer(match_app, name="match")


@etl_app.command("import")
def import_command(
    path: Annotated[Path, typer.Argument(help="A folder of photographs or a CSV table.")],
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV table about the folder's files, relative to the folder."),
    ] = None,
    shop: Annotated[
        str | None, typer.Option(help="Shop name instead of the table's source.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Load photographs with what is known of them; a second run changes only what changed."""
    from app.db.pool import open_database
    from app.settings import get_settings
    from etl.jobs import import_folder
    from etl.progress import progress
    from etl.report import print_report

    settings = get_settings()
    with open_database(settings) as db, progress("importing") as report:
        done = import_folder(db, settings, path, labels=labels, shop=shop, progress=report)
    print_report(done, as_json=as_json)


@etl_app.command("embed")
def embed_command(
    encoder: Annotated[
        str | None, typer.Option(help="Encoder; default: the configured one.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1024, help="Pictures in one claim.")] = 64,
    watch: Annotated[bool, typer.Option(help="Wait for new pictures until interrupted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Embed pictures that have no vector yet; any number of these may run at once."""
    from app.db.pool import open_database
    from app.settings import get_settings
    from etl.embed import embed_backlog, open_for_embedding
    from etl.progress import progress

    settings = get_settings()
    opened = open_for_embedding(encoder or settings.encoder, settings)
    with open_database(settings) as db, progress("embedding") as report:
        done = embed_backlog(db, opened, settings, batch=batch, watch=watch, progress=report)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "encoder": done.encoder,
                    "embedded": done.embedded,
                    "failed": done.failed,
                    "seconds": round(done.seconds, 3),
                    "images_per_second": round(done.images_per_second, 2),
                    "errors": [{"path": path, "error": words} for path, words in done.errors],
                }
            )
        )
        return
    typer.echo(
        f"{done.encoder}: {done.embedded} pictures embedded, {done.failed} failed, "
        f"{done.seconds:.1f} s, {done.images_per_second:.1f} pictures/s"
    )
    for path, words in done.errors[:20]:
        typer.echo(f"  {path}: {words}", err=True)


@etl_app.command("run")
def run_command(
    shop: Annotated[str, typer.Option(help="Name of a file in etl/shops, or path of a TOML file.")],
    limit: Annotated[
        int | None, typer.Option(min=1, help="Read at most so many documents.")
    ] = None,
    join: Annotated[
        bool, typer.Option("--match/--no-match", help="Join its news to what other shops sell.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Refresh one shop now: the entry point for cron.

    Exit codes: 0 complete; 1 the run failed and marked nothing sold out; 2 wrong options or shop
    file; 3 done, but not all of the shop could be read; 4 another process reads the shop now;
    5 the shop failed lately and is left alone; 6 stopped by a signal, to be taken up by the next
    run.
    """
    import signal
    import threading

    from app.db.pool import open_database
    from app.settings import get_settings
    from etl.adapters import NoOffer
    from etl.match import match
    from etl.progress import progress
    from etl.report import print_report
    from etl.shop_run import run_shop
    from etl.shop_spec import load_shop

    settings = get_settings()
    spec = load_shop(shop)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with open_database(settings) as db, progress(f"reading {spec.name}") as report:
        try:
            done = run_shop(db, settings, spec, limit=limit, progress=report, stop=stop)
        except NoOffer as error:  # the shop's answer is at fault, not what was asked of us
            raise SolemateError(str(error)) from error
        if join and done.counts.news:
            try:
                match(db, settings)
            except SolemateError as error:  # the shop itself was read
                typer.echo(f"not joined to other shops: {error}", err=True)
    print_report(done, as_json=as_json)
    if not done.complete:
        raise typer.Exit(3)


@etl_app.command("parse")
def parse_command(
    file: Annotated[Path, typer.Argument(help="A saved page, feed or API answer.")],
    adapter: Annotated[str, typer.Option(help="Platform: schema_org, shopify, yml_feed, ...")],
    url: Annotated[str | None, typer.Option(help="Where the document came from.")] = None,
) -> None:
    """Print the offers of a saved document as a JSON array; exit code 2 when it holds none."""
    from etl.adapters import get_adapter, parse_document
    from etl.report import offer_json

    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error
    offers = parse_document(get_adapter(adapter), content, url)
    json.dump([offer_json(offer) for offer in offers], sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


@etl_app.command("check")
def check_command(
    shop: Annotated[
        str, typer.Argument(help="Name of a file in etl/shops, or path of a TOML file.")
    ],
    pages: Annotated[int, typer.Option(min=1, max=100, help="Product pages to try.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Offers as JSON, one a line.")] = False,
) -> None:
    """Try a shop on a few pages and print what was read; nothing is stored."""
    from app.settings import get_settings
    from etl.report import check_lines, check_summary, offer_json
    from etl.shop_run import try_shop
    from etl.shop_spec import is_wanted, load_shop

    spec = load_shop(shop)
    offers: list[ParsedOffer] = []
    errors = 0
    for page, result in try_shop(get_settings(), spec, pages):
        typer.echo(page, err=as_json)
        if isinstance(result, SolemateError):
            errors += 1
            typer.echo(f"  could not be read: {result}", err=as_json)
            continue
        for offer in result:
            offers.append(offer)
            if as_json:
                typer.echo(json.dumps(offer_json(offer), ensure_ascii=False))
                continue
            for line in check_lines(offer):
                typer.echo(f"  {line}")
            if not is_wanted(spec, offer):
                typer.echo("  left out by category_pattern")
            typer.echo("")
    if not offers and not errors:
        pattern = f" that match product_pattern {spec.product_pattern!r}" * bool(
            spec.product_pattern
        )
        raise SolemateError(f"no product links{pattern} on {', '.join(spec.start_urls)}")
    if not offers:
        raise SolemateError("no offer could be read")
    if not as_json:
        typer.echo(check_summary(offers, errors))


@etl_app.command("shops")
def shops_command() -> None:
    """List the configured shops."""
    from etl.shop_spec import list_shops

    for spec in list_shops():
        state = "on" if spec.enabled else "off"
        typer.echo(
            f"{spec.key:20} {state:4} {spec.adapter:12} {spec.name}  {spec.note or ''}".rstrip()
        )


@etl_app.command("rates")
def rates_command() -> None:
    """Read the central banks' currency rates of the day. Exit code 1 when none could be read."""
    from app.db.pool import open_database
    from app.settings import get_settings
    from etl.fx import Rates, refresh_rates

    settings = get_settings()
    read = 0
    with open_database(settings) as db:
        for name, result in refresh_rates(db, settings).items():
            if isinstance(result, Rates):
                read += 1
                typer.echo(f"{name}: {len(result.rates)} currencies of {result.day:%Y-%m-%d}")
            else:
                typer.echo(f"{name}: {result}", err=True)
    if not read:
        raise SolemateError("no rates could be read")


@etl_app.command("schedule")
def schedule_command(
    shops: Annotated[
        Path | None, typer.Option(help="Folder of the shops' TOML files; default: etl/shops.")
    ] = None,
    embed: Annotated[bool, typer.Option(help="Embed new pictures after each run.")] = True,
) -> None:
    """Refresh enabled shops at their times until interrupted; what was missed is caught up."""
    from app.db.pool import open_database
    from app.settings import get_settings
    from etl.embed import open_for_embedding
    from etl.scheduler import build, serve
    from etl.shop_spec import SHOPS_DIR, list_shops

    settings = get_settings()
    specs = list_shops(shops or SHOPS_DIR)
    encoder = open_for_embedding(settings.encoder, settings) if embed else None
    with open_database(settings) as db:
        serve(build(db, settings, specs, encoder))
