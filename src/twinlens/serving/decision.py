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
        score: How alike the two photos are; higher is more alike.
        threshold: Match iff score ≥ this.
        is_match: The decision.
        fmr: The false match rate that the threshold stands for; none where it is the model's own, at even odds.
        log_likelihood_ratio: Natural logarithm of p(score | genuine) / p(score | impostor).
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


def decide(manifest: Manifest, score: float, *, fmr: float | None = None, prior: float = 0.5) -> Decision:
    """Decide on a score as a model does.

    Args:
        manifest: Of the model.
        score: Of two of its embeddings.
        fmr: Decide at the threshold for this false match rate instead of the model's own.
        prior: Probability of a match before looking, in (0, 1).

    Raises:
        ConfigError: The prior is no probability, or the model cannot support the rate.
    """
    if not 0 < prior < 1:
        raise ConfigError(f"The prior {prior:g} is no probability.", "Give a number between 0 and 1.")
    point = None if fmr is None else threshold_for(manifest, fmr)
    threshold = manifest.threshold if point is None else point.threshold.value
    ratio = float(manifest.calibration.log_likelihood_ratio(score))
    return Decision(
        score=score,
        threshold=threshold,
        is_match=score >= threshold,
        fmr=None if point is None else point.fmr,
        log_likelihood_ratio=ratio,
        likelihood_ratio=math.exp(min(max(ratio, -_MOST), _MOST)),
        probability=_probability(manifest, score, prior),
        prior=prior,
    )


def _probability(manifest: Manifest, score: float, prior: float) -> Probability:
    value = float(manifest.calibration.probability(score, prior))
    interval = manifest.calibration.probability_interval(score, prior)
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return Probability(value=value, low=low, high=high)
