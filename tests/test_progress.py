"""A bar on a terminal, two lines elsewhere, and never anything on standard output."""

import os
import pty
import subprocess
import sys

import pytest

from twinlens.progress import track

PROGRAM = """
from twinlens.progress import track
for i in track(range(3), "Counting", 3):
    if i == 2:
        raise SystemExit("stop")
"""


def test_without_a_terminal_there_is_a_line_at_start_and_end(capsys: pytest.CaptureFixture[str]) -> None:
    items = track(iter("abc"), "Counting", None)
    assert capsys.readouterr().err == ""
    assert next(items) == "a"
    assert capsys.readouterr().err == "Counting ...\n"
    assert list(items) == ["b", "c"]
    out, err = capsys.readouterr()
    assert (out, err.startswith("Counting: done in ")) == ("", True)


def test_on_a_terminal_there_is_a_bar_that_ends_before_an_error_is_printed() -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], stderr=theirs, stdout=subprocess.PIPE, env=environment, check=False
    )
    os.close(theirs)
    with os.fdopen(ours, "rb") as terminal:
        shown = terminal.read1(100_000).decode()
    assert process.stdout == b""
    assert "2/3" in shown
    assert "\x1b[?25h" in shown  # the cursor is back
    assert shown.index("\x1b[?25h") < shown.rindex("stop")
