import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.reporting.compare.made import scored, write_run
from twinlens.errors import ConfigError, RunError
from twinlens.reporting.compare.contenders import read_contenders


def test_test_pairs_are_in_one_order_whatever_that_of_the_files(tmp_path: Path) -> None:
    rows = scored(1)
    there = write_run(tmp_path / "there", rows)
    back = write_run(tmp_path / "back", rows[::-1], name="back")
    first, second = read_contenders([there, back])
    assert first.pairs is not None
    assert second.pairs is not None
    assert list(zip(first.pairs.first, first.pairs.second, strict=True)) == sorted((r.first, r.second) for r in rows)
    assert first.pairs.first == second.pairs.first
    assert first.judged.right.tolist() == second.judged.right.tolist()


def test_an_untested_run_has_no_pairs(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / name, scored(1), name=name, tested=False) for name in ("a", "b")]
    assert [run.pairs for run in read_contenders(folders)] == [None, None]


def test_one_run_alone_or_twice_is_refused(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", scored(1))
    with pytest.raises(ConfigError, match="two runs"):
        read_contenders([folder])
    with pytest.raises(ConfigError, match="given twice"):
        read_contenders([folder, tmp_path / "elsewhere" / ".." / "run"])
    shutil.copytree(folder, tmp_path / "published")
    with pytest.raises(ConfigError, match=r"run and .*published are one and the same run"):
        read_contenders([folder, tmp_path / "published"])


def test_scores_of_another_test_are_refused(tmp_path: Path) -> None:
    rows = scored(1)
    other = write_run(tmp_path / "other", scored(2))
    folder = write_run(tmp_path / "run", rows)
    shutil.copyfile(
        write_run(tmp_path / "wrong", [replace(row, score=9.0) for row in rows]) / "scores-test.csv",
        folder / "scores-test.csv",
    )
    with pytest.raises(RunError, match=r"scores-test\.csv does not hold the scores that .*result\.json"):
        read_contenders([folder, other])
    (folder / "scores-test.csv").unlink()
    with pytest.raises(RunError, match=r"no .*scores-test\.csv"):
        read_contenders([folder, other])
