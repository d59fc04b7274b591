import io

import pytest
from rich.console import Console

from tests.simulated import Row, simulate_evaluation, simulate_folds, simulate_result
from twinlens.evaluation.result import Result
from twinlens.reporting.highlights import decisive, highlights
from twinlens.reporting.limits import limits
from twinlens.reporting.verdict import caveats, print_verdict, verdict, verdict_table
from twinlens.types import Interval


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_the_verdict_says_figure_interval_part_and_setting(result: Result) -> None:
    assert result.test is not None
    accuracy = result.test.accuracy
    said = plain(verdict(result))
    assert f"{100 * accuracy.value:.1f} % of 200 test pairs of lfw-view1" in said
    assert f"{100 * accuracy.low:.1f} % to {100 * accuracy.high:.1f} %" in said
    assert "Training: pairs-only, no outside data." in said
    assert caveats(result) == []


def test_synthetic_and_leaking_runs_are_called_so(rows: list[Row]) -> None:
    doubtful = simulate_result(rows, synthetic=True, leaks=True)
    assert verdict(doubtful).startswith("Not a result")
    assert [caveat.split()[0] for caveat in caveats(doubtful)] == ["Not", "Leaking:"]
    assert limits(doubtful)[:2] == caveats(doubtful)


def test_without_a_test_the_validation_speaks_and_says_so(result: Result) -> None:
    untested = result.model_copy(update={"test": None})
    assert decisive(untested).part == "validation"
    assert "validation pairs" in verdict(untested)
    assert caveats(untested)[0].startswith("Not tested")


def test_what_guessing_could_do_is_not_praised(result: Result) -> None:
    assert result.test is not None
    lucky = result.test.model_copy(update={"accuracy": Interval(0.53, 0.49, 0.57, "subject bootstrap")})
    assert "guessing" in caveats(result.model_copy(update={"test": lucky}))[0]


def test_guessing_is_the_more_frequent_answer(rows: list[Row]) -> None:
    mostly_genuine = [row for i, row in enumerate(rows) if row.is_genuine or i % 4 == 1]
    lopsided = simulate_result(rows).model_copy(update={"test": simulate_evaluation(mostly_genuine, "test")})
    assert "guessing gives 67 %" in plain(verdict(lopsided))


def test_view_2_takes_over_the_verdict(result: Result) -> None:
    folds = simulate_folds()
    said = plain(verdict(result.model_copy(update={"view2": folds})))
    assert f"{100 * folds.accuracy_mean:.2f} % ± {100 * folds.accuracy_standard_error:.2f} %" in said
    assert "10 folds" in said


def test_the_highlighted_tar_is_the_strictest_with_evidence(result: Result) -> None:
    assert result.test is not None
    points = [point.model_copy(update={"supported": point.fmr > 0.005}) for point in result.test.tar_at_fmr]
    shown = result.model_copy(update={"test": result.test.model_copy(update={"tar_at_fmr": tuple(points)})})
    assert "TAR at FMR 1 %" in [plain(highlight.label) for highlight in highlights(shown)]


def test_tar_without_evidence_is_flagged(result: Result) -> None:
    assert result.test is not None
    weak = [point.model_copy(update={"supported": False}) for point in result.test.tar_at_fmr]
    shown = result.model_copy(update={"test": result.test.model_copy(update={"tar_at_fmr": tuple(weak)})})
    [tar] = [highlight for highlight in highlights(shown) if "TAR" in highlight.label]
    assert "too few" in tar.note


def test_the_terminal_shows_every_highlight_and_the_caveats(rows: list[Row]) -> None:
    leaking = simulate_result(rows, leaks=True)
    text = io.StringIO()
    Console(file=text, width=100).print(verdict_table(leaking))
    printed = text.getvalue()
    assert all(highlight.value in printed for highlight in highlights(leaking))
    assert "Leaking" in printed


def test_every_outcome_can_be_printed(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    assert result.test is not None
    for outcome in (result, result.test, simulate_folds(), result.test.oneshot[0]):
        print_verdict(outcome)
    printed = plain(capsys.readouterr().out)
    assert "View 2" in printed
    assert "5-way 1-shot tasks" in printed
