"""Threads for what takes long, as many as there is memory for.

The event loop only passes things on: photos are decoded, faces found and galleries searched here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Workers:
    """Runs the work of requests.

    Args:
        threads: Pieces of work that run at once; others wait.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="twinlens-worker")

    async def run(self, work: Callable[[], Result]) -> Result:
        """What ``work`` returns.

        If the request is given up meanwhile, work that waits is dropped, with the photos that it holds. Work that has
        begun goes on to its end, as a thread cannot be interrupted.
        """
        held = [work]  # the pool keeps what was given up in its queue until a thread comes to it
        try:
            return await asyncio.wrap_future(self._pool.submit(lambda: held[0]()))
        finally:
            held.clear()
            del work

    def close(self) -> None:
        """Wait for what runs; drop what waits."""
        self._pool.shutdown(cancel_futures=True)
