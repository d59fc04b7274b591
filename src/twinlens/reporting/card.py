"""The model card that lies in every bundle."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from twinlens.config import Frame
from twinlens.evaluation.result import Result
from twinlens.reporting import wording
from twinlens.reporting.highlights import decisive, evaluated_parts, highlights
from twinlens.reporting.limits import limits
from twinlens.reporting.verdict import OUTSIDE_DATA, caveats, verdict


def make_card(result: Result) -> str:
    """Write the model card of a run's bundle, in Markdown, with the figures that are known so far."""
    environment = Environment(
        loader=PackageLoader("twinlens.reporting"),
        autoescape=False,  # noqa: S701 - this is Markdown, and whatever is text goes through _plain
        finalize=_plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= wording.FILTERS
    return environment.get_template("card.md.j2").render(
        result=result,
        shown=decisive(result),
        parts=evaluated_parts(result),
        frame=Frame.model_validate(result.recipe.get("frame", {})),
        verdict=verdict(result),
        caveats=caveats(result),
        outside_data=OUTSIDE_DATA[result.provenance.outside_data],
        highlights=highlights(result),
        limits=limits(result),
    )


def _plain(value: object) -> object:
    """Keep text from becoming HTML or breaking a table: names of datasets and machines are anybody's."""
    if not isinstance(value, str):
        return value
    return " ".join(value.splitlines()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
