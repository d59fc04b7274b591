"""Earlier models that a training learns from: which they are, what they say, and what they have seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinlens.bundle import Bundle, Training, read_bundle
from twinlens.comparison import Cosine
from twinlens.config import Config
from twinlens.config.data import PairsOnly
from twinlens.data.dataset import Partition
from twinlens.data.datasets import open_dataset
from twinlens.data.leaks import refuse_predecessor
from twinlens.data.store import open_store
from twinlens.errors import ConfigError, DataError, RunError
from twinlens.evaluation.scoring import embed
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder
from twinlens.serving.models import find_model
from twinlens.types import Float32Array
from twinlens.workflow.preparation import Prepared

# From what is least from elsewhere to what is most.
_OUTSIDE_DATA = ("none", "label-free", "labelled")


@dataclass(frozen=True)
class Predecessors:
    """The models that ``config.initial`` and ``config.distillation`` name.

    Attributes:
        initial: Whose weights the network starts from; one at most.
        teachers: Whom it follows.
    """

    initial: tuple[Bundle, ...]
    teachers: tuple[Bundle, ...]


def find_predecessors(config: Config, partition: Partition) -> Predecessors:
    """The earlier models that a configuration names.

    Raises:
        BundleError: One is missing or was changed.
        RunError: The run that is started from has no checkpoint.
        ConfigError: One was told names that the setting does not tell, or a teacher compares otherwise than by cosine.
        LeakError: One has learned from people who are to judge the new one.
    """
    run = config.initial.run
    if run and not Run(run).best.is_file():
        raise RunError(f"{Run(run).best} is missing.", "Let initial.run be a whole run; a bundle is not enough.")
    found = Predecessors(
        # Of the very run whose weights are taken, whatever else has its name.
        initial=(_allowed(run, read_bundle(Run(run).bundle), config, partition),) if run else (),
        teachers=tuple(_allowed(place, _find(place), config, partition) for place in config.distillation.teachers),
    )
    for place, teacher in zip(config.distillation.teachers, found.teachers, strict=True):
        if not isinstance(teacher.manifest.comparison, Cosine):
            raise ConfigError(
                f"distillation.teachers: {place} does not compare embeddings by their cosine.",
                "Take one whose scores are cosines: no weighted L1 distance, and nothing fitted on top.",
            )
    return found


def teacher_embeddings(
    found: Predecessors, config: Config, prepared: Prepared, *, skip_broken: bool
) -> tuple[Float32Array, ...]:
    """What each teacher makes of the training photos, framed as it is used to; float32 ``(m, dim of its own)`` each.

    Raises:
        DataError: A photo cannot be framed so.
    """
    dataset, samples = prepared.partition.dataset, prepared.partition.train.samples
    names = [dataset.samples[sample].name for sample in samples]
    embeddings = []
    for teacher in found.teachers:
        store = open_store(open_dataset(config.data), teacher.manifest.frame, skip_broken=skip_broken)
        if missing := [name for name in names if name not in store.dataset.index]:
            raise DataError(f"The teacher {teacher.manifest.name} cannot see {len(missing)} photos, e.g. {missing[0]}.")
        rows = np.array([store.dataset.index[name] for name in names])
        embeddings.append(embed(load_encoder(teacher), store.crops, rows))
    return tuple(embeddings)


def inherit(training: Training, found: Predecessors) -> Training:
    """What a model has seen, with all that its predecessors have."""
    ancestors = [bundle.manifest.training for bundle in (*found.initial, *found.teachers)]
    line = [training, *ancestors]
    seen = frozenset().union(*(one.seen for one in line))
    learned = frozenset().union(*(one.learned for one in line))
    outside = [training.outside_data, *(_outside_data(one, training.dataset) for one in ancestors)]
    return training.model_copy(
        update={
            "seen": tuple(sorted(seen)),
            "chosen_on": tuple(sorted(seen - learned)),
            "outside_data": max(outside, key=_OUTSIDE_DATA.index),
            "leaks": any(one.leaks for one in line),
        }
    )


def _find(place: Path) -> Bundle:
    """The bundle at ``place``; a path cannot say ``./NAME``, so that a folder comes before a shipped model."""
    return find_model(place if place.exists() else str(place))


def _allowed(place: Path, bundle: Bundle, config: Config, partition: Partition) -> Bundle:
    training = bundle.manifest.training
    same_data = training.dataset == partition.dataset.name
    if same_data and training.setting == "identities" and isinstance(config.data.setting, PairsOnly):
        raise ConfigError(
            f"{place} was told who is on each photo, which the setting pairs-only does not tell.",
            "Take a model that was trained with pairs only, or set data.setting.kind=identities.",
        )
    refuse_predecessor(place, training.learned, training.seen, partition)
    return bundle


def _outside_data(training: Training, dataset: str) -> str:
    """What a predecessor brings from elsewhere: the people of another dataset, besides its own outside data.

    Drawn portraits show nobody.
    """
    own = training.dataset == dataset or training.synthetic
    return training.outside_data if own else "labelled"
