from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.simulated import simulate_result, simulate_rows, write_run
from twinlens.cli.results import app
from twinlens.errors import DataError, TwinlensError
from twinlens.reporting.results.table import BEGIN, END


@pytest.fixture
def results(tmp_path: Path) -> Path:
    rows = simulate_rows(60)
    run = write_run(tmp_path / "run", simulate_result(rows, seed=0), rows)
    folder = tmp_path / "docs" / "results"
    told = CliRunner().invoke(app, ["publish", str(run), "--to", str(folder)], catch_exceptions=False)
    assert told.stdout.startswith("Published:")
    return folder


def test_the_table_is_printed(results: Path) -> None:
    told = CliRunner().invoke(app, ["table", "--from", str(results)], catch_exceptions=False)
    assert told.stdout.splitlines()[0].startswith("| Recipe |")
    assert "koch2015-lfw" in told.stdout


def test_the_table_is_written_into_every_file(results: Path, tmp_path: Path) -> None:
    files = [tmp_path / "README.md", tmp_path / "index.md"]
    for file in files:
        file.write_text(f"before\n{BEGIN}\n{END}\nafter\n", encoding="utf-8")
    arguments = [part for file in files for part in ("--write", str(file))]
    CliRunner().invoke(app, ["table", "--from", str(results), *arguments], catch_exceptions=False)
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith(f"before\n{BEGIN}\n| Recipe |")
        assert text.endswith(f"{END}\nafter\n")


def test_one_bad_file_leaves_all_as_they_were(results: Path, tmp_path: Path) -> None:
    good, bad, photo = tmp_path / "good.md", tmp_path / "bad.md", tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0")
    good.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    bad.write_text("nothing here\n", encoding="utf-8")
    for error, path in ((TwinlensError, bad), (DataError, tmp_path / "missing.md"), (DataError, photo)):
        with pytest.raises(error, match=path.name):
            CliRunner().invoke(
                app,
                ["table", "--from", str(results), "--write", str(good), "--write", str(path)],
                catch_exceptions=False,
            )
    assert good.read_text(encoding="utf-8") == f"{BEGIN}\n{END}\n"


def test_the_page_is_written_beside_the_results(results: Path) -> None:
    told = CliRunner().invoke(app, ["readme", "--from", str(results)], catch_exceptions=False)
    assert told.stdout == f"Wrote {results / 'README.md'}\n"
    assert (results / "README.md").read_text(encoding="utf-8").startswith("# Results\n")
    assert (results / "figures" / "koch2015-lfw.svg").is_file()
