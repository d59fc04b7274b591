"""The dataset that a configuration speaks of."""

from __future__ import annotations

from twinlens.config.data import DataConfig, FolderData, LfwData, OmniglotData, PairsData, SyntheticData
from twinlens.data.dataset import Dataset
from twinlens.data.folders import read_folder, read_pair_list
from twinlens.data.lfw import read_lfw
from twinlens.data.omniglot import read_omniglot
from twinlens.data.sources import locate_lfw, locate_omniglot
from twinlens.data.synthetic import synthetic_dataset
from twinlens.errors import DataError


def open_dataset(config: DataConfig) -> Dataset:
    """Read the photos' names and subjects; no photo is opened.

    Raises:
        DataError: The data is missing or not what its kind demands.
    """
    match config:
        case LfwData():
            return read_lfw(locate_lfw(config.root))
        case OmniglotData():
            return read_omniglot(locate_omniglot(config.root))
        case FolderData():
            return _read_folder(config)
        case PairsData():
            return read_pair_list(config.list)[0]
        case SyntheticData():
            return synthetic_dataset(config)


def _read_folder(config: FolderData) -> Dataset:
    try:
        return read_folder(config.root)
    except DataError as error:
        if isinstance(error.__cause__, FileNotFoundError):  # who takes a recipe as it is has not given this path
            raise DataError(
                f"data.root is {config.root}, where there is no folder.", "Give yours: --set data.root=FOLDER."
            ) from error
        raise
