"""One process's hold on one trial, and the signs of life by which others see it."""

from __future__ import annotations

import uuid
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Any, TextIO

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from twinlens.errors import TwinlensError

# Seconds between two signs of life.
_BEAT = 20.0


class TakenOverError(Exception):
    """Another process took this one for dead and goes on with its trial."""


class Claim:
    """A trial that this process works on; a context that ends with the hold.

    Whoever takes over a trial leaves a token of its own, so that of two processes that hold each other for dead one
    goes on.

    Attributes:
        trial: The trial.
        number: Counted from 1.
        after: Epochs that were known when it was taken; some if another process has died over it.

    Args:
        study: What it is a trial of.
        trial_id: Which one.
        place: Machine and folder of this process.
        lock: Held until the end.
    """

    def __init__(self, study: optuna.Study, trial_id: int, place: str, lock: TextIO) -> None:
        self.trial = optuna.Trial(study, trial_id)
        self.number = self.trial.number + 1
        self._id = trial_id
        self._lock = lock
        known = self.frozen()
        self.after = known.last_step or 0
        self._starts = [*starts(known), self.after]
        self._token = uuid.uuid4().hex
        for name, value in (("place", place), ("token", self._token), ("starts", self._starts)):
            self.trial.set_user_attr(name, value)
        self._ended = Event()
        self._heart = Thread(target=self._beat, daemon=True)

    def frozen(self) -> FrozenTrial:
        """The trial as the database has it now."""
        return self.trial.storage.get_trial(self._id)

    def refuse_takeover(self) -> None:
        """Give up if somebody else has taken the trial over, or finished it.

        Raises:
            TakenOverError: Somebody has.
        """
        known = self.frozen()
        if known.state != TrialState.RUNNING or known.user_attrs.get("token") != self._token:
            raise TakenOverError

    def end(self, value: float | None = None, *, reason: str | None = None) -> None:
        """Write down what the trial came to.

        Args:
            value: The objective, of a trial that was trained to its end.
            reason: Why the trial failed, if it did; a failed trial has no value, nor has one that was pruned.

        Raises:
            TakenOverError: Somebody else has taken the trial over.
        """
        self.refuse_takeover()
        if reason:
            self.trial.set_user_attr("reason", reason)
        # To the sampler a failed trial is as good as one that was pruned; told that it failed, it would forget it.
        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        self.trial.study.tell(self.trial, value, state)

    def __enter__(self) -> Claim:
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._heart.join()
        # A process that ends on request, or because of something that can be mended, has not died over the trial.
        if isinstance(error, KeyboardInterrupt | TwinlensError):
            with suppress(StorageInternalError, UpdateFinishedTrialError):
                self.trial.set_user_attr("starts", self._starts[:-1])
        self._lock.close()

    def _beat(self) -> None:
        beats = 0
        while not self._ended.wait(_BEAT):
            beats += 1
            # A database that is away for a moment is no reason to end; if it stays away, the next epoch says so.
            with suppress(StorageInternalError, UpdateFinishedTrialError):
                self.trial.storage.set_trial_user_attr(self._id, "beat", beats)
        self.trial.storage.remove_session()


def starts(trial: FrozenTrial) -> list[int]:
    """After which epoch each of the processes began that have worked on a trial, but for those that let it go."""
    found: list[int] = trial.user_attrs.get("starts", [])
    return found


def sign_of_life(trial: FrozenTrial) -> Any:
    """What is another value as long as somebody works on the trial."""
    return [trial.user_attrs.get(name) for name in ("token", "beat")]
