"""The runs that are compared, as their folders have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from twinlens.errors import ConfigError, RunError
from twinlens.evaluation.paired import Judged
from twinlens.evaluation.result import Result
from twinlens.reporting.scores import ScoredPairs, read_result, read_scores
from twinlens.runs import Run


@dataclass(frozen=True)
class Contender:
    """One run.

    Attributes:
        folder: A run's folder, or that of a published result.
        result: What is known about it.
        pairs: Its scored test pairs in an order that is the same for every run; ``None`` if it was not tested.
    """

    folder: Path
    result: Result
    pairs: ScoredPairs | None

    @property
    def judged(self) -> Judged:
        """Its scores of the test pairs and the threshold fixed before; for those that were tested."""
        assert self.pairs is not None
        assert self.result.test is not None
        return Judged(self.pairs.scores, self.result.test.threshold)


def read_contenders(folders: Sequence[Path]) -> tuple[Contender, ...]:
    """Read at least two runs.

    Raises:
        ConfigError: There are fewer, or one is given twice, be it as a copy.
        RunError: A folder holds no result, or its scores are missing or of another test.
    """
    if len(folders) < 2:
        raise ConfigError("To compare takes two runs at least.", "Give their folders: twinlens compare RUN RUN.")
    places = [folder.resolve() for folder in folders]
    for i, place in enumerate(places):
        if place in places[:i]:
            raise ConfigError(f"{folders[i]} is given twice.", "Give every run once.")
    found = [read_contender(folder) for folder in folders]
    for one, other in combinations(found, 2):
        if one.result.provenance == other.result.provenance and one.result.training == other.result.training:
            raise ConfigError(f"{one.folder} and {other.folder} are one and the same run.", "Give one of them.")
    return tuple(found)


def read_contender(folder: Path) -> Contender:
    """Read one run.

    Raises:
        RunError: The folder holds no result, or its scores are missing or of another test.
    """
    result = read_result(folder)
    if result.test is None:
        return Contender(folder, result, None)
    path = Run(folder).scores("test")
    pairs = read_scores(path)
    found = Contender(folder, result, pairs[_order(pairs)])
    if abs(found.judged.right.mean() - result.test.accuracy.value) > 1e-9:
        raise RunError(f"{path} does not hold the scores that {Run(folder).result} speaks of.", "Evaluate it again.")
    return found


def _order(pairs: ScoredPairs) -> list[int]:
    return sorted(range(len(pairs)), key=lambda i: (pairs.first[i], pairs.second[i]))
