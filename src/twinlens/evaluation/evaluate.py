"""Every figure of one model on one list of pairs, and the scores behind them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

import numpy as np

from twinlens.comparison import Comparison, WeightedL1
from twinlens.config.sections import EvaluationConfig
from twinlens.data.dataset import Dataset, Part
from twinlens.evaluation import calibration, metrics
from twinlens.evaluation.figures import CalibrationFigures, Evaluation, OneShot, RateAtFmr
from twinlens.evaluation.intervals import Statistic, subject_bootstrap
from twinlens.evaluation.judge import Judge
from twinlens.evaluation.oneshot import largest_n_way, oneshot_accuracy, random_episodes
from twinlens.evaluation.scoring import score_part
from twinlens.evaluation.thresholds import is_supported
from twinlens.files import whole_file
from twinlens.types import Float32Array, IntArray, Interval, Pairs, Scores

_FMRS = (0.1, 0.01, 0.001)
_COLUMNS = (
    "first",
    "second",
    "first_subject",
    "second_subject",
    "is_genuine",
    "score",
    "log_likelihood_ratio",
    "probability",
    "is_match",
)


def evaluate_part(
    embeddings: Float32Array,
    dataset: Dataset,
    part: Part,
    judge: Judge,
    settings: EvaluationConfig,
    *,
    protocol: str,
    name: Literal["train", "validation", "test"],
    seed: int,
) -> tuple[Evaluation, Scores]:
    """Score a part's pairs, judge them, and say how good and how sure that is.

    Args:
        embeddings: float32 ``(n, dim)``, of ``part.samples`` in their order.
        dataset: Where the part points into.
        part: Its pairs are scored; one-shot tasks are drawn from its samples, and those with more ways than it
            has subjects are left out.
        judge: Fixed on the validation people.
        settings: Prior, level, resamples and one-shot tasks.
        protocol: Named in the result.
        name: Which part this is.
        seed: Of resamples and tasks; equal seeds give equal results.

    Returns:
        All figures, and the score of each of ``part.pairs`` in their order.

    Raises:
        EvaluationError: A score is not finite, or there are no genuine or no impostor pairs.
    """
    scores = score_part(embeddings, dataset, part, judge.comparison)
    metrics.check_scores(scores)
    intervals = _intervals(scores, judge, settings, seed)
    genuine = int(np.count_nonzero(scores.is_genuine))
    codes = dataset.subject_codes[part.samples]
    evaluation = Evaluation(
        protocol=protocol,
        part=name,
        genuine_pairs=genuine,
        impostor_pairs=len(scores) - genuine,
        subjects=len(np.union1d(scores.first_subject, scores.second_subject)),
        images=len(part.pairs.samples),
        level=settings.level,
        threshold=judge.threshold,
        loss=metrics.cross_entropy(scores) if isinstance(judge.comparison, WeightedL1) else None,
        accuracy=intervals["accuracy"],
        auc=intervals["auc"],
        eer=intervals["eer"],
        tar_at_fmr=_rates(scores, intervals),
        confusion=metrics.confusion(scores, judge.threshold, settings.level),
        calibration=_calibration(scores, judge, settings.prior, intervals),
        oneshot=_oneshot(embeddings, codes, judge.comparison, settings, seed),
        curve=metrics.curve(scores),
        histogram=metrics.histogram(scores),
    )
    return evaluation, scores


def write_scores(path: Path, dataset: Dataset, pairs: Pairs, scores: Scores, judge: Judge, prior: float) -> None:
    """Write every scored pair as a CSV line, whole or not at all.

    Args:
        path: The file.
        dataset: Gives the names of samples and subjects.
        pairs: What was scored.
        scores: The scores of ``pairs`` in their order.
        judge: Gives likelihood ratio and decision.
        prior: Of the match probability.

    Raises:
        TwinlensError: The disk is full or the folder cannot be written.
    """
    ratios = judge.calibration.log_likelihood_ratio(scores.values)
    probabilities = judge.calibration.probability(scores.values, prior)
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for i in range(len(pairs)):
            first, second = dataset.samples[pairs.first[i]], dataset.samples[pairs.second[i]]
            figures = (float(scores.values[i]), float(ratios[i]), float(probabilities[i]))
            writer.writerow(
                [
                    *(first.name, second.name, first.subject_id, second.subject_id),
                    int(pairs.is_genuine[i]),
                    *figures,
                    int(scores.values[i] >= judge.threshold),
                ]
            )


def _intervals(scores: Scores, judge: Judge, settings: EvaluationConfig, seed: int) -> dict[str, Interval]:
    """Every figure that resampling the subjects makes an interval for; a rate at an FMR is named by it."""
    fitted, prior = judge.calibration, settings.prior
    statistics: dict[str, Statistic] = {
        "accuracy": lambda s, w: metrics.accuracy(s, judge.threshold, w),
        "auc": metrics.auc,
        "eer": metrics.eer,
        "cllr": lambda s, w: calibration.cllr(s, fitted, w),
        "brier": lambda s, w: calibration.brier(s, fitted, prior, w),
        "calibration error": lambda s, w: calibration.expected_calibration_error(s, fitted, prior, w),
        **{str(fmr): _tar(fmr) for fmr in _FMRS},
    }
    reflected = ("calibration error",)
    return subject_bootstrap(scores, statistics, settings.resamples, settings.level, seed, reflected)


def _tar(fmr: float) -> Statistic:
    return lambda scores, weights: metrics.tar_at_fmr(scores, fmr, weights)


def _rates(scores: Scores, intervals: dict[str, Interval]) -> tuple[RateAtFmr, ...]:
    rates = metrics.error_rates(scores)
    impostor = int(np.count_nonzero(~scores.is_genuine))
    return tuple(
        RateAtFmr(
            fmr=fmr,
            tar=intervals[str(fmr)],
            threshold=float(rates.threshold[rates.at_fmr(fmr)]),
            impostor_pairs=impostor,
            expected_errors=fmr * impostor,
            supported=is_supported(fmr, impostor),
        )
        for fmr in _FMRS
    )


def _calibration(scores: Scores, judge: Judge, prior: float, intervals: dict[str, Interval]) -> CalibrationFigures:
    return CalibrationFigures(
        prior=prior,
        cllr=intervals["cllr"],
        cllr_min=calibration.cllr_min(scores),
        brier=intervals["brier"],
        expected_calibration_error=intervals["calibration error"],
        bins=calibration.reliability(scores, judge.calibration, prior),
    )


def _oneshot(
    embeddings: Float32Array,
    codes: IntArray,
    comparison: Comparison,
    settings: EvaluationConfig,
    seed: int,
) -> tuple[OneShot, ...]:
    rows = np.arange(len(embeddings))
    most = largest_n_way(codes, 1)
    return tuple(
        oneshot_accuracy(
            random_episodes(rows, codes, n_way, 1, settings.oneshot_trials, seed),
            embeddings,
            codes,
            comparison,
            level=settings.level,
            resamples=settings.resamples,
            seed=seed,
        )
        for n_way in settings.n_way
        if n_way <= most
    )
