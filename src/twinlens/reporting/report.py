"""The report: one HTML file that opens offline, prints well, and holds everything that people decide with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from twinlens.config import Frame
from twinlens.evaluation.result import Result
from twinlens.explaining.record import Explanations
from twinlens.reporting.attention import Overlay, findings, overlays, ramp
from twinlens.reporting.errors_by import Factor, errors_by, finding, measure_looks
from twinlens.reporting.figures.attention import attention_chart
from twinlens.reporting.figures.data import data_charts
from twinlens.reporting.figures.decisions import det_chart, oneshot_chart, roc_chart, score_chart
from twinlens.reporting.figures.errors import factor_chart
from twinlens.reporting.figures.probability import reliability_chart
from twinlens.reporting.figures.style import Chart
from twinlens.reporting.figures.training import diary_charts, training_charts
from twinlens.reporting.gallery import contact_sheet, walls
from twinlens.reporting.highlights import decisive, evaluated_parts, highlights
from twinlens.reporting.limits import limits
from twinlens.reporting.page import make_page
from twinlens.reporting.photos import Photos
from twinlens.reporting.reproduce import commands
from twinlens.reporting.scores import ScoredPairs
from twinlens.reporting.setup import layer_rates, setup, stopping
from twinlens.reporting.verdict import caveats, setting, verdict
from twinlens.reporting.wording import subject_names


def make_report(
    result: Result,
    scores: ScoredPairs,
    photos: Photos | None,
    errata: Mapping[str, str],
    explanations: Explanations | None = None,
    crops: Photos | None = None,
) -> str:
    """Write the report of one run.

    Args:
        result: What is known about the run.
        scores: The scored pairs of the part that the verdict rests on.
        photos: Where pictures come from; ``None`` makes a report without, which says so.
        errata: What is known to be wrong about single photos, by file name without folder and suffix.
        explanations: What drove the decisions; ``None`` if they were not explained.
        crops: What the network sees of a photo, in colour; ``None`` shows no overlays.

    Returns:
        A whole HTML document without any reference to anything outside of it.
    """
    drove = overlays(explanations, crops) if explanations and crops else {}
    context = _figures_and_words(result) | _pairs_and_photos(result, scores, photos, errata, drove)
    context |= _attention(result, explanations)
    return make_page("report.html.j2", context)


def _figures_and_words(result: Result) -> dict[str, Any]:
    one, many = subject_names(result.data.dataset)
    return {
        "one": one,
        "many": many,
        "result": result,
        "shown": decisive(result),
        "parts": evaluated_parts(result),
        "verdict": verdict(result),
        "setting": setting(result),
        "caveats": caveats(result),
        "highlights": highlights(result),
        "errata_rows": [(name, known) for name, part in result.data.parts.items() for known in part.errata],
        "setup": setup(result.recipe),
        "layer_rates": layer_rates(result.recipe),
        "stopping": stopping(result),
        "limits": limits(result),
        "commands": commands(result),
        "recipe": yaml.safe_dump(result.recipe, sort_keys=False, allow_unicode=True, default_flow_style=None),
    }


def _pairs_and_photos(
    result: Result,
    scores: ScoredPairs,
    photos: Photos | None,
    errata: Mapping[str, str],
    drove: Mapping[tuple[str, str], Overlay],
) -> dict[str, Any]:
    shown = decisive(result)
    looks = measure_looks(scores.photos, photos, _frame(result)) if photos else None
    factors = errors_by(scores, shown.threshold, shown.level, looks)
    return {
        "has_photos": photos is not None,
        "sheet": contact_sheet(scores, photos) if photos else (),
        "walls": walls(scores, photos, errata, overlays=drove, dataset=result.data.dataset),
        "factors": factors,
        "finding": finding(factors),
        "charts": _charts(result, factors),
    }


def _attention(result: Result, explanations: Explanations | None) -> dict[str, Any]:
    sample = explanations.sample if explanations else None
    return {
        "sample": sample,
        "ramp": ramp(),
        "looked_at": findings(sample) if sample else [],
        "attention": [attention_chart(sample, _frame(result))] if sample else [],
    }


def _frame(result: Result) -> Frame:
    return Frame.model_validate(result.recipe.get("frame", {}))


def _charts(result: Result, factors: tuple[Factor, ...]) -> dict[str, list[Chart]]:
    shown, parts = decisive(result), evaluated_parts(result)
    _, many = subject_names(result.data.dataset)
    return {
        "data": data_charts(result.data),
        "training": training_charts(result.training),
        "diary": diary_charts(result.training),
        "tradeoffs": [roc_chart(parts), det_chart(parts)],
        "scores": [score_chart(shown)],
        "calibration": [reliability_chart(shown)],
        "oneshot": [oneshot_chart(shown, many)] if shown.oneshot else [],
        "errors": [factor_chart(factor) for factor in factors],
    }
