"""The model card that lies in every bundle."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from twinlens.bundle import Manifest
from twinlens.config import Config
from twinlens.evaluation.figures import Evaluation
from twinlens.evaluation.result import Result
from twinlens.evaluation.thresholds import usual_points
from twinlens.reporting import wording
from twinlens.reporting.highlights import decisive, evaluated_parts, evaluation_highlights, highlights
from twinlens.reporting.imported import calibration_pairs, imported_caveats, imported_claim, imported_limits
from twinlens.reporting.limits import limits
from twinlens.reporting.refinement import in_words
from twinlens.reporting.verdict import OUTSIDE_DATA, caveats, verdict


def make_card(result: Result) -> str:
    """Write the model card of a run's bundle, in Markdown, with the figures that are known so far."""
    config = Config.model_validate(result.recipe)
    trained_on = result.data.parts.get("train")
    return _rendered(
        "card.md.j2",
        result=result,
        shown=decisive(result),
        parts=evaluated_parts(result),
        frame=config.frame,
        looks_at=config.network.seen(config.frame),
        learned_from=trained_on.size if trained_on else None,
        verdict=verdict(result),
        caveats=caveats(result),
        on_top=in_words(result.refinement),
        outside_data=OUTSIDE_DATA[result.provenance.outside_data],
        highlights=highlights(result),
        points=result.operating_points,
        calibration=result.calibration,
        limits=limits(result),
        fixed_on="validation",
    )


def make_imported_card(manifest: Manifest, validation: Evaluation) -> str:
    """Write the model card of a network from elsewhere, in Markdown.

    Args:
        manifest: What the bundle says.
        validation: The figures on the pairs that it was calibrated on.
    """
    training = manifest.training
    return _rendered(
        "imported.md.j2",
        manifest=manifest,
        training=training,
        frame=manifest.frame,
        shown=validation,
        claim=imported_claim(manifest, validation),
        caveats=imported_caveats(manifest, validation),
        outside_data=OUTSIDE_DATA[training.outside_data],
        highlights=evaluation_highlights(validation),
        points=usual_points(manifest.operating_points),
        calibration=manifest.calibration,
        limits=imported_limits(manifest, validation),
        pairs=calibration_pairs(manifest),
        fixed_on="calibration",
    )


def _rendered(template: str, **values: object) -> str:
    environment = Environment(
        loader=PackageLoader("twinlens.reporting"),
        autoescape=False,  # noqa: S701 - this is Markdown, and whatever is text goes through _plain
        finalize=_plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= wording.FILTERS
    return environment.get_template(template).render(**values)


def _plain(value: object) -> object:
    """Keep text from becoming HTML or breaking a table: names of datasets and machines are anybody's."""
    if not isinstance(value, str):
        return value
    return " ".join(value.splitlines()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
