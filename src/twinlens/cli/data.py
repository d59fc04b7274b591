"""``twinlens data``: get the official datasets and see what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from twinlens.data.install import Installed

app = typer.Typer(help="Get the official datasets, see what is there, and describe it.", no_args_is_help=True)

Name = Annotated[Literal["lfw", "omniglot"], typer.Argument(help="Which dataset.")]


@app.command()
def fetch(
    name: Name,
    to: Annotated[Path | None, typer.Option(help="Folder for it; the data folder in the cache if not given.")] = None,
) -> None:
    """Download a dataset from its home; run it again and it goes on where it was interrupted."""
    from twinlens.data.homes import LFW_PEOPLE_LISTS
    from twinlens.data.install import fetch

    folder = fetch(name, to)
    typer.echo(f"{name} is in {folder}.")
    if name == "omniglot":
        typer.echo("Its authors publish no checksums; its alphabets, characters, drawings and runs were counted.")
    missing = [remote.name for remote in LFW_PEOPLE_LISTS if not (folder / remote.name).exists()]
    if name == "lfw" and missing:
        typer.echo(
            f"LFW's own site did not give {', '.join(missing)}, which only the setting 'identities' needs. "
            "Run the same command again later.",
            err=True,
        )


@app.command("import")
def import_(
    name: Name,
    source: Annotated[Path, typer.Option("--from", help="The folder or archive that holds it.")],
) -> None:
    """Copy a dataset that you have into the data folder in the cache."""
    from twinlens.data.install import import_data

    typer.echo(f"{name} is in {import_data(name, source)}.")


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show which datasets are where, and how large they are."""
    from dataclasses import asdict

    from twinlens.data.install import installed

    found = installed()
    if as_json:
        typer.echo(json.dumps([asdict(row) | {"where": str(row.where)} for row in found], indent=1))
    elif found:
        _print_table(found)
    else:
        typer.echo("There are none yet. Run: twinlens data fetch lfw")


def _print_table(found: list[Installed]) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    figures = (Column(title, justify="right") for title in ("images", "subjects", "MiB"))
    table = Table("dataset", "edition", *figures, Column("where", overflow="fold"))
    for row in found:
        counts = (f"{row.images:,}", f"{row.subjects:,}", f"{row.size / 2**20:,.0f}")
        table.add_row(row.name, row.variant, *counts, Text(row.problem or str(row.where)))
    Console().print(table)
