"""``solemate match``: the same product across shops."""

from __future__ import annotations

from typing import Annotated

import typer

match_app = typer.Typer(no_args_is_help=True, help="Join offers of one product across shops.")


@match_app.command("run")
def run_command(
    pictures: Annotated[bool, typer.Option(help="Compare pictures too.")] = True,
) -> None:
    """Join offers by GTIN, style code, words and pictures; people's decisions stand."""
    from app.db.pool import open_database
    from app.settings import get_settings
    from etl.match import match

    settings = get_settings()
    with open_database(settings) as db:
        report = match(db, settings, pictures=pictures)
    joined = ", ".join(f"{n} by {method}" for method, n in report.joined.items()) or "none"
    typer.echo(f"joined: {joined}; kept apart: {report.forbidden}")


@match_app.command("join")
def join_command(
    one: Annotated[int, typer.Argument(help="An offer's id.")],
    other: Annotated[int, typer.Argument(help="Another offer's id.")],
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> None:
    """Decide that two offers are of one product; later runs keep to it."""
    from app.db.pool import open_database
    from app.settings import get_settings
    from etl.match import decide_join

    with open_database(get_settings()) as db:
        decide_join(db, one, other, note)
    typer.echo(f"offers {one} and {other} are one product")


@match_app.command("split")
def split_command(
    offer: Annotated[int, typer.Argument(help="The offer that does not belong.")],
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> None:
    """Decide that an offer is not of the product it stands under; later runs keep to it."""
    from app.db.pool import open_database
    from app.settings import get_settings
    from etl.match import decide_split

    with open_database(get_settings()) as db:
        product = decide_split(db, offer, note)
    typer.echo(f"offer {offer} is now product {product}")
