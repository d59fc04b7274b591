"""One progress bar for everything that takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")

# Seconds that need no explanation.
_PATIENCE = 2.0


def track(iterable: Iterable[Item], description: str, total: int | None) -> Iterator[Item]:
    """Yield the items and show on standard error how many of ``total`` are done.

    There is nothing to see before two seconds have gone by. The bar goes when it is full. Where standard error is no
    terminal, there is one line instead, and one at the end.
    """
    console = Console(stderr=True)
    shown = _bar(iterable, description, total, console) if console.is_terminal else _two_lines(iterable, description)
    yield from shown


def _bar(iterable: Iterable[Item], description: str, total: int | None, console: Console) -> Iterator[Item]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress, start = Progress(*columns, console=console, transient=True), time.monotonic()
    task = progress.add_task(description, total=total)
    try:
        for item in iterable:
            if time.monotonic() - start > _PATIENCE:
                progress.start()
            yield item
            progress.advance(task)
    finally:
        progress.stop()


def _two_lines(iterable: Iterable[Item], description: str) -> Iterator[Item]:
    start, said = time.monotonic(), False
    for item in iterable:
        if not said and time.monotonic() - start > _PATIENCE:
            print(f"{description} ...", file=sys.stderr, flush=True)
            said = True
        yield item
    if said:
        print(f"{description}: done in {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
