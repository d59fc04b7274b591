"""Libraries that remark, in their logs, on what nobody here can act on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def only_errors(logger_name: str | None = None) -> Iterator[None]:
    """Let a logger say nothing below an error within the block.

    Args:
        logger_name: As for :func:`logging.getLogger`; the root logger if none.
    """
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
