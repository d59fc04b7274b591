"""The form of ``sweep.json``: every trial of a sweep, and what they say together.

The report reads these values and never recomputes them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from twinlens.evaluation.result import Epoch
from twinlens.origin import Origin

State = Literal["finished", "pruned", "failed", "running", "waiting"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trial(_Value):
    """One trial.

    Attributes:
        number: Counted from 1.
        state: ``pruned`` was given up as hopeless, ``failed`` could not be trained.
        values: Of the keys that vary; empty before it has begun.
        objective: At the epoch that training keeps, of a finished trial.
        curve: The objective after each epoch; none where it was no finite number.
        best: The figures of the best epoch, by the recipe's ``training.monitor``.
        seconds: Of its epochs.
        deaths: Processes that died over it, after which another one went on.
        reason: Why it failed.
    """

    number: int
    state: State
    values: dict[str, Any]
    objective: float | None
    curve: tuple[float | None, ...]
    best: Epoch | None
    seconds: float
    deaths: int
    reason: str | None


class Importance(_Value):
    """How much a key sets the best trials apart from the others.

    Attributes:
        key: Which one.
        share: Of all keys together; they add up to 1.
        p_value: How often shuffled trials give the key at least as much, corrected for the number of keys.
    """

    key: str
    share: float
    p_value: float


class ValidationSize(_Value):
    """The pairs that all trials were judged on."""

    genuine_pairs: int
    impostor_pairs: int
    subjects: int
    images: int


class SweepResult(_Value):
    """``sweep.json``.

    Attributes:
        question: What was looked for and how, without the recipe.
        recipe: What all trials have in common, resolved.
        metric: What decided between trials.
        higher_is_better: Whether the best trial has the highest value of it.
        recipe_trial: Number of the trial that is the recipe itself, if there is one.
        best_trial: Number of the best finished trial, if there is one.
        winner: The recipe with the values of the best trial, resolved.
        setting: What the trainings knew.
        leaks: Whether training and validation share subjects.
        synthetic: Whether the photos are drawn.
        importances: Sorted by share; empty if there are too few trials to say.
    """

    format: Literal[1] = 1
    name: str
    question: dict[str, Any]
    recipe: dict[str, Any]
    metric: str
    higher_is_better: bool
    origin: Origin
    setting: Literal["pairs-only", "identities"]
    leaks: bool
    synthetic: bool
    protocol: str
    validation: ValidationSize
    trials: tuple[Trial, ...]
    recipe_trial: int | None
    best_trial: int | None
    winner: dict[str, Any] | None
    importances: tuple[Importance, ...]
