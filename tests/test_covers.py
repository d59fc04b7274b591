"""The table of ways to cover a spot is the one that was measured, and shows what is said of it."""

import json
from math import hypot
from pathlib import Path

import pytest
from tools.compare_covers import RESULT, table

CONCEPTS = Path(__file__).parents[1] / "docs" / "concepts.md"
MEASURED = json.loads(RESULT.read_text(encoding="utf-8"))


def test_concepts_has_the_table_of_the_file() -> None:
    assert table(MEASURED) in CONCEPTS.read_text(encoding="utf-8")


@pytest.mark.parametrize("run", MEASURED["runs"])
def test_nothing_is_better_than_the_surroundings_by_more_than_noise(run: str) -> None:
    ours, *others = MEASURED["runs"][run]["rows"]
    assert (ours["spot"], ours["covered_with"]) == ("soft, 0.2", "surroundings")
    for row in others:
        assert row["moved"] - ours["moved"] < 2 * hypot(row["standard_error"], ours["standard_error"])
