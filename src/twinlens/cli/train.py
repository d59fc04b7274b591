"""``twinlens train`` and ``twinlens recipes``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[str, typer.Argument(help="A YAML file, or the name of a recipe (see: twinlens recipes).")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key, e.g. training.batch_size=64.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder.", show_default="runs/NAME")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run, if there is one.")] = False,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave out images that cannot be read.")] = False,
) -> None:
    """Train a verifier; ends with a calibrated model bundle in the run's folder."""
    from twinlens import workflow

    run = workflow.train(recipe, overrides=overrides or (), out=out, resume=resume, skip_broken=skip_broken)
    typer.echo(f"Bundle: {run.bundle}\nNext:   twinlens evaluate {run.folder}")


def recipes() -> None:
    """List the recipes that come with twinlens."""
    from twinlens.config import find_recipe, recipe_names

    for name in recipe_names():
        first = find_recipe(name).read_text(encoding="utf-8").splitlines()[0]
        typer.echo(f"{name:28} {first.lstrip('# ')}")
