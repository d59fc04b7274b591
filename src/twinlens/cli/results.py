"""``twinlens results``: publish results and keep what is made from them up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_FOLDER = Path("docs/results")

app = typer.Typer(help="Publish results, and what is made from them.", no_args_is_help=True)


@app.command()
def publish(
    run: Annotated[Path, typer.Argument(help="A run's folder, a sweep's, or the bundle of a network from elsewhere.")],
    to: Annotated[Path, typer.Option(help="Where published results are kept.")] = _FOLDER,
) -> None:
    """Copy a run's result and scored pairs, without photos, to where published results are kept.

    A run that has not been tested goes into the folder ablation, where runs are held against each other on their
    validation pairs. Of a sweep, its trials, its best recipe and its report are copied; of a network from elsewhere
    (twinlens bundle import), its card and what twinlens evaluate has written beside its bundle.
    """
    from twinlens.bundle import MANIFEST
    from twinlens.reporting.results.imported import publish_imported
    from twinlens.reporting.results.publish import publish as publish_run
    from twinlens.reporting.sweep.stored import publish_sweep
    from twinlens.sweeps import Sweep

    if Sweep(run).result.is_file():
        typer.echo(f"Published: {publish_sweep(run, to)}")
        return
    place = publish_imported(run, to) if (run / MANIFEST).is_file() else publish_run(run, to)
    typer.echo(f"Published: {place}\nNext:      twinlens results readme, and results table --write README.md")


@app.command()
def table(
    results: Annotated[Path, typer.Option("--from", help="Where published results are kept.")] = _FOLDER,
    write: Annotated[
        list[Path] | None,
        typer.Option(help="A file whose lines between <!-- results:begin --> and <!-- results:end --> are replaced."),
    ] = None,
) -> None:
    """Print the table of all published results, or write it into files."""
    from twinlens.errors import DataError
    from twinlens.files import write_text
    from twinlens.reporting.results.imported import read_imported
    from twinlens.reporting.results.publish import published
    from twinlens.reporting.results.table import results_table, update_between_markers
    from twinlens.reporting.scores import read_result

    text = results_table((read_result(path) for path in published(results)), read_imported(results))
    if not write:
        typer.echo(text)
        return
    updated = {}
    for path in write:  # all are read before the first is written, so that an error leaves all as they were
        if not path.is_file():
            raise DataError(f"There is no file {path}.", "Give a file that holds the two markers.")
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 text.", "Give a file that holds the two markers.") from error
        updated[path] = update_between_markers(content, text, str(path))
    for path, content in updated.items():
        write_text(path, content)
        typer.echo(f"Wrote the table into {path}")


@app.command()
def readme(
    results: Annotated[Path, typer.Option("--from", help="Where published results are kept.")] = _FOLDER,
) -> None:
    """Write the page of all published results, with tables, figures and findings, into their folder."""
    from twinlens.reporting.results.page import write_page

    typer.echo(f"Wrote {write_page(results)}")
