"""A sweep of seconds: run as a script, so that a test can kill it and several processes can take part.

It says that it is ready, waits for a line, and then sweeps in the folder that it is given.
"""

import sys
from pathlib import Path
from typing import Any

from tests.workflow.conftest import tiny_config
from twinlens.config.sweep import SweepConfig
from twinlens.evaluation.sweep import SweepResult, Trial
from twinlens.reporting.sweep.stored import read_sweep_result
from twinlens.workflow.sweeping import sweep

DATA = {"kind": "synthetic", "subjects": 24, "per_subject": 3, "test_pairs": 30}
VARY = {"optimiser.learning_rate": "1e-4..1e-1:log", "network.dense": [16, 32]}


def small_sweep(trials: int, epochs: int, **changes: Any) -> SweepConfig:
    """Short trials on drawn portraits."""
    recipe = tiny_config(
        data=DATA | {"setting": {"kind": "identities", "pairs": 96}},
        split={"validation": 0.3},
        training={"max_epochs": epochs, "patience": epochs, "threads": 1},
    )
    values = {"name": "tiny", "recipe": recipe, "vary": VARY, "trials": trials, "pruner": {"kind": "none"}, **changes}
    return SweepConfig.model_validate(values)


def said(trial: Trial) -> dict[str, Any]:
    """What a trial came to, without what a clock says and how often it was interrupted."""
    clocks = {"seconds", "images_per_second"}
    return trial.model_dump(exclude={"seconds": True, "deaths": True, "best": clocks})


def result_of(folder: Path) -> SweepResult:
    """What a sweep came to."""
    return read_sweep_result(folder)


if __name__ == "__main__":
    folder, trials, epochs, *storage = sys.argv[1:]
    import twinlens.learning.sweep.study
    import twinlens.learning.train  # noqa: F401 - the slow part of a start

    print("ready", flush=True)
    sys.stdin.readline()
    sweep(small_sweep(int(trials), int(epochs)), out=Path(folder), resume=True, storage=storage[0] if storage else None)
