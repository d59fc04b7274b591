"""``twinlens sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def sweep(
    recipe: Annotated[str, typer.Argument(help="With --vary a recipe, else a sweep; a YAML file, or the name of one.")],
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUES", help="What to vary: LOW..HIGH, LOW..HIGH:log, LOW..HIGH:STEP or A,B,C."),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe for all trials.")
    ] = None,
    trials: Annotated[int | None, typer.Option(help="How many trials.", show_default="the sweep's, or 20")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of a trial at most.", show_default="the sweep's, or the recipe's")
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="What decides: validation_loss (lowest), validation_auc or validation_oneshot (highest).",
            show_default="the sweep's, or the recipe's training.monitor",
        ),
    ] = None,
    no_pruning: Annotated[bool, typer.Option("--no-pruning", help="Train hopeless trials to their end, too.")] = False,
    name: Annotated[str | None, typer.Option(help="Of the sweep.", show_default="the sweep's, or the recipe's")] = None,
    out: Annotated[Path | None, typer.Option(help="The sweep's folder.", show_default="sweeps/NAME")] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="Address of a database that several machines share.", show_default="a file in the folder"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a sweep, or take part in it.")] = False,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave out images that cannot be read.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all trials as JSON.")] = False,
) -> None:
    """Search for better values of a recipe's keys; ends with the best recipe and a report.

    Every trial is a training, and the validation pairs alone decide. The test pairs are not looked at.
    """
    from twinlens import workflow
    from twinlens.reporting.sweep.sentences import verdict
    from twinlens.reporting.sweep.stored import read_sweep_result

    settings = {"trials": trials, "epochs": epochs, "objective": objective, "name": name}
    changes: dict[str, Any] = {key: value for key, value in settings.items() if value is not None}
    if no_pruning:
        changes["pruner"] = {"kind": "none"}
    done = workflow.sweep(
        recipe,
        vary=vary or (),
        overrides=overrides or (),
        changes=changes,
        out=out,
        storage=storage,
        resume=resume,
        skip_broken=skip_broken,
    )
    if as_json:
        typer.echo(done.result.read_text(encoding="utf-8"), nl=False)
        return
    typer.echo(verdict(read_sweep_result(done.folder)))
    typer.echo(f"Recipe: {done.winner}\nReport: {done.report}\nNext:   twinlens train {done.winner}")
