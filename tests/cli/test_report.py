from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.simulated import Row, simulate_result, simulate_rows, write_run
from twinlens.cli.report import report
from twinlens.errors import RunError

app = typer.Typer()
app.command()(report)


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rows = simulate_rows(60)
    return write_run(tmp_path / "run", simulate_result(rows), rows)


@pytest.mark.usefixtures("no_data")
def test_the_report_lies_in_the_run_unless_told_otherwise(run: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, [str(run)], catch_exceptions=False)
    assert told.stdout.replace("\n", "").endswith("report.html")
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    elsewhere = tmp_path / "deep" / "page.html"
    CliRunner().invoke(app, [str(run), "-o", str(elsewhere)], catch_exceptions=False)
    assert elsewhere.is_file()


def test_a_folder_without_a_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"result\.json"):
        CliRunner().invoke(app, [str(tmp_path)], catch_exceptions=False)
    assert list(tmp_path.glob("**/*.html")) == []


@pytest.mark.lfw
def test_real_photos_and_their_errata_are_shown(
    data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    lines = (data_folder / "lfw" / "pairsDevTest.txt").read_text(encoding="utf-8").splitlines()[1:]
    listed = [line.split("\t") for line in lines]
    rows = [_row(fields, i) for i, fields in enumerate(f for i, f in enumerate(listed) if i % 20 == 0 or ERRATUM in f)]
    run = write_run(tmp_path / "run", simulate_result(rows), rows)
    CliRunner().invoke(app, [str(run)], catch_exceptions=False)
    html = (run / "report.html").read_text(encoding="utf-8")
    assert html.count('<img src="data:image/jpeg') > 60
    assert "photo not at hand" not in html
    assert "Known labelling error in Janica_Kostelic_0001.jpg: wrong identity; shows Anja_Paerson" in html
    assert "Sharpness" in html


ERRATUM = "Janica_Kostelic"


def _row(fields: list[str], number: int) -> Row:
    """A pair of the official list with a made-up score; the one with the erratum gets the surest miss."""
    first, second = fields[0], fields[-2] if len(fields) == 4 else fields[0]
    names = [f"{who}/{who}_{int(n):04d}.jpg" for who, n in ((first, fields[1]), (second, fields[-1]))]
    score = -9.0 if first == ERRATUM else (number % 7 - 3) / 2
    return Row(names[0], names[1], first, second, first == second, score)
