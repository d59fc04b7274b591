"""Several runs side by side, with the photos they differ on where they can be found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twinlens.config import Config
from twinlens.files import write_text
from twinlens.reporting.compare.compare import compare_recipes
from twinlens.reporting.compare.comparison import Comparison
from twinlens.reporting.compare.contenders import Contender, read_contenders
from twinlens.reporting.compare.disagreements import Album
from twinlens.reporting.compare.page import make_comparison_page
from twinlens.reporting.compare.recipes import group
from twinlens.runs import Run
from twinlens.workflow.reporting import errata_of, photos_of


def compare(targets: Sequence[str | Path], out: Path | None = None) -> Comparison:
    """Hold runs against each other: what differs in their recipes, in their figures, and what of that is noise.

    Args:
        targets: Folders of runs, or of published results; two at least.
        out: Where to write the page, as one HTML file; none is written if not given. It shows photos only if all of
            these are whole runs, for pages on published results may be published as well.

    Raises:
        ConfigError: A run is given twice or alone.
        RunError: A folder holds no result.
        TwinlensError: The file cannot be written.
    """
    contenders = read_contenders([Path(target) for target in targets])
    recipes = group(contenders)
    comparison = compare_recipes(recipes)
    if out is not None:
        with_photos = all(Run(run.folder).recipe.is_file() for run in contenders)
        runs = {label: run for recipe in recipes for label, run in recipe.runs.items()}
        write_text(out, make_comparison_page(comparison, recipes, _albums(runs, with_photos)))
    return comparison


def _albums(runs: dict[str, Contender], with_photos: bool) -> dict[str, Album]:
    """The album of every run; runs on the same data share one, as opening it takes a moment."""
    opened: dict[str, Album] = {}
    albums = {}
    for label, run in runs.items():
        config = Config.model_validate(run.result.recipe)
        key = config.data.model_dump_json()
        if key not in opened:
            opened[key] = Album(photos_of(config) if with_photos else None, errata_of(config))
        albums[label] = opened[key]
    return albums
