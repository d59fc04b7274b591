"""Fit more on top of a network that has been trained already, in a run of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twinlens.config import Config
from twinlens.config.load import override
from twinlens.errors import ConfigError, RunError
from twinlens.files import whole_file
from twinlens.runs import Run, differences, find_run, start_run
from twinlens.workflow.training import train

# Sections that no weight of the network depends on. The frame is another, where the network still sees the same of it.
_FREE = ("name", "metric", "fusion", "inference", "evaluation", "logger")


def refine(
    folder: str | Path, *, overrides: Iterable[str], out: str | Path | None = None, skip_broken: bool = False
) -> Run:
    """Make a run of a finished one whose network is the same and has other things fitted on top of it.

    The folds of View 2 that it has been trained on are refined with it. A run that is there already is left as it is,
    and one that was interrupted goes on.

    Args:
        folder: The finished run's.
        overrides: ``section.key=value`` strings: of ``metric``, ``fusion``, ``inference`` and ``evaluation``, and of
            the frame together with ``network.region`` and ``network.input``.
        out: The new run's folder; the old one's with ``-refined`` if not given.
        skip_broken: Leave out images that cannot be read.

    Raises:
        RunError: The run has not been trained to its end, or ``out`` holds something else.
        ConfigError: Nothing is to be changed, or something that the network was trained with.
        TwinlensError: As a training.
    """
    source, overrides = Run(Path(folder)), tuple(overrides)
    before = source.config()
    if not source.result.is_file():
        raise RunError(f"{folder} has not been trained to its end.", "Go on with: twinlens train --resume.")
    after = _changed(source, before, overrides)
    target = Run(Path(out) if out else source.folder.with_name(f"{source.folder.name}-refined"))
    run = _refined(source, target, after, skip_broken=skip_broken)
    for fold in sorted(source.folder.glob("view2/fold*")):
        if Run(fold).result.is_file():
            place = target.folder / fold.relative_to(source.folder)
            named = (*overrides, f"name={after.name}")
            _refined(Run(fold), Run(place), _changed(Run(fold), Run(fold).config(), named), skip_broken=skip_broken)
    return run


def _changed(source: Run, before: Config, overrides: tuple[str, ...]) -> Config:
    """The configuration of the new run.

    Raises:
        ConfigError: It changes nothing, or something that the network was trained with.
    """
    values = before.model_dump(mode="json") | {"name": f"{before.name}-refined"}
    after = override(values, overrides, str(source.folder))
    for difference in differences(_trained_with(before), _trained_with(after)):
        raise ConfigError(
            f"{source.folder} would have to be trained anew: {difference}.",
            "Change metric, fusion, inference or evaluation; or the frame, with network.region and network.input.",
        )
    if after.model_copy(update={"name": before.name}) == before:
        raise ConfigError(f"Nothing of {source.folder} is to be refined.", "Say what, e.g. --set metric.kind=plda.")
    return after


def _trained_with(config: Config) -> dict[str, Any]:
    """The sections that the weights of the network depend on, the frame as the network sees it."""
    values = {name: value for name, value in config.model_dump(mode="json").items() if name not in _FREE}
    values["frame"] = config.network.seen(config.frame).model_dump(mode="json")
    values["network"] |= {"region": None, "input": None}
    return values


def _refined(source: Run, target: Run, config: Config, *, skip_broken: bool) -> Run:
    find_run(target.folder, config, resume=True)
    if not target.training.is_file():
        start_run(target.folder, config, resume=True)
        # What says that the training has ended comes last, so that an interruption leaves nothing to be taken for it.
        for old, new in (
            (source.best, target.best),
            (source.history, target.history),
            (source.training, target.training),
        ):
            new.parent.mkdir(exist_ok=True)
            with whole_file(new) as temporary:
                shutil.copyfile(old, temporary)
        target.log(f"the network is that of {source.folder}, epoch by epoch")
    return train(config, out=target.folder, resume=True, skip_broken=skip_broken)
