"""The report of a run, with its photos where they can be found."""

from __future__ import annotations

from pathlib import Path

from twinlens.config import Config
from twinlens.config.data import LfwData
from twinlens.data.datasets import open_dataset
from twinlens.data.lfw import read_errata
from twinlens.data.sources import locate_lfw
from twinlens.errors import DataError
from twinlens.files import write_text
from twinlens.images import read_image
from twinlens.reporting.highlights import decisive
from twinlens.reporting.photos import Photos
from twinlens.reporting.report import make_report
from twinlens.reporting.scores import read_result, read_scores
from twinlens.runs import Run


def report(target: str | Path, out: Path | None = None) -> Path:
    """Write the report of a run as one HTML file.

    Args:
        target: A run's folder, or that of a published result.
        out: The file; ``report.html`` in the run's folder if not given.

    Returns:
        The file.

    Raises:
        RunError: The folder holds no result.
        TwinlensError: The file cannot be written.
    """
    run = Run(Path(target))
    result = read_result(run.folder)
    scores = read_scores(run.scores(decisive(result).part))
    config = Config.model_validate(result.recipe)
    path = out or run.report
    write_text(path, make_report(result, scores, photos_of(config), errata_of(config)))
    return path


def photos_of(config: Config) -> Photos | None:
    """Photos by name, or none where the data is not at hand: figures alone make a report, too."""
    try:
        dataset = open_dataset(config.data)
    except DataError:
        return None
    return lambda name: read_image(dataset.root / name)


def errata_of(config: Config) -> dict[str, str]:
    """What is known to be wrong about single photos, by file name without folder and suffix."""
    if not isinstance(config.data, LfwData):
        return {}
    try:
        path = locate_lfw(config.data.root).lists / "errata.csv"
    except DataError:
        return {}
    return read_errata(path) if path.is_file() else {}
