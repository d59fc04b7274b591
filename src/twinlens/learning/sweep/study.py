"""The database of a sweep: who may open it, and what lies in it before the first trial."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from twinlens.config.sweep import HalvingPruner, MedianPruner, NoPruner, SweepConfig
from twinlens.errors import ConfigError, RunError
from twinlens.learning.sweep.claims import Claims
from twinlens.learning.sweep.space import to_params
from twinlens.locks import locked
from twinlens.runs import refuse_differences
from twinlens.sweeps import Sweep, question

# Seconds that a process waits for another one that is writing.
_WAIT = 60
# How often and after how many seconds a process looks whether another one has begun what it was about to begin.
_LOOKS = 20
_LOOK = 0.25


@contextmanager
def open_study(
    sweep: Sweep, config: SweepConfig, *, storage: str | None, material: str, resume: bool
) -> Iterator[Claims]:
    """What this process may do with the trials of a sweep; makes them if there are none.

    All are there from the beginning, and wait until somebody takes them: so there is never one too many, however many
    processes take part.

    Args:
        sweep: Its folder.
        config: What to look for.
        storage: Address of a database; ``None`` is for the one in the folder.
        material: Digest of what trains and validates.
        resume: Go on with a sweep, or take part in it, if the database holds it already.

    Raises:
        RunError: The database cannot be used, or holds another sweep of this name, or one that was not to be gone on
            with, or one with other photos or pairs.
        ConfigError: ``storage`` is no address of a database.
    """
    with _quiet(), _plain_errors(), ExitStack() as stack:
        with locked(sweep.gate):  # of processes that begin at once, one makes the tables
            database = stack.enter_context(_opened(sweep.database, storage))
            study = _start(database, config, material, resume=resume)
            for _ in range(config.trials - len(study.get_trials(deepcopy=False))):
                study.enqueue_trial({})
        yield Claims(study, database, sweep, config)


@contextmanager
def _opened(file: Path, storage: str | None) -> Iterator[RDBStorage]:
    try:
        database = _connected(file, storage)
    except ArgumentError as error:
        raise ConfigError(
            "--storage is no address of a database.", "Give one like postgresql+psycopg://user@host/name."
        ) from error
    except ImportError as error:
        raise ConfigError(
            f"The driver of this database is not installed: {error.__cause__}.",
            "Install it; PostgreSQL's is in pip install 'twinlens[postgres]'.",
        ) from error
    try:
        yield database
    finally:
        database.remove_session()
        database.engine.dispose()


def _connected(file: Path, storage: str | None) -> RDBStorage:
    if storage is None:  # opened by path, as not every path can be written as an address
        connect = partial(sqlite3.connect, file, timeout=_WAIT, check_same_thread=False)
        return RDBStorage("sqlite:///trials.db", {"creator": connect})
    address = storage.replace("{", "{{").replace("}", "}}")  # Optuna would fill in braces
    for _ in range(_LOOKS):
        try:
            return RDBStorage(address)
        except SQLAlchemyError as error:
            if "already exists" not in str(error):
                raise
            time.sleep(_LOOK)  # another machine is making the tables at this very moment
    return RDBStorage(address)


def _start(database: RDBStorage, config: SweepConfig, material: str, *, resume: bool) -> optuna.Study:
    asked = question(config) | {"recipe": config.recipe.model_dump(mode="json")}
    direction = StudyDirection.MAXIMIZE if config.higher_is_better else StudyDirection.MINIMIZE
    pruner = _pruner(config)
    try:  # of several machines that begin at once, one makes the study
        study = optuna.create_study(storage=database, study_name=config.name, direction=direction, pruner=pruner)
        begun = False
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(storage=database, study_name=config.name, pruner=pruner)
        begun = _is_begun(study)
    if not begun:
        study.enqueue_trial(to_params(config.own_values(), config.vary))
        study.set_user_attr("question", asked)
        study.set_user_attr("material", material)
        return study
    if not resume:
        raise RunError(
            f"The database holds a sweep {config.name} already.", "Take part in it with --resume, or give --name."
        )
    refuse_differences(study.user_attrs["question"], asked, f"The sweep {config.name}")
    if study.user_attrs["material"] != material:
        raise RunError(
            f"The sweep {config.name} was started with other photos or pairs than there are now.",
            "Bring them back, or start a sweep in another folder with --out.",
        )
    return study


def _is_begun(study: optuna.Study) -> bool:
    """Whether whoever made the study has said what it is for, and has not died before."""
    for _ in range(_LOOKS):
        if "material" in study.user_attrs:
            return True
        time.sleep(_LOOK)
    return False


def _pruner(config: SweepConfig) -> optuna.pruners.BasePruner:
    match config.pruner:
        case NoPruner():
            return optuna.pruners.NopPruner()
        case MedianPruner(startup=startup, warmup=warmup):
            return optuna.pruners.MedianPruner(n_startup_trials=startup, n_warmup_steps=warmup)
        case HalvingPruner(warmup=warmup, factor=factor):
            return optuna.pruners.SuccessiveHalvingPruner(min_resource=warmup, reduction_factor=factor)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's own diary from the user, who gets ours."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise RunError(
            f"The database of the sweep cannot be used: {reason}.", "Bring it back and go on with --resume."
        ) from error
