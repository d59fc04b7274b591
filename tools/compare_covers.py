"""Measure how a spot of a photo is best covered: python tools/compare_covers.py RUN...

Validation pairs of each run, half of them genuine, are explained with every way to cover and every form of a spot. Then
the tenth of both photos that speaks most for a match is covered, and the one that speaks most against it, once in each
*other* way; so no explanation is judged by the way that it was made in. The figure is how far the score moves in the
direction that the explanation says, in standard deviations of the scores; the more, the truer the explanation. It is
followed by the standard error over the pairs.

Writes docs/results/covers.json and prints the table of docs/concepts.md, which a test holds against that file.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from twinlens import workflow
from twinlens.bundle import read_bundle
from twinlens.explaining import patches
from twinlens.explaining.deletion import highest
from twinlens.explaining.patches import GRID, covered, spots, spread
from twinlens.files import write_json
from twinlens.progress import track
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder
from twinlens.types import Encoder, Float64Array, UInt8Array

Cover = Callable[[UInt8Array, Float64Array], UInt8Array]


def with_ground(ground: Callable[[UInt8Array], Float64Array | float]) -> Cover:
    """Cover with something that does not depend on where the spot is."""
    return lambda crop, masks: np.rint(
        (1 - masks[..., None]) * crop + masks[..., None] * ground(crop)
    ).astype(np.uint8)  # fmt: skip


COVERS: dict[str, Cover] = {
    "surroundings": covered,
    "grey": with_ground(lambda crop: 127.5),
    "mean of the crop": with_ground(lambda crop: crop.mean((0, 1))),
    "blur": with_ground(lambda crop: gaussian_filter(crop.astype(np.float64), (0.1 * len(crop),) * 2 + (0,))),
}
# Radii up to which a spot covers wholly and beyond which not at all, in shares of a side.
FORMS = {"soft, 0.2": (0.07, 0.13), "hard, 0.2": (0.0999, 0.1), "soft, 0.3": (0.105, 0.195)}
ROWS = [(form, cover) for form in FORMS for cover in COVERS if form.endswith("0.2") or cover == "surroundings"]
PAIRS = 60
RESULT = Path(__file__).parents[1] / "docs" / "results" / "covers.json"


class Pair:
    """A pair that can be covered and scored."""

    def __init__(self, encoder: Encoder, compare: Callable[..., Float64Array], crops: list[UInt8Array]) -> None:
        self.crops = crops
        self._encoder, self._compare = encoder, compare
        self._plain = [encoder(crop[None]) for crop in crops]
        self.score = float(compare(*self._plain)[0])

    def explained(self, cover: Cover) -> list[Float64Array]:
        changes = []
        for side in (0, 1):
            embeddings = self._encoder(cover(self.crops[side], spots(*self.crops[side].shape[:2])))
            other = np.repeat(self._plain[1 - side], GRID**2, axis=0)
            changes.append((self.score - self._compare(embeddings, other)).reshape(GRID, GRID))
        return changes

    def moved(self, cover: Cover, changes: list[Float64Array]) -> float:
        """How far the score moves as the maps say, when a tenth of both photos is covered; mean of both directions."""
        total = 0.0
        for towards in (1, -1):
            masks = [
                highest(towards * spread(each, *crop.shape[:2])) for each, crop in zip(changes, self.crops, strict=True)
            ]
            sides = [self._encoder(cover(crop, mask[None])) for crop, mask in zip(self.crops, masks, strict=True)]
            total += towards * (self.score - float(self._compare(*sides)[0])) / 2
        return total


def table(result: Mapping[str, Any]) -> str:
    """The table of docs/concepts.md."""
    runs = result["runs"].values()
    lines = [
        f"| edge, width | covered with | {' | '.join(f'`{name}`' for name in result['runs'])} |",
        f"|---|---|{'---:|' * len(runs)}",
    ]
    for rows in zip(*(run["rows"] for run in runs), strict=True):
        figures = " | ".join(f"{row['moved']:.2f} ± {row['standard_error']:.2f}" for row in rows)
        lines.append(f"| {rows[0]['spot']} | {rows[0]['covered_with']} | {figures} |")
    return "\n".join(lines)


def measure(run: Run) -> dict[str, Any]:
    """Every row of one run."""
    prepared, bundle = workflow.prepare(run.config()), read_bundle(run.bundle)
    encoder, compare = load_encoder(bundle), bundle.manifest.comparison.pairs
    listed, crops = prepared.partition.validation.pairs, prepared.store.crops
    rng = np.random.default_rng(0)
    drawn = [
        i for kind in (True, False) for i in rng.permutation(np.flatnonzero(listed.is_genuine == kind))[: PAIRS // 2]
    ]
    pairs = [Pair(encoder, compare, [crops[listed.first[i]], crops[listed.second[i]]]) for i in drawn]
    return {"fingerprint": bundle.manifest.fingerprint, "pairs": len(pairs), "rows": list(_rows(pairs))}


def _rows(pairs: Sequence[Pair]) -> Iterator[dict[str, Any]]:
    spread_of_scores = np.std([pair.score for pair in pairs])
    for form, cover in ROWS:
        patches._INNER, patches._OUTER = FORMS[form]
        others = [other for name, other in COVERS.items() if name != cover]
        moves = []
        for pair in track(pairs, f"{form}, {cover}", len(pairs)):
            changes = pair.explained(COVERS[cover])
            moves.append(np.mean([pair.moved(other, changes) for other in others]) / spread_of_scores)
        error = np.std(moves, ddof=1) / len(moves) ** 0.5
        yield {"spot": form, "covered_with": cover, "moved": float(np.mean(moves)), "standard_error": float(error)}


def main() -> None:
    runs = [Run(Path(name)) for name in sys.argv[1:]]
    result = {"runs": {run.folder.name: measure(run) for run in runs}}
    write_json(RESULT, result)
    print(table(result))


if __name__ == "__main__":
    main()
