"""The processor's cores that this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """How many cores this process may run on: those it is bound to where the system tells, else all."""
    if hasattr(os, "sched_getaffinity"):  # on Linux, not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
