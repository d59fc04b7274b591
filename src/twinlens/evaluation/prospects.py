"""What figures on some parts will be able to say, before there are any.

How wide the interval of an accuracy will be is tried out on the very pairs of the test, with simulated decisions. A
pair is decided rightly if a normal variable exceeds what the accuracy demands, and a fifth of its variance belongs to
the subjects of the pair, as some people are harder than others. With that share the widths are those of a real network
on real people: on 12, 40 and 100 people of LFW whom it had never seen, the network of ``koch-supcon`` had intervals as
wide to within a seventh.
"""

from __future__ import annotations

from statistics import NormalDist, mean

import numpy as np

from twinlens.config.sections import EvaluationConfig
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.description import ExpectedInterval, Prospects, RateProspect
from twinlens.evaluation.cross_pairs import representative, told_apart_pairs
from twinlens.evaluation.intervals import subject_bootstrap
from twinlens.evaluation.metrics import accuracy as share_right
from twinlens.evaluation.oneshot import largest_n_way
from twinlens.evaluation.thresholds import SUPPORT, USUAL_FMRS, is_supported
from twinlens.types import Float64Array, Scores

# A modest model and a good one.
_ACCURACIES = (0.75, 0.9)
_OF_SUBJECTS = 0.2
# The mean of ten widths is good to a twentieth.
_SIMULATIONS, _RESAMPLES = 10, 200


def prospects(partition: Partition, settings: EvaluationConfig, seed: int) -> Prospects:
    """What the test and the thresholds will be able to say.

    Args:
        partition: With validation and test pairs.
        settings: The level of intervals, and the one-shot tasks that are asked for.
        seed: Of the run, as thresholds rest on a sample where there is a lot.
    """
    dataset, test = partition.dataset, partition.test
    behind = _threshold_pairs(dataset, partition.validation, seed)
    impostor = int(np.count_nonzero(~test.pairs.is_genuine))
    return Prospects(
        level=settings.level,
        intervals=tuple(
            ExpectedInterval(accuracy=accuracy, half_width=expected_half_width(dataset, test, accuracy, settings.level))
            for accuracy in _ACCURACIES
        ),
        threshold_impostor_pairs=behind,
        test_impostor_pairs=impostor,
        rates=tuple(
            RateProspect(
                fmr=fmr,
                impostor_pairs=round(SUPPORT / fmr),
                threshold=is_supported(fmr, behind),
                test=is_supported(fmr, impostor),
            )
            for fmr in USUAL_FMRS
        ),
        n_way=settings.n_way,
        largest_n_way=largest_n_way(dataset.subject_codes[test.samples], 1),
    )


def expected_half_width(dataset: Dataset, test: Part, accuracy: float, level: float) -> float:
    """Half the width that the interval of a test accuracy will have about, as a share.

    Args:
        dataset: Where the part points into.
        test: Its pairs are judged.
        accuracy: That a model will have on them, in (0, 1).
        level: Of the interval, in (0, 1).
    """
    widths = []
    for seed in range(_SIMULATIONS):
        scores = _simulated(dataset, test, accuracy, seed)
        found = subject_bootstrap(scores, {"accuracy": _share_right}, _RESAMPLES, level, seed)["accuracy"]
        widths.append(found.high - found.low)
    return mean(widths) / 2


def _share_right(scores: Scores, weights: Float64Array) -> float:
    return share_right(scores, 0.5, weights)


def _simulated(dataset: Dataset, test: Part, accuracy: float, seed: int) -> Scores:
    """Decisions as scores of 0 and 1, some of which are wrong."""
    rng, pairs = np.random.default_rng(seed), test.pairs
    first, second = dataset.subject_codes[pairs.first], dataset.subject_codes[pairs.second]
    as_self, as_other = rng.normal(size=(2, len(dataset.subjects)))
    subjects = np.where(pairs.is_genuine, as_self[first], (as_other[first] + as_other[second]) / 2**0.5)
    ease = _OF_SUBJECTS**0.5 * subjects + (1 - _OF_SUBJECTS) ** 0.5 * rng.normal(size=len(pairs))
    right = ease > -NormalDist().inv_cdf(accuracy)
    return Scores((right == pairs.is_genuine).astype(np.float64), pairs.is_genuine, first, second)


def _threshold_pairs(dataset: Dataset, validation: Part, seed: int) -> int:
    """Pairs of different validation subjects that operating points rest on, as :func:`calibrate` takes them."""
    if dataset.inferred:
        return len(told_apart_pairs(dataset, validation, seed)[0])
    codes = dataset.subject_codes[validation.samples]
    chosen = representative(codes, seed)
    different = codes[chosen, None] != codes[chosen]
    if validation.groups is not None:
        different &= validation.groups[chosen, None] == validation.groups[chosen]
    return int(np.count_nonzero(np.triu(different)))
