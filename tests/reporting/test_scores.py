from pathlib import Path

import numpy as np
import pytest

from tests.simulated import CALIBRATION, THRESHOLD, Row, write_run, write_scores
from twinlens.errors import RunError
from twinlens.evaluation.result import Result
from twinlens.reporting.scores import ScoredPairs, read_result, read_scores


def test_every_cell_comes_back(rows: list[Row], tmp_path: Path) -> None:
    read = read_scores(write_scores(tmp_path / "scores.csv", rows))
    assert read.first == tuple(row.first for row in rows)
    assert read.second_subject == tuple(row.second_subject for row in rows)
    np.testing.assert_array_equal(read.score, [row.score for row in rows])
    np.testing.assert_array_equal(read.is_genuine, [row.is_genuine for row in rows])
    np.testing.assert_array_equal(read.is_match, read.score >= THRESHOLD)
    np.testing.assert_allclose(read.log_likelihood_ratio, CALIBRATION.log_likelihood_ratio(read.score))
    assert read.photos == sorted({row.first for row in rows} | {row.second for row in rows})


def test_scores_to_compute_with_tell_the_same_subjects_apart(scores: ScoredPairs) -> None:
    computed = scores.scores
    np.testing.assert_array_equal(computed.values, scores.score)
    np.testing.assert_array_equal(computed.is_genuine, scores.is_genuine)
    names = sorted({*scores.first_subject, *scores.second_subject})
    assert tuple(names[code] for code in computed.first_subject) == scores.first_subject
    assert tuple(names[code] for code in computed.second_subject) == scores.second_subject


def test_of_a_network_from_elsewhere_there_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "imported.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match="network from elsewhere") as caught:
        read_result(tmp_path)
    assert "card.md" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("is_match", "matched", "lacks the columns is_match"),
        (",1,", ",perhaps,", "line 2"),
        ("0.5", "half", "line 3"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = (
        "first,second,first_subject,second_subject,is_genuine,score,log_likelihood_ratio,probability,is_match\n"
        "a,b,s,s,1,2.25,1.5,0.8,1\n"
        "a,c,s,t,0,0.5,0.1,0.6,1\n"
    )
    path = tmp_path / "scores.csv"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RunError, match=told) as caught:
        read_scores(path)
    assert str(path) in str(caught.value)


def test_a_short_line_is_refused(rows: list[Row], tmp_path: Path) -> None:
    path = write_scores(tmp_path / "scores.csv", rows[:2])
    path.write_text(path.read_text(encoding="utf-8") + "a,b,s\n", encoding="utf-8")
    with pytest.raises(RunError, match="line 4"):
        read_scores(path)


def test_a_result_comes_back_as_it_was(result: Result, rows: list[Row], tmp_path: Path) -> None:
    assert read_result(write_run(tmp_path / "run", result, rows)) == result


def test_a_folder_without_a_result_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="twinlens"):
        read_result(tmp_path)
    with pytest.raises(RunError, match=r"no .*scores-test\.csv"):
        read_scores(tmp_path / "scores-test.csv")


def test_a_result_of_another_version_names_the_field(result: Result, rows: list[Row], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", result, rows)
    path = run / "result.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"seed":', '"sead":'), encoding="utf-8")
    with pytest.raises(RunError, match=r"provenance\.se"):
        read_result(run)
