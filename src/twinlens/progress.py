"""One progress bar for everything that takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")


def track(iterable: Iterable[Item], description: str, total: int | None) -> Iterator[Item]:
    """Yield the items and show on standard error how many of ``total`` are done.

    Where standard error is no terminal, there is one line at the start and one at the end.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from _two_lines(iterable, description)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield from progress.track(iterable, total=total, description=description)


def _two_lines(iterable: Iterable[Item], description: str) -> Iterator[Item]:
    print(f"{description} ...", file=sys.stderr, flush=True)
    start = time.monotonic()
    yield from iterable
    print(f"{description}: done in {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
