"""What the database holds, as the values that are stored and shown."""

from __future__ import annotations

import math
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from twinlens.config.sweep import SweepConfig
from twinlens.evaluation.result import Epoch
from twinlens.evaluation.sweep import State, Trial
from twinlens.learning.sweep.claim import starts
from twinlens.learning.sweep.space import to_values

_STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def trial_row(trial: FrozenTrial, config: SweepConfig) -> Trial:
    """One trial."""
    found: dict[str, Any] = trial.user_attrs
    reason = found.get("reason")
    return Trial(
        number=trial.number + 1,
        state="failed" if reason else _STATES[trial.state],
        values=to_values(trial.params, config.vary),
        objective=trial.value if trial.state == TrialState.COMPLETE else None,
        curve=tuple(value if math.isfinite(value) else None for _, value in sorted(trial.intermediate_values.items())),
        best=Epoch.model_validate(found["best"]) if "best" in found else None,
        seconds=found.get("seconds", 0.0),
        deaths=max(0, len(starts(trial)) - 1),
        reason=reason,
    )
