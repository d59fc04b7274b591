"""Measure where the landmarks of LFW's faces lie, and how its photos look: python tools/mean_landmarks.py

Writes src/twinlens/faces/lfw.json, which new photos are aligned to and measured against. Only photos of View 1's
training people (peopleDevTrain.txt) count, so that nothing of the test people goes into it. Of several faces in a
photo the one in the middle counts; a photo whose middle shows none is left out and counted.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from twinlens.data.dataset import Dataset
from twinlens.data.lfw import people_samples, read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.faces.choice import central
from twinlens.faces.finder import LANDMARKS, FaceFinder
from twinlens.faces.frame import SIDE, aligned, lfw_statistics
from twinlens.faces.quality import measure
from twinlens.files import write_json
from twinlens.images import read_image
from twinlens.progress import track
from twinlens.types import Float64Array, IntArray

OUT = Path(__file__).parents[1] / "src" / "twinlens" / "faces" / "lfw.json"
# Percentiles of the quality measures; the outer two are what photos are held to.
PERCENTILES = {"low": 0.5, "median": 50, "high": 99.5}


def main() -> None:
    files = locate_lfw()
    if files.variant != "deepfunneled":
        sys.exit(f"{files.images} is not deep-funnelled LFW")
    dataset = read_lfw(files)
    (samples,) = people_samples(files.lists / "peopleDevTrain.txt", dataset)
    found = dict(find(dataset, samples))
    statistics = {
        "photos": "deep-funnelled LFW, people of peopleDevTrain.txt",
        "counts": {"photos": len(samples), "with a face in the middle": len(found)},
        "width": SIDE,
        "height": SIDE,
        "landmarks": summary(np.array(list(found.values()))),
    }
    write_json(OUT, statistics)
    lfw_statistics.cache_clear()  # the measures below are of photos aligned to what has just been written
    write_json(OUT, statistics | {"percentiles": PERCENTILES, "quality": qualities(dataset, found)})
    print(OUT.read_text(encoding="utf-8"))


def find(dataset: Dataset, samples: IntArray) -> Iterator[tuple[int, Float64Array]]:
    """The landmarks of the face in the middle, for each photo that shows one."""
    finder = FaceFinder()
    for index in track(samples, "Finding faces", len(samples)):
        face = central(finder(read_image(dataset.path(index))))
        if face is not None:
            yield index, face.landmarks


def summary(landmarks: Float64Array) -> list[dict[str, Any]]:
    """Mean and standard deviation of landmarks ``(n, 5, 2)``."""
    mean, spread = landmarks.mean(axis=0).round(3), landmarks.std(axis=0, ddof=1).round(3)
    return [
        {"name": name, "x": x, "y": y, "std_x": std_x, "std_y": std_y}
        for name, (x, y), (std_x, std_y) in zip(LANDMARKS, mean, spread, strict=True)
    ]


def qualities(dataset: Dataset, found: dict[int, Float64Array]) -> dict[str, dict[str, float]]:
    """Percentiles of every quality measure."""
    measured = []
    for index, landmarks in track(found.items(), "Measuring faces", len(found)):
        rgb = read_image(dataset.path(index))
        measured.append(asdict(measure(landmarks, aligned(rgb, landmarks))))
    values = {name: [quality[name] for quality in measured] for name in measured[0]}
    return {
        name: dict(zip(PERCENTILES, np.percentile(all_of_it, list(PERCENTILES.values())).round(4), strict=True))
        for name, all_of_it in values.items()
    }


if __name__ == "__main__":
    main()
