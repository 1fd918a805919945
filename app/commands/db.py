"""``solemate db``: the database server, its schema, backups."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from psycopg import conninfo

from app.db import embedded, migrate, pool
from app.errors import BadInput, SolemateError
from app.settings import Settings, get_settings

app = typer.Typer(help="The database: start, stop, look, migrate, back up.", no_args_is_help=True)

_LIBPQ = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
    "dbname": "PGDATABASE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT",
    "options": "PGOPTIONS", "hostaddr": "PGHOSTADDR", "service": "PGSERVICE",
}  # fmt: skip


def _only_embedded(settings: Settings, what: str) -> None:
    if settings.database_url is not None:
        raise BadInput(f"DATABASE_URL names a server that is not ours to {what}")


@app.command()
def start() -> None:
    """Start the embedded server (any command that needs it does so by itself)."""
    settings = get_settings()
    _only_embedded(settings, "start")
    embedded.ensure_database(settings.home, settings.database)
    typer.echo(f"running, pid {embedded.status(settings.home).pid}")


@app.command()
def stop() -> None:
    """Stop the embedded server."""
    settings = get_settings()
    _only_embedded(settings, "stop")
    typer.echo("stopped" if embedded.stop(settings.home) else "was not running")


@app.command()
def status() -> None:
    """Say where the database is, its versions, its schema and what it holds; starts nothing."""
    settings = get_settings()
    if settings.database_url is None:
        now = embedded.status(settings.home)
        typer.echo(f"embedded server: {now.data_dir}")
        if now.pid is None:
            typer.echo("not running" if now.initialised else "not made yet")
            raise typer.Exit(1)
        typer.echo(f"running, pid {now.pid}")
    with pool.connect(pool.database_url(settings), settings.connect_timeout_s) as conn:
        pool.check_server(conn)
        version = conn.execute("SHOW server_version").fetchone()
        extension = conn.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
        ).fetchone()
        assert version is not None
        typer.echo(f"PostgreSQL {version[0]}, pgvector {extension[0] if extension else 'not made'}")
        revision = migrate.current(conn)
        newest = "the newest" if revision == migrate.HEAD else f"newest is {migrate.HEAD}"
        typer.echo(f"schema: {revision or 'none'} ({newest})")
        if revision == migrate.HEAD:
            from app.db.queries import query

            cursor = query("catalog_counts").execute(conn)
            counts = cursor.fetchone()
            assert counts is not None
            assert cursor.description is not None
            names = [column.name.replace("_", " ") for column in cursor.description]
            parts = (f"{count:,} {name}" for name, count in zip(names, counts, strict=True))
            typer.echo(", ".join(parts))


@app.command()
def url() -> None:
    """Print the database's URL, without a password; starts the embedded server."""
    info = conninfo.conninfo_to_dict(pool.database_url(get_settings()))
    info.pop("password", None)
    database, host = str(info.get("dbname", "")), str(info.get("host", ""))
    user = str(info.get("user", ""))
    if host.startswith("/"):
        typer.echo(f"postgresql://{user}@/{database}?host={host}")
    else:
        port = f":{info['port']}" if info.get("port") else ""
        typer.echo(f"postgresql://{user}{'@' if user else ''}{host}{port}/{database}")


def _environment(target: str) -> dict[str, str]:
    """libpq's variables for a client program: a URL on its command line could be read by all."""
    values = {
        _LIBPQ[key]: str(value)
        for key, value in conninfo.conninfo_to_dict(target).items()
        if key in _LIBPQ and value is not None
    }
    return {**os.environ, **values}


@app.command(context_settings={"ignore_unknown_options": True})
def psql(arguments: Annotated[list[str] | None, typer.Argument(help="psql's own options")] = None,
         ) -> None:  # fmt: skip
    """Open psql on the database; options go through: solemate db psql -- -c 'SELECT 1'."""
    target = pool.database_url(get_settings())
    program = embedded.binaries() / "psql"
    os.execve(program, [str(program), *(arguments or [])], _environment(target))  # noqa: S606


@app.command("migrate")
def migrate_command(
    to: Annotated[str, typer.Argument(help="head, base, or a revision")] = "head",
) -> None:
    """Bring the schema to the newest revision (or down: base takes everything away)."""
    target = pool.database_url(get_settings())
    with pool.connect(target) as conn:
        pool.check_server(conn)
        before = migrate.current(conn)
    if to == "base" or (before is not None and to != "head" and to < before):
        migrate.downgrade(target, to)
    else:
        migrate.upgrade(target, to)
    with pool.connect(target) as conn:
        typer.echo(f"schema: {before or 'none'} -> {migrate.current(conn) or 'none'}")


def _run(program: str, *arguments: str, target: str) -> None:
    done = subprocess.run(  # noqa: S603  # our own binaries
        [str(embedded.binaries() / program), *arguments],
        env=_environment(target), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SolemateError(f"{program} failed: {last}")


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="where to write it")]) -> None:
    """Write the whole database into one file (pg_dump's custom format).

    Picture files are beside the database, in the folder the last line names: copy it too.
    """
    settings = get_settings()
    part = file.with_name(file.name + ".part")
    _run("pg_dump", "--format=custom", "--no-owner", f"--file={part}",
         target=pool.database_url(settings))  # fmt: skip
    part.replace(file)  # a backup that broke off never has the asked name
    typer.echo(f"{file}: {file.stat().st_size:,} bytes; pictures: {settings.images_dir}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="a file that backup wrote")],
    yes: Annotated[
        bool, typer.Option("--yes", help="replace what is there without asking")
    ] = False,
) -> None:
    """Replace the database's content by a backup's, in one transaction: all of it or nothing."""
    if not file.is_file():
        raise BadInput(f"there is no file {file}")
    if not yes:
        typer.confirm("This replaces everything in the database. Go on?", abort=True)
    target = pool.database_url(get_settings())
    name = conninfo.conninfo_to_dict(target)["dbname"]
    _run("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction",
         f"--dbname={name}", str(file), target=target)  # fmt: skip
    typer.echo("restored")
