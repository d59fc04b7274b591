"""Who works on which trial: each process on one of its own, and what a dead one has left goes to the next."""

from __future__ import annotations

import platform
import time
from typing import Any, TextIO

import numpy as np
import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from twinlens.config.sweep import RandomSampler, SweepConfig, TpeSampler
from twinlens.learning.sweep.claim import Claim, sign_of_life, starts
from twinlens.locks import locked, try_lock
from twinlens.sweeps import Sweep

# Seconds of silence after which a process of another machine is taken for dead: some signs of life.
_SILENCE = 120.0
# Seconds between two looks whether there is something to do.
_LOOK = 1.0
# A trial over which so many processes have died before another epoch was finished is given up.
_MOST_DEATHS = 3


class Claims:
    """Gives this process one trial after the other.

    Whether a process of this machine is alive, its lock says at once; whether one of another machine is, its signs of
    life in the database say, which are watched by this machine's clock alone.

    Args:
        study: The trials.
        storage: The database they are in.
        sweep: The folder of this process; processes of one machine that share the database share the folder, too.
        config: What is looked for.
    """

    def __init__(self, study: optuna.Study, storage: BaseStorage, sweep: Sweep, config: SweepConfig) -> None:
        self._study = study
        self._storage = storage
        self._sweep = sweep
        self._config = config
        self._place = f"{platform.node()}:{sweep.folder.resolve()}"
        self._heard: dict[int, tuple[Any, float]] = {}

    def trials(self) -> list[FrozenTrial]:
        """All trials as they are now; what others asked for beyond this sweep's number is not among them."""
        return self._study.get_trials(deepcopy=False)[: self._config.trials]

    def next(self) -> Claim | None:
        """A trial to work on: one that was left, or the first that nobody has begun.

        Where others work on all that are left, this waits until they have finished them or died. None when the sweep
        is over.
        """
        waits = False
        while trials := self._unfinished():
            with locked(self._sweep.gate):
                for trial in trials:
                    if claim := self._take(trial.number):
                        return claim
            if not waits:
                self._sweep.log(f"waiting for trials that other processes work on: {len(trials)}")
            waits = True
            time.sleep(_LOOK)
        return None

    def _unfinished(self) -> list[FrozenTrial]:
        """Those that somebody has begun come first."""
        left = [trial for trial in self.trials() if not trial.state.is_finished()]
        return sorted(left, key=lambda trial: trial.state == TrialState.WAITING)

    def _take(self, number: int) -> Claim | None:
        lock = try_lock(self._sweep.lock(number + 1))
        if lock is None:
            return None
        study_id = self._storage.get_study_id_from_name(self._study.study_name)
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(study_id, number)
        trial = self._storage.get_trial(trial_id)  # as it is now that nobody here changes it
        if self._is_free(trial, trial_id):
            return self._claim(trial, trial_id, lock)
        lock.close()
        return None

    def _is_free(self, trial: FrozenTrial, trial_id: int) -> bool:
        if trial.state == TrialState.WAITING:  # if it still is: the database lets one of several begin it
            return self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
        if trial.state.is_finished():
            return False
        return trial.user_attrs.get("place") == self._place or self._is_silent(trial)

    def _is_silent(self, trial: FrozenTrial) -> bool:
        sign, now = sign_of_life(trial), time.monotonic()
        heard, since = self._heard.get(trial.number, (None, now))
        if heard != sign:
            self._heard[trial.number] = sign, now
        return heard == sign and now - since > _SILENCE

    def _claim(self, trial: FrozenTrial, trial_id: int, lock: TextIO) -> Claim | None:
        self._study.sampler = _sampler(self._config, trial.number)
        before, known = starts(trial), trial.last_step or 0
        claim = Claim(self._study, trial_id, self._place, lock)
        if before[-_MOST_DEATHS:] == [known] * _MOST_DEATHS:
            claim.end(reason=f"{_MOST_DEATHS} processes have died before they finished epoch {known + 1}")
            lock.close()
            return None
        return claim


def _sampler(config: SweepConfig, number: int) -> optuna.samplers.BaseSampler:
    """What draws the trial of this number: the same, whenever the sweep is interrupted and gone on with."""
    seed = int(np.random.SeedSequence([config.recipe.seed, number]).generate_state(1)[0])
    match config.sampler:
        case RandomSampler():
            return optuna.samplers.RandomSampler(seed=seed)
        case TpeSampler(startup=startup):
            return optuna.samplers.TPESampler(n_startup_trials=startup, seed=seed)
