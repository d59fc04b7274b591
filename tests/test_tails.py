"""The table of extrapolated false match rates is the one that was measured, and shows what is said of it."""

import json
from pathlib import Path

import pytest
from tools.measure_tails import DRAWS, RESULT, table

CONCEPTS = (Path(__file__).parents[1] / "docs" / "concepts.md").read_text(encoding="utf-8")
MEASURED = json.loads(RESULT.read_text(encoding="utf-8"))


def test_concepts_has_the_table_of_the_file() -> None:
    assert table(MEASURED) in CONCEPTS


@pytest.mark.parametrize("model", MEASURED["models"])
def test_the_exponential_tail_keeps_its_promise_and_the_fitted_form_does_not(model: str) -> None:
    ours, fitted = (MEASURED["models"][model]["forms"][form] for form in ("exponential", "Pareto"))
    assert max(ours["mean"]) < 1
    assert max(ours["exceeded"]) <= 1.5 / DRAWS
    assert min(fitted["mean"]) > 1
    assert fitted["mean"][1] > fitted["mean"][0]


def test_its_price_is_as_said() -> None:
    found = MEASURED["models"]["dlib-resnet"]
    matched, best = (f"{100 * found[name][0]:.0f} %" for name in ("matched", "matched_at_best"))
    assert f"matches {matched} of the genuine pairs" in " ".join(CONCEPTS.split())
    assert f"would match {best}" in " ".join(CONCEPTS.split())
