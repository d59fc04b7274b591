"""A sweep that nobody has trained: every kind of trial, from known numbers."""

from typing import Any

from twinlens.config.load_sweep import load_sweep
from twinlens.evaluation.result import Epoch
from twinlens.evaluation.sweep import Importance, SweepResult, Trial, ValidationSize
from twinlens.origin import Origin
from twinlens.sweeps import question

CONFIG = load_sweep(
    "koch-reduced",
    vary=[
        "optimiser.learning_rate=3e-5..3e-3:log",
        "network.conv_dropout=0..0.4:0.1",
        "network.widths=[16,32,64,128],[8,8,16,16]",
        "augment.kind=none,affine",
    ],
    changes={"trials": 6, "epochs": 4},
)
OWN = CONFIG.own_values()
IMPORTANCES = (
    Importance(key="optimiser.learning_rate", share=0.8, p_value=0.025),
    Importance(key="augment.kind", share=0.2, p_value=0.6),
)


def epoch(number: int, loss: float) -> Epoch:
    """An epoch with this validation loss."""
    rest = dict.fromkeys(Epoch.model_fields, 0.5)
    return Epoch.model_validate(rest | {"epoch": number, "validation_loss": loss})


def trial(number: int, state: str, curve: tuple[float, ...], **changes: Any) -> Trial:
    """A trial with this validation loss after each epoch."""
    best = min(curve, default=None)
    values: dict[str, Any] = {
        "number": number,
        "state": state,
        "values": OWN | {"optimiser.learning_rate": 0.0001 * number},
        "objective": best if state == "finished" else None,
        "curve": curve,
        "best": epoch(curve.index(best) + 1, best) if best is not None else None,
        "seconds": 7.0 * len(curve),
        "deaths": 0,
        "reason": None,
    }
    return Trial.model_validate(values | changes)


TRIALS = (
    trial(1, "finished", (0.69, 0.68, 0.66, 0.67), values=OWN),
    trial(2, "finished", (0.68, 0.65, 0.63, 0.62), deaths=2),
    trial(3, "pruned", (0.9, 0.85)),
    trial(4, "failed", (), reason="The <b>training</b> diverged."),
    trial(5, "finished", (0.7, 5.0, 0.64, 0.65)),
    trial(6, "pruned", (9.0, 8.0)),
)


def sweep_result(**changes: Any) -> SweepResult:
    """What a sweep of these trials came to."""
    values: dict[str, Any] = {
        "name": "koch-reduced",
        "question": question(CONFIG),
        "recipe": CONFIG.recipe.model_dump(mode="json"),
        "metric": CONFIG.metric,
        "higher_is_better": CONFIG.higher_is_better,
        "origin": Origin("2026-01-02T03:04:05Z", "0" * 40, "a machine", {"optuna": "5.0.0"}),
        "setting": "pairs-only",
        "leaks": False,
        "synthetic": False,
        "protocol": "lfw-view1",
        "validation": ValidationSize(genuine_pairs=160, impostor_pairs=170, subjects=330, images=500),
        "trials": TRIALS,
        "recipe_trial": 1,
        "best_trial": 2,
        "winner": CONFIG.winner(TRIALS[1].values).model_dump(mode="json"),
        "importances": IMPORTANCES,
    }
    return SweepResult.model_validate(values | changes)
