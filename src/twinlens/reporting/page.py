"""Pages: one HTML file each, with its style, scripts and figures inside."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from twinlens.reporting import wording


def make_page(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template that extends ``page.html.j2``.

    Returns:
        A whole HTML document without any reference to anything outside of it.
    """
    environment = Environment(
        loader=PackageLoader("twinlens.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= wording.FILTERS
    assets = {
        "style": _asset("report.css"),
        "script": _asset("report.js"),
        "plotly": Markup(get_plotlyjs()),  # noqa: S704 - the library's own source
    }
    return environment.get_template(template).render({**context, **assets})


def _asset(name: str) -> Markup:
    return Markup(files("twinlens.reporting").joinpath("templates", name).read_text("utf-8"))  # noqa: S704
