import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.workflow.importing.models import SIDE, mean_colour

SUBJECTS, PHOTOS = 24, 3


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of pairs of photos whose subjects are colours, easy to tell apart and not always."""
    folder, rng = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    names = []
    for subject in range(SUBJECTS):
        colour = rng.integers(60, 190, 3)
        for photo in range(PHOTOS):
            shade = np.clip(colour + rng.normal(0, 9, 3), 20, 230)
            pixels = np.clip(rng.normal(shade, 15, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
            names.append((subject, f"{subject:02d}-{photo}.png"))
            Image.fromarray(pixels).save(folder / names[-1][1])
    path = folder / "colours.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "second", "is_genuine"])
        for (a, first), (b, second) in combinations(names, 2):
            if a == b or (a + b) % 4 == 0:
                writer.writerow([first, second, int(a == b)])
    return path


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """An ONNX file whose embedding is the mean colour."""
    return mean_colour(tmp_path / "Mean Colour_v2.onnx")
