"""The table of decisions with several templates is the one that was measured, and shows what is said of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tools.measure_templates import RESULT, table

GALLERY = (Path(__file__).parents[1] / "docs" / "gallery.md").read_text(encoding="utf-8")
MEASURED = json.loads(RESULT.read_text(encoding="utf-8"))


def test_the_page_has_the_table_of_the_file() -> None:
    assert table(MEASURED) in GALLERY
    words = " ".join(GALLERY.split())
    assert f"with `{MEASURED['model']}`" in words
    assert f"{MEASURED['enrolled']} people" in words
    assert f"one photo each of {MEASURED['people'] - 1:,} others" in words


@pytest.mark.parametrize("row", MEASURED["rows"][1:], ids=lambda row: f"{row['templates']} templates")
def test_more_templates_let_nobody_in_more_easily(row: dict[str, Any]) -> None:
    alone = MEASURED["rows"][0]["shared"]
    assert row["shared"]["fmr"] <= alone["fmr"] < row["not_shared"]["fmr"]
    assert row["shared"]["calibration_error"] < 2 * alone["calibration_error"] < row["not_shared"]["calibration_error"]
