"""A dataset of portraits, drawn once into the cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from twinlens.config.data import SyntheticData
from twinlens.data.cache import build_once, cache_folder
from twinlens.data.dataset import Dataset
from twinlens.data.synthetic.look import draw_look
from twinlens.data.synthetic.portrait import portrait
from twinlens.data.synthetic.shot import draw_shot
from twinlens.files import sha256_json
from twinlens.progress import track
from twinlens.types import Sample

_FORMAT = 1  # raise it when the same configuration would give other portraits


def synthetic_dataset(config: SyntheticData) -> Dataset:
    """The portraits of a configuration, drawn at the first call.

    They are 250×250 JPEG files, with the head where deep-funnelled LFW has it. A subject looks the same
    however many others there are, and equal configurations give equal files.

    Raises:
        TwinlensError: The cache has no room or cannot be written.
    """
    key = sha256_json([_FORMAT, config.subjects, config.per_subject, config.seed])
    folder = cache_folder() / "synthetic" / key[:16]
    with build_once(folder) as temporary:
        if temporary is not None:
            _draw(config, temporary)
    samples = [
        Sample(_name(subject, photo), _subject_id(subject))
        for subject in range(1, config.subjects + 1)
        for photo in range(1, config.per_subject + 1)
    ]
    return Dataset("synthetic", folder, tuple(sorted(samples, key=lambda sample: sample.name)))


def _draw(config: SyntheticData, folder: Path) -> None:
    subjects = range(1, config.subjects + 1)
    for subject in track(subjects, "Drawing synthetic portraits", config.subjects):
        look = draw_look(np.random.default_rng([config.seed, subject]))
        (folder / _subject_id(subject)).mkdir()
        for photo in range(1, config.per_subject + 1):
            rng = np.random.default_rng([config.seed, subject, photo])
            shot = draw_shot(rng, look)
            Image.fromarray(portrait(look, shot, rng)).save(folder / _name(subject, photo), quality=shot.quality)


def _subject_id(subject: int) -> str:
    return f"subject-{subject:04d}"


def _name(subject: int, photo: int) -> str:
    return f"{_subject_id(subject)}/{_subject_id(subject)}_{photo:04d}.jpg"
