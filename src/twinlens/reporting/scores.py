"""Reading what a run left behind: its result and the scores of its pairs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from twinlens.errors import RunError
from twinlens.evaluation.result import Result
from twinlens.reporting.imported import ORIGIN
from twinlens.runs import Run
from twinlens.types import BoolArray, Float64Array, Scores


@dataclass(frozen=True)
class ScoredPairs:
    """One ``scores-*.csv``, a column each, every one of length n.

    Attributes:
        first: Names of the first photos.
        second: Names of the second photos.
        first_subject: Who is on the first photo.
        second_subject: Who is on the second.
        is_genuine: bool ``(n,)``.
        score: float64 ``(n,)`` similarities.
        log_likelihood_ratio: float64 ``(n,)``.
        probability: float64 ``(n,)`` match probabilities at the run's prior.
        is_match: bool ``(n,)`` decisions at the run's threshold.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    first_subject: tuple[str, ...]
    second_subject: tuple[str, ...]
    is_genuine: BoolArray
    score: Float64Array
    log_likelihood_ratio: Float64Array
    probability: Float64Array
    is_match: BoolArray

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, chosen: Sequence[int]) -> ScoredPairs:
        """The chosen pairs, by their places."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return ScoredPairs(
            **{name: gather([columns[name][i] for i in chosen]) for name, (_, gather) in _COLUMNS.items()}
        )

    @property
    def photos(self) -> list[str]:
        """The distinct photos, sorted by name."""
        return sorted({*self.first, *self.second})

    @property
    def scores(self) -> Scores:
        """The same for computing: subjects as their places among the sorted names of all."""
        _, codes = np.unique(np.array(self.first_subject + self.second_subject), return_inverse=True)
        first, second = np.split(codes, 2)
        return Scores(self.score, self.is_genuine, first, second)


def read_result(run: Path) -> Result:
    """The result of a run folder (or of a published one).

    Raises:
        RunError: There is none, or it is not a result that this version reads.
    """
    path = Run(run).result
    try:
        return Result.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        if (run / ORIGIN).is_file():
            raise RunError(
                f"{run} is of a network from elsewhere, of which there is no run to report or to compare.",
                "Read what is known of it: card.md and evaluation-*.json in that folder.",
            ) from error
        raise RunError(
            f"There is no {path}.", "Give the folder of a finished run; `twinlens train --resume` finishes one."
        ) from error
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(str(part) for part in detail["loc"])
        raise RunError(
            f"{path} is not a result of this version of twinlens: {place}: {detail['msg']}.",
            "Train the run again, or read it with the version that wrote it.",
        ) from error


def read_scores(path: Path) -> ScoredPairs:
    """The scored pairs of one part of a run.

    Raises:
        RunError: The file is missing, lacks a column, or a line does not hold what it must.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return _columns(path, csv.DictReader(file, strict=True))
    except FileNotFoundError as error:
        raise RunError(f"There is no {path}.", "Evaluate the run again with `twinlens evaluate`.") from error


def _columns(path: Path, reader: csv.DictReader[str]) -> ScoredPairs:
    missing = _COLUMNS.keys() - set(reader.fieldnames or ())
    if missing:
        raise RunError(f"{path} lacks the columns {', '.join(sorted(missing))}.", "Evaluate the run again.")
    columns: dict[str, list[object]] = {name: [] for name in _COLUMNS}
    try:
        for row in reader:
            for name, (parse, _) in _COLUMNS.items():
                columns[name].append(parse(row[name]))
    except (AttributeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise RunError(
            f"{path}, line {reader.line_num} does not hold what it must ({error}).", "Evaluate the run again."
        ) from error
    return ScoredPairs(**{name: gather(columns[name]) for name, (_, gather) in _COLUMNS.items()})


def _truth(text: str) -> bool:
    return {"1": True, "0": False, "true": True, "false": False}[text.lower()]


def _truths(values: list[Any]) -> BoolArray:
    return np.array(values, np.bool_)


def _numbers(values: list[Any]) -> Float64Array:
    return np.array(values, np.float64)


# How the cells of each column are read, and what they are gathered in.
_COLUMNS: dict[str, tuple[Callable[[str], object], Callable[[list[Any]], Any]]] = {
    "first": (str, tuple),
    "second": (str, tuple),
    "first_subject": (str, tuple),
    "second_subject": (str, tuple),
    "is_genuine": (_truth, _truths),
    "score": (float, _numbers),
    "log_likelihood_ratio": (float, _numbers),
    "probability": (float, _numbers),
    "is_match": (_truth, _truths),
}
