"""SHA-256 of each photo of a dataset, remembered so that unchanged photos are not read again."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

from twinlens.data.cache import cache_folder
from twinlens.data.dataset import Dataset
from twinlens.files import sha256_file, write_json
from twinlens.progress import track

UNREADABLE = ""

# Some file systems stamp changes no finer than this, so a younger photo may yet change unnoticed.
_CLOCK_GRAIN_NS = 2_000_000_000


def content_digests(dataset: Dataset) -> list[str]:
    """64 hex digits for each sample, in order; :data:`UNREADABLE` for one that is missing or no file."""
    memory = _memory_file(dataset.root)
    remembered = _recall(memory)
    stamps = {sample.name: _stamp(f"{dataset.root}/{sample.name}") for sample in dataset.samples}
    digests = dict.fromkeys(stamps, UNREADABLE)
    changed = []
    for name, stamp in stamps.items():
        *last_stamp, digest = remembered.get(name, [UNREADABLE])
        if stamp and stamp == last_stamp:
            digests[name] = digest
        elif stamp:
            changed.append(name)
    if changed:
        now = time.time_ns()
        for name in track(changed, "Looking at new photos", len(changed)):
            digests[name] = _digest(dataset.root / name)
            if now - max(stamps[name][1:]) > _CLOCK_GRAIN_NS:
                remembered[name] = [*stamps[name], digests[name]]
        write_json(memory, remembered)
    return list(digests.values())


def _stamp(path: str) -> list[int]:
    """Size and both times of change (the second cannot be set back) of a file; empty if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - ten thousand Path objects take longer than the calls
    except OSError:
        return []
    is_file = stat.S_ISREG(status.st_mode)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns] if is_file else []


def _memory_file(root: Path) -> Path:
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()
    return cache_folder() / "digests" / f"{place}.json"


def _recall(memory: Path) -> dict[str, list[Any]]:
    try:
        remembered: dict[str, list[Any]] = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return remembered


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        return UNREADABLE
