"""The entry point: every command, its errors and its exit codes."""

from __future__ import annotations

import sys

import typer

from twinlens.cli import data, evaluate, quickstart, report, results, train
from twinlens.cli.describe import describe_command

app = typer.Typer(
    name="twinlens",
    help="One-shot verification with Siamese networks: learn it, know how good it is, use it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("quickstart")(quickstart.quickstart)
app.command("recipes")(train.recipes)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
data.app.command("describe")(describe_command)
app.add_typer(data.app, name="data")
app.add_typer(results.app, name="results")


def main() -> None:
    """Run the command line: status 0 if all went well, 2 for a mistake in the input, 130 when interrupted."""
    from twinlens.errors import TwinlensError

    try:
        app()
    except TwinlensError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("Interrupted. A training goes on with --resume.", file=sys.stderr)
        sys.exit(130)
