"""Measure where the landmarks of LFW's faces lie, and how its photos look: python tools/mean_landmarks.py

Writes src/twinlens/faces/lfw.json, which new photos are aligned to. Only photos of View 1's training people
(peopleDevTrain.txt) count, so that nothing of the test people goes into it. Of several faces in a photo the one in
the middle counts; a photo whose middle shows none is left out and counted.
"""

import sys
from pathlib import Path

import numpy as np

from twinlens.data.lfw import people_samples, read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.faces.finder import LANDMARKS, FaceFinder
from twinlens.faces.frame import SIDE
from twinlens.files import write_json
from twinlens.images import read_image
from twinlens.progress import track

OUT = Path(__file__).parents[1] / "src" / "twinlens" / "faces" / "lfw.json"
MIDDLE = (SIDE - 1) / 2


def main() -> None:
    files = locate_lfw()
    if files.variant != "deepfunneled":
        sys.exit(f"{files.images} is not deep-funnelled LFW")
    dataset = read_lfw(files)
    (samples,) = people_samples(files.lists / "peopleDevTrain.txt", dataset)
    finder = FaceFinder()
    found, central = 0, []
    for index in track(samples, "Finding faces", len(samples)):
        faces = finder(read_image(dataset.path(index)))
        found += len(faces) > 0
        central += [face.landmarks for face in faces if is_in_the_middle(face.box)][:1]
    landmarks = np.array(central)
    mean, spread = landmarks.mean(axis=0), landmarks.std(axis=0, ddof=1)
    write_json(
        OUT,
        {
            "photos": "deep-funnelled LFW, people of peopleDevTrain.txt",
            "width": SIDE,
            "height": SIDE,
            "counts": {"photos": len(samples), "a face found": found, "a face in the middle": len(landmarks)},
            "landmarks": [
                {"name": name, "x": x, "y": y, "std_x": std_x, "std_y": std_y}
                for name, (x, y), (std_x, std_y) in zip(LANDMARKS, mean.round(3), spread.round(3), strict=True)
            ],
        },
    )
    print(OUT.read_text(encoding="utf-8"))


def is_in_the_middle(box: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = box
    return left <= MIDDLE <= right and top <= MIDDLE <= bottom


if __name__ == "__main__":
    main()
