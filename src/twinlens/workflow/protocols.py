"""What a finished model can be judged on, by name: photos and pairs, or tasks, that it has never seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinlens.bundle import Bundle
from twinlens.config.base import Frame
from twinlens.data.dataset import Part
from twinlens.data.folders import read_pair_list
from twinlens.data.leaks import refuse_seen
from twinlens.data.lfw import read_lfw
from twinlens.data.omniglot import is_in_runs, read_omniglot, read_runs
from twinlens.data.protocols import lfw_view1_test, lfw_view2_folds, part_of_list
from twinlens.data.sources import LfwFiles, locate_lfw, locate_omniglot
from twinlens.data.store import Store, open_store
from twinlens.data.uncut import lfw_view1
from twinlens.errors import ConfigError
from twinlens.types import Episode, Pairs

VIEW1, VIEW2, OMNIGLOT = "lfw-view1", "lfw-view2", "omniglot-20way"


@dataclass(frozen=True)
class Trial:
    """Pairs to judge a model on.

    Attributes:
        protocol: Its name.
        store: The photos.
        part: Which of them, and in which pairs.
    """

    protocol: str
    store: Store
    part: Part


def pair_trial(protocol: str, bundle: Bundle, *, skip_broken: bool) -> Trial:
    """The pairs of ``lfw-view1`` or of a CSV file, none of whose people the model has seen.

    Raises:
        ConfigError: There is no such protocol.
        LeakError: The model has seen some of the people.
        DataError: The data is missing or wrong.
    """
    frame = bundle.manifest.frame
    if protocol == VIEW1:
        store, files = _lfw(frame, skip_broken)
        trial = Trial(VIEW1, store, lfw_view1_test(store.dataset, files.lists, store.broken))
    elif _is_csv(protocol):
        trial = _listed(Path(protocol), frame, skip_broken)
    else:
        raise ConfigError(
            f"There is no protocol {protocol!r}.", f"Give {VIEW1}, {VIEW2}, {OMNIGLOT} or a CSV file of pairs."
        )
    training = bundle.manifest.training
    refuse_seen((*training.seen, *training.calibrated), trial.store.dataset, trial.part, protocol)
    return trial


def calibration_trial(protocol: str, frame: Frame, *, skip_broken: bool) -> Trial:
    """The pairs that a network from elsewhere is calibrated on: the training pairs of ``lfw-view1``, or a CSV's.

    Raises:
        ConfigError: There is no such protocol.
        DataError: The data is missing or wrong.
    """
    if protocol == VIEW1:
        store, files = _lfw(frame, skip_broken)
        return Trial(VIEW1, store, lfw_view1(store.dataset, files.lists, store.broken).train)
    if _is_csv(protocol):
        return _listed(Path(protocol), frame, skip_broken)
    raise ConfigError(
        f"Nothing can be calibrated on {protocol!r}.",
        f"Give {VIEW1}, whose training pairs are taken, or a CSV file of pairs.",
    )


def view2_folds(bundle: Bundle, *, skip_broken: bool) -> tuple[Store, tuple[Part, ...]]:
    """The ten folds of LFW View 2, none of whose people the model has learned from.

    Each fold's threshold comes from the other nine, so people that only a calibration rests on do no harm.

    Raises:
        LeakError: The model has seen some of the people.
        DataError: The data is missing or wrong.
    """
    store, files = _lfw(bundle.manifest.frame, skip_broken)
    folds = lfw_view2_folds(store.dataset, files.lists, store.broken)
    samples = np.unique(np.concatenate([fold.samples for fold in folds]))
    refuse_seen(bundle.manifest.training.seen, store.dataset, Part(samples, Pairs.from_rows([])), VIEW2)
    return store, folds


def omniglot_runs(bundle: Bundle) -> tuple[Store, tuple[Episode, ...]]:
    """The official 20 one-shot runs, none of whose alphabets' characters the model has seen.

    Raises:
        LeakError: The model has seen characters of the ten alphabets that they show.
        DataError: The data is missing or wrong.
    """
    files = locate_omniglot()
    dataset = read_omniglot(files)
    shown = Part(np.flatnonzero(is_in_runs(dataset)), Pairs.from_rows([]))
    refuse_seen(bundle.manifest.training.seen, dataset, shown, OMNIGLOT)
    drawings, episodes = read_runs(files)
    return open_store(drawings, bundle.manifest.frame), episodes


def _is_csv(protocol: str) -> bool:
    return Path(protocol).suffix.lower() == ".csv"


def _listed(path: Path, frame: Frame, skip_broken: bool) -> Trial:
    listed, pairs = read_pair_list(path)
    store = open_store(listed, frame, skip_broken=skip_broken)
    return Trial(path.stem, store, part_of_list(listed, pairs, store.dataset))


def _lfw(frame: Frame, skip_broken: bool) -> tuple[Store, LfwFiles]:
    files = locate_lfw()
    return open_store(read_lfw(files), frame, skip_broken=skip_broken), files
