"""``solemate models``: encoders and how good they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Encoders: list, evaluate, time.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """Encoders in the database, with their status and how much each has embedded."""
    from rich.console import Console
    from rich.table import Table

    from app.db.pool import open_database
    from app.db.queries import query
    from app.settings import get_settings
    from app.vision.registry import encoder_names

    settings = get_settings()
    table = Table("id", "name", "revision", "dim", "status", "embeddings", box=None)
    with open_database(settings, size=1) as db, db.connection() as conn:
        for row in query("encoder_list").execute(conn).fetchall():
            table.add_row(*map(str, (*row[:5], f"{row[9]:,}")))
    Console().print(table)
    typer.echo(f"on disk: {', '.join(encoder_names(settings))}")


@app.command()
def activate(encoder: Annotated[str, typer.Argument(help="name or folder")]) -> None:
    """Let searches ask this encoder, once every picture has its vector (etl embed --encoder)."""
    from app import rollout
    from app.db.pool import open_database
    from app.settings import get_settings
    from app.vision.registry import open_encoder

    settings = get_settings()
    opened = open_encoder(encoder, settings)
    with open_database(settings, size=1) as db:
        row = rollout.activate(db, opened)
    typer.echo(f"{row.name} {row.revision} is active")


@app.command()
def evaluate(
    encoder: Annotated[
        list[str] | None, typer.Option("--encoder", help="name or folder; repeat for several")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="folder of shoes/labels.csv")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="markdown file; docs/scorecard.md for a run over everything"),
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="JSON file to write")] = None,
    protocol: Annotated[
        list[str] | None, typer.Option("--protocol", help="only this one; repeat for several")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="a look: fewer photographs, no classifiers")
    ] = False,
) -> None:
    """The scorecard: every encoder and plain baseline on photographs kept out of training."""
    from app.errors import SolemateError

    try:
        from onnx_models.evaluate import main_evaluate
    except ModuleNotFoundError as error:
        raise SolemateError(
            f"evaluating needs {error.name}: pip install 'solemate[evaluate]' (make install-dev)"
        ) from error
    main_evaluate(encoder, data, out, json_out, protocols=protocol, quick=quick)


@app.command("contact-sheet")
def contact_sheet(
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="name or folder; default: the settings' one")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="folder of shoes/labels.csv")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="folder; default out/contact-sheets/NAME")
    ] = None,
    drawn: Annotated[
        bool, typer.Option("--drawn", help="the project's own drawn shoes instead of photographs")
    ] = False,
) -> None:
    """Twenty re-shot queries with their first results, and the five worst failures."""
    from app.errors import SolemateError

    try:
        from onnx_models.evaluate import main_contact_sheet
    except ModuleNotFoundError as error:
        raise SolemateError(
            f"this needs {error.name}: pip install 'solemate[evaluate]' (make install-dev)"
        ) from error
    for path in main_contact_sheet(encoder, data, out, drawn=drawn):
        typer.echo(path)


@app.command()
def bench(
    encoder: Annotated[str, typer.Option("--encoder", help="name or folder")] = "solemate-s19",
) -> None:
    """Images a second of bare onnxruntime by batch size and threads."""
    from onnx_models.bench import main_bench

    main_bench(encoder)
