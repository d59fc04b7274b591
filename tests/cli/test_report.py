from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.simulated import simulate_result, simulate_rows, write_run
from twinlens.cli.report import report
from twinlens.errors import RunError

app = typer.Typer()
app.command()(report)


@pytest.fixture(autouse=True)
def _no_data_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rows = simulate_rows(60)
    return write_run(tmp_path / "run", simulate_result(rows), rows)


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
