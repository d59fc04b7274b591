"""The report of a run or a sweep, with its photos where they can be found."""

from __future__ import annotations

from pathlib import Path

from twinlens.config import Config
from twinlens.config.data import LfwData
from twinlens.data.datasets import open_dataset
from twinlens.data.lfw import read_errata
from twinlens.data.sources import locate_lfw
from twinlens.errors import ConfigError, DataError
from twinlens.explaining.overlay import enlarged
from twinlens.explaining.record import read_explanations
from twinlens.faces.finder import FaceFinder
from twinlens.faces.frame import SIDE as FACE_SIDE
from twinlens.faces.reading import read_aligned, read_face_crop
from twinlens.files import write_text
from twinlens.images import read_image, to_crop
from twinlens.reporting.attention import SIDE
from twinlens.reporting.highlights import decisive
from twinlens.reporting.photos import Photos
from twinlens.reporting.report import make_report
from twinlens.reporting.scores import read_result, read_scores
from twinlens.reporting.sweep.page import make_sweep_page
from twinlens.reporting.sweep.stored import read_sweep_result
from twinlens.runs import Run
from twinlens.sweeps import Sweep
from twinlens.types import UInt8Array


def report(target: str | Path, out: Path | None = None) -> Path:
    """Write the report of a run or a sweep as one HTML file.

    Args:
        target: A run's or a sweep's folder, or that of a published result.
        out: The file; ``report.html`` in the folder if not given.

    Returns:
        The file.

    Raises:
        RunError: The folder holds no result.
        TwinlensError: The file cannot be written.
    """
    run, sweep = Run(Path(target)), Sweep(Path(target))
    if sweep.result.is_file():
        write_text(out or sweep.report, make_sweep_page(read_sweep_result(sweep.folder)))
        return out or sweep.report
    result = read_result(run.folder)
    scores = read_scores(run.scores(decisive(result).part))
    config = Config.model_validate(result.recipe)
    path = out or run.report
    explanations = read_explanations(run.explanations)
    crops = crops_of(config) if explanations else None
    write_text(path, make_report(result, scores, photos_of(config), errata_of(config), explanations, crops))
    return path


def photos_of(config: Config) -> Photos | None:
    """Photos by name, aligned where the network saw them so, or none where the data is not at hand.

    Figures alone make a report, too.
    """
    try:
        dataset = open_dataset(config.data)
        finder = FaceFinder() if config.frame.align else None
    except (DataError, ConfigError):
        return None
    if finder is None:
        return lambda name: read_image(dataset.root / name)
    return lambda name: read_aligned(dataset.root / name, finder, framed=dataset.framed)[0]


def crops_of(config: Config) -> Photos | None:
    """What the network sees of a photo, by name; none where data or what aligns faces is not at hand."""
    try:
        dataset = open_dataset(config.data)
        finder = FaceFinder() if config.frame.align else None
    except (DataError, ConfigError):
        return None

    def crop(name: str) -> UInt8Array:
        if finder is not None:
            large = enlarged(config.frame, (FACE_SIDE, FACE_SIDE), SIDE)
            return read_face_crop(dataset.root / name, large, finder, framed=dataset.framed)[0]
        photo = read_image(dataset.root / name)
        return to_crop(photo, enlarged(config.frame, (photo.shape[0], photo.shape[1]), SIDE))

    return crop


def errata_of(config: Config) -> dict[str, str]:
    """What is known to be wrong about single photos, by file name without folder and suffix."""
    if not isinstance(config.data, LfwData):
        return {}
    try:
        path = locate_lfw(config.data.root).lists / "errata.csv"
    except DataError:
        return {}
    return read_errata(path) if path.is_file() else {}
