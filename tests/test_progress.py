"""A bar on a terminal, two lines elsewhere, and never anything on standard output."""

import os
import pty
import subprocess
import sys

import pytest

from twinlens import progress
from twinlens.progress import track

PROGRAM = """
from twinlens import progress
progress._PATIENCE = {patience}
for i in progress.track(range(3), "Counting", 3):
    if i == 2:
        raise SystemExit("stop")
"""


def test_without_a_terminal_what_takes_long_says_so_once_and_when_it_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    items = track(iter("abc"), "Counting", None)
    assert capsys.readouterr().err == ""
    assert next(items) == "a"
    assert capsys.readouterr().err == "Counting ...\n"
    assert list(items) == ["b", "c"]
    out, err = capsys.readouterr()
    assert (out, err.startswith("Counting: done in ")) == ("", True)


def test_without_a_terminal_what_takes_no_time_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track("abc", "Counting", 3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def on_a_terminal(patience: float) -> str:
    """What the program shows there; nothing of it may be on standard output."""
    ours, theirs = pty.openpty()
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(patience=patience)],
        stderr=theirs,
        stdout=subprocess.PIPE,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "80"},
        check=False,
    )
    os.close(theirs)
    assert process.stdout == b""
    with os.fdopen(ours, "rb") as terminal:
        return terminal.read1(100_000).decode()


def test_on_a_terminal_there_is_a_bar_that_ends_before_an_error_is_printed() -> None:
    shown = on_a_terminal(patience=-1)
    assert "2/3" in shown
    assert "\x1b[?25h" in shown  # the cursor is back
    assert shown.index("\x1b[?25h") < shown.rindex("stop")


def test_on_a_terminal_what_takes_no_time_shows_no_bar() -> None:
    assert on_a_terminal(patience=60).strip() == "stop"
