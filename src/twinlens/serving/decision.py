"""What is decided on a score, and how sure that is."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict

from twinlens.bundle import Manifest
from twinlens.errors import ConfigError
from twinlens.faces.quality import Quality
from twinlens.serving.thresholds import threshold_for

# Natural logarithm beyond which a ratio is no finite number any more.
_MOST = 700.0


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Probability(_Value):
    """A match probability with its interval.

    Attributes:
        value: In (0, 1).
        low: Lower end at 95 %; none if the model does not know how sure its calibration is.
        high: Upper end.
    """

    value: float
    low: float | None
    high: float | None


class Decision(_Value):
    """A decision on one score.

    Attributes:
        score: How alike the two photos are, or a photo and the most similar of several; higher is more alike.
        threshold: Match iff score ≥ this.
        is_match: The decision.
        fmr: The false match rate that the threshold stands for; none where it is the model's own, at even odds.
        log_likelihood_ratio: Natural logarithm of p(score | genuine) / p(score | impostor), less that of the number
            of photos of which the most similar one counts.
        likelihood_ratio: The same ratio itself, between e^−700 and e^700.
        probability: Of a match, at the prior.
        prior: Probability of a match before looking.
    """

    score: float
    threshold: float
    is_match: bool
    fmr: float | None
    log_likelihood_ratio: float
    likelihood_ratio: float
    probability: Probability
    prior: float


class Verification(Decision):
    """A decision on two photos.

    Attributes:
        qualities: Of the two faces; none where no face was looked for.
        remarks: What is wrong with each photo, if anything.
        seconds: From photos to decision.
        model: Name of the model.
        fingerprint: Of its bundle.
    """

    qualities: tuple[Quality | None, Quality | None]
    remarks: tuple[tuple[str, ...], tuple[str, ...]]
    seconds: float
    model: str
    fingerprint: str


def decide(
    manifest: Manifest, score: float, *, fmr: float | None = None, prior: float = 0.5, templates: int = 1
) -> Decision:
    """Decide on a score as a model does.

    The best of k scores has k chances to be high by accident. So each template has its share of the rate, fmr / k, and
    of the odds: the likelihood ratio is divided by k, whereby ratio, probability and the threshold at even odds say the
    same. However the scores depend on each other, such a ratio of c or more happens to impostors once in c times at
    most.

    Args:
        manifest: Of the model.
        score: Of two of its embeddings; with several templates the highest.
        fmr: Decide at the threshold for this false match rate instead of the model's own.
        prior: Probability of a match before looking, in (0, 1).
        templates: Of how many comparisons the score is the highest, k.

    Raises:
        ConfigError: The prior is no probability, or the model cannot support the rate.
    """
    if not 0 < prior < 1:
        raise ConfigError(f"The prior {prior:g} is no probability.", "Give a number between 0 and 1.")
    point = None if fmr is None else threshold_for(manifest, fmr / templates)
    threshold = _at_even_odds(manifest, templates) if point is None else point.threshold.value
    ratio = log_likelihood_ratio(manifest, score, templates)
    return Decision(
        score=score,
        threshold=threshold,
        is_match=score >= threshold,
        fmr=None if point is None else templates * point.fmr,
        log_likelihood_ratio=ratio,
        likelihood_ratio=math.exp(min(max(ratio, -_MOST), _MOST)),
        probability=_probability(manifest, score, prior / (prior + templates * (1 - prior))),
        prior=prior,
    )


def log_likelihood_ratio(manifest: Manifest, score: float, templates: int) -> float:
    """Natural logarithm of the likelihood ratio of the highest of so many scores; see :func:`decide`."""
    return float(manifest.calibration.log_likelihood_ratio(score)) - math.log(templates)


def _at_even_odds(manifest: Manifest, templates: int) -> float:
    slope = manifest.calibration.slope
    return manifest.threshold + math.log(templates) / slope if slope else manifest.threshold


def _probability(manifest: Manifest, score: float, share: float) -> Probability:
    """Of a match, where ``share`` was its probability before looking."""
    value = float(manifest.calibration.probability(score, share))
    interval = manifest.calibration.probability_interval(score, share)
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return Probability(value=value, low=low, high=high)
