"""The entry point: every command, its errors and its exit codes."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import twinlens
from twinlens.cli import (
    bundle,
    compare,
    data,
    evaluate,
    explain,
    export,
    gallery,
    keys,
    quickstart,
    refine,
    report,
    results,
    serve,
    sweep,
    train,
    verify,
)
from twinlens.cli.describe import describe_command

# How to go on with what was interrupted, where that is not to begin anew.
_GOES_ON = {
    "train": "A training goes on with --resume.",
    "sweep": "A sweep goes on with --resume.",
    "quickstart": "The same command goes on.",
    "evaluate": "View 2 goes on with the same command.",
}


class _Commands(TyperGroup):
    """Ends with status 0 if all went well, 2 for a mistake in the input, 130 when interrupted."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what the user can mend is one sentence and no traceback."""
        from twinlens.errors import TwinlensError

        try:
            return super().invoke(ctx)
        except TwinlensError as error:
            print(f"Error: {error}", file=sys.stderr)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:  # caught here, as typer itself would end without a word
            print(f"Interrupted. {_GOES_ON.get(ctx.invoked_subcommand, '')}".rstrip(), file=sys.stderr)
            raise typer.Exit(130) from error


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"twinlens {twinlens.__version__}")
        raise typer.Exit


app = typer.Typer(
    name="twinlens",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """One-shot verification with Siamese networks: learn it, know how good it is, use it."""


app.command("quickstart")(quickstart.quickstart)
app.command("recipes")(train.recipes)
app.command("train")(train.train)
app.command("refine")(refine.refine)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("sweep")(sweep.sweep)
app.command("explain")(explain.explain)
app.command("verify")(verify.verify)
app.command("export")(export.export)
app.command("serve")(serve.serve)
data.app.command("describe")(describe_command)
app.add_typer(bundle.app, name="bundle")
app.add_typer(data.app, name="data")
app.add_typer(gallery.app, name="gallery")
app.add_typer(keys.app, name="keys")
app.add_typer(results.app, name="results")


def main() -> None:
    """Run the command line."""
    app()
