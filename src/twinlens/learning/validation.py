"""What is measured on the validation part after every epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from twinlens.comparison import Comparison, Cosine
from twinlens.config import Config
from twinlens.config.data import Identities
from twinlens.data.components import sample_components
from twinlens.data.dataset import Partition
from twinlens.errors import TrainingError
from twinlens.evaluation.calibration import fit_calibration
from twinlens.evaluation.metrics import auc
from twinlens.evaluation.oneshot import largest_n_way, oneshot_credit, random_episodes
from twinlens.evaluation.scoring import score_rows
from twinlens.types import Calibration, Episode, Float32Array, IntArray, Pairs, Scores

_TASKS = 400


class ValidationPart:
    """The validation samples' embeddings of one epoch, and the figures made of them.

    One-shot tasks are the protocol's; where it has none they are made of subjects, if these are known, else of photos
    that genuine pairs join.

    Args:
        partition: Its validation part is used.
        dim: Dimension of the embeddings.
        config: The run's configuration.

    Raises:
        TrainingError: One-shot accuracy is to decide, and there are too few people for a task.
    """

    def __init__(self, partition: Partition, dim: int, config: Config) -> None:
        samples, pairs = partition.validation.samples, partition.validation.pairs
        self.pairs = Pairs(
            np.searchsorted(samples, pairs.first), np.searchsorted(samples, pairs.second), pairs.is_genuine
        )
        self.subjects = partition.dataset.subject_codes[samples]
        # Where only pairs are given, names may not even choose the best epoch.
        identities = isinstance(config.data.setting, Identities)
        known = self.subjects if identities else sample_components(self.pairs, len(samples))
        own = tuple(_by_row(task, samples) for task in partition.tasks)
        self.episodes = own or _largest_tasks(known, max(config.evaluation.n_way), config.seed)
        if config.training.monitor == "validation_oneshot" and not self.episodes:
            raise TrainingError(
                "The validation part is too small for a one-shot task.",
                "Enlarge split.validation, or set training.monitor=validation_loss.",
            )
        self.shape = (len(samples), dim)
        self.start()

    def start(self) -> None:
        """Begin a new epoch."""
        self._sum = torch.zeros(self.shape)
        self._count = torch.zeros(self.shape[0], 1)

    def add(self, positions: torch.Tensor, embeddings: torch.Tensor) -> None:
        """Take the embeddings ``(b, dim)`` of the samples at ``positions`` ``(b,)``."""
        positions = positions.cpu()
        self._sum[positions] = embeddings.float().cpu()
        self._count[positions] = 1

    def embeddings(self, everywhere: Callable[[torch.Tensor], torch.Tensor]) -> Float32Array:
        """All embeddings ``(n, dim)``; ``everywhere`` sums a tensor over the processes, which share the samples.

        A sample that two processes embedded, to fill up their last batch, is averaged.
        """
        mean: Float32Array = (everywhere(self._sum) / everywhere(self._count)).cpu().numpy()
        return mean

    def scores(self, comparison: Comparison, embeddings: Float32Array) -> Scores:
        """The validation pairs as ``comparison`` scores them."""
        first, second = self.pairs.first, self.pairs.second
        values = score_rows(embeddings, first, second, comparison)
        return Scores(values, self.pairs.is_genuine, self.subjects[first], self.subjects[second])

    def oneshot(self, comparison: Comparison, embeddings: Float32Array) -> float | None:
        """N-way one-shot accuracy for the largest N that the subjects allow; none if there are too few."""
        if not self.episodes:
            return None
        return float(oneshot_credit(self.episodes, embeddings, comparison).mean())


def figures(scores: Scores, comparison: Comparison) -> dict[str, float]:
    """Loss, accuracy at even odds, AUC and spread of the validation pairs.

    Where the score is no logit, loss and accuracy are those of the logits that a calibration on these very pairs makes
    of it, so that losses of all kinds can be set side by side.
    """
    calibrated = fit_calibration(scores) if isinstance(comparison, Cosine) else Calibration(1, 0, 0, 0)
    logits = torch.from_numpy(calibrated.log_likelihood_ratio(scores.values))
    is_genuine = torch.from_numpy(scores.is_genuine)
    return {
        "validation_loss": float(binary_cross_entropy_with_logits(logits, is_genuine.double())),
        "validation_accuracy": float(((logits > 0) == is_genuine).double().mean()),
        "validation_auc": auc(scores),
        "score_spread": float(np.ptp(scores.values)),
    }


def _by_row(task: Episode, samples: IntArray) -> Episode:
    """A task on samples of the dataset as one on the rows of the part that has ``samples``."""
    return Episode(np.searchsorted(samples, task.query), task.query_class, np.searchsorted(samples, task.support))


def _largest_tasks(subjects: IntArray, n_way: int, seed: int) -> tuple[Episode, ...]:
    ways = min(n_way, largest_n_way(subjects, 1))
    return random_episodes(np.arange(len(subjects)), subjects, ways, 1, _TASKS, seed) if ways >= 2 else ()
