from dataclasses import replace

from tests.simulated import Row, simulate_result
from twinlens.evaluation.result import Result
from twinlens.reporting.card import make_card
from twinlens.reporting.highlights import highlights
from twinlens.reporting.limits import limits
from twinlens.reporting.verdict import verdict


def test_the_card_says_what_for_what_not_for_and_how_good(result: Result) -> None:
    card = make_card(result)
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert headings == [
        "## What it is",
        "## Intended use",
        "## Not intended",
        "## Data and protocol",
        "## Figures",
        "## Thresholds",
        "## Limits",
    ]
    assert verdict(result) in card
    assert all(highlight.value in card for highlight in highlights(result))
    assert all(limit in card for limit in limits(result))
    assert all(f"{point.threshold.value:.4f}" in card for point in result.operating_points)


def test_tables_have_as_many_cells_as_headings(result: Result) -> None:
    provenance = result.provenance.model_copy(update={"machine": "a | b\n<b>c</b>"})
    card = make_card(result.model_copy(update={"provenance": provenance}))
    assert "<b>" not in card
    width = 0
    for line in card.replace("\\|", "").splitlines():
        cells = line.count("|")
        assert cells in (0, width) or width == 0, line
        width = cells


def test_before_the_test_the_card_speaks_of_validation(result: Result) -> None:
    card = make_card(result.model_copy(update={"test": None}))
    assert "**Not tested" in card
    assert "On the validation part" in card


def test_synthetic_and_leaking_models_say_so_first(rows: list[Row]) -> None:
    card = make_card(simulate_result(rows, synthetic=True, leaks=True))
    assert card.index("**Not a result") < card.index("**Leaking") < card.index("## What it is")


def test_photos_beyond_the_listed_pairs_and_what_the_network_sees_are_told(result: Result) -> None:
    assert result.train is not None
    size = result.data.parts["train"].size
    every, few = (result.train.model_copy(update={"images": images}) for images in (size.images, 2))
    assert "all that the training part has" not in make_card(result.model_copy(update={"train": every}))
    frame = {"crop_height": 0.5, "crop_width": 0.5, "height": 100, "width": 100, "colour": "rgb"}
    recipe = {"name": "small", "frame": frame, "network": {"kind": "koch", "region": [0.8, 0.6], "input": [64, 48]}}
    card = make_card(result.model_copy(update={"train": few, "recipe": recipe}))
    assert f"It learned from {size.images:,} photos of {size.subjects:,} subjects" in card
    assert "| The network looks at | the middle 40\xa0% and 30\xa0% of the photo, at 64 × 48 |" in card


def test_the_threshold_was_fixed_on_the_pairs_of_the_calibration_which_may_be_more_than_the_listed_ones(
    result: Result,
) -> None:
    calibration = replace(result.calibration, genuine_pairs=894, impostor_pairs=250_801)
    card = make_card(result.model_copy(update={"calibration": calibration}))
    assert card.count("fixed on 894 genuine and 250,801 impostor validation pairs") == 1
    assert card.count("fitted on 894 genuine and 250,801 impostor validation pairs") == 1
