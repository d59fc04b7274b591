"""Publishing: from a run to files small enough to be committed, and back."""

from __future__ import annotations

import shutil
from pathlib import Path

from twinlens.errors import RunError
from twinlens.evaluation.result import Result
from twinlens.files import whole_folder
from twinlens.reporting.highlights import decisive
from twinlens.reporting.scores import read_result
from twinlens.runs import Run

# Where runs are kept that have looked at no test: only those of one kind may be held against each other.
ABLATION = "ablation"


def publish(run: Path, to: Path) -> Path:
    """Copy a run's figures, scored pairs and explanations, and nothing else, to where published results are kept.

    The pairs are those of the test, or of validation where there was none. A run that was neither tested nor retrained
    for View 2 is one of an ablation, and goes into the folder ``ablation``. What ``evaluate --protocol`` wrote into the
    run's folder becomes ``evaluation-PROTOCOL.json``.

    Args:
        run: A run's folder.
        to: The folder of all published results.

    Returns:
        The folder of this one: the run's name, with the seed unless that is 0. What lay there is replaced.

    Raises:
        RunError: The run has no result, or one that may not be quoted.
    """
    result = read_result(run)
    if result.provenance.synthetic:
        raise RunError(
            f"{run} learned from synthetic faces, which is never quoted as a result.", "Publish a run on real data."
        )
    source, tested = Run(run), is_tested(result)
    place = (to if tested else to / ABLATION) / published_name(result)
    scores = source.scores(decisive(result).part)
    with whole_folder(place, replace=True) as temporary:
        for path in (source.result, scores, source.explanations):
            if path.is_file():
                shutil.copyfile(path, temporary / path.name)
        for path in sorted(run.glob("evaluation-*/evaluation.json")):
            shutil.copyfile(path, temporary / f"{path.parent.name}.json")
    return place


def is_tested(result: Result) -> bool:
    """Whether a run has looked at a test; those that have not are runs of an ablation."""
    return result.test is not None or result.view2 is not None


def published_name(result: Result) -> str:
    """What the folder of a published result is called."""
    seed = result.provenance.seed
    return result.name if seed == 0 else f"{result.name}-seed{seed}"


def published(folder: Path) -> list[Path]:
    """The folders of all published results, sorted.

    Raises:
        RunError: There is no such folder.
    """
    if not folder.is_dir():
        raise RunError(f"There is no folder {folder}.", "Publish a run first: twinlens results publish RUN.")
    return sorted(path.parent for path in folder.glob("*/result.json"))
