"""Writers that are killed, and what has to be there afterwards.

``python -m tests.serving.gallery.killing ADDRESS JOURNAL`` is one writer: it enrols and removes until it is killed, and
says in its journal what it is about to do, and what it was told is done.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.serving.gallery.made import chain, draft, is_whole, record, unbroken
from twinlens.errors import GalleryError
from twinlens.serving.gallery.contract import Store
from twinlens.serving.gallery.opening import open_store

ROOT = Path(__file__).parents[3]


def write_until_killed(address: str, journal: Path) -> None:
    """Enrol and remove; where the gallery is away, wait until it is back."""
    rng, mine, number = random.Random(), [], 0
    handle = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    name = journal.stem
    while True:
        try:
            store = open_store(Path(address) if "://" not in address else address)
            while True:
                number += 1
                change = f"{name} {number}"
                if len(mine) > 5 and rng.random() < 0.25:
                    ids = [mine.pop(rng.randrange(len(mine)))]
                    _say(handle, "begin", change, "remove", ids)
                    store.remove(ids, draft("remove", change), chain)
                else:
                    batch = [record(change, size=rng.choice([50, 1200, 9000])) for _ in range(rng.randrange(1, 5))]
                    ids = [one.template_id for one in batch]
                    _say(handle, "begin", change, "add", ids)
                    store.add(batch, draft("add", change), chain)
                    mine += ids
                _say(handle, "done", change, "", [])
        except GalleryError as error:
            _say(handle, "error", f"{name} {number}", str(error), [])
            time.sleep(0.1)


def _say(handle: int, *what: object) -> None:
    """One line, with the system once this returns, so that it outlives this process."""
    os.write(handle, f"{json.dumps(what)}\n".encode())


@dataclass
class Told:
    """What journals say.

    Attributes:
        added: Templates by change, of each that was begun.
        removed: The same for removals.
        done: The changes that were acknowledged.
        errors: What writers were told went wrong.
    """

    added: dict[str, list[str]] = field(default_factory=dict)
    removed: dict[str, list[str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, journals: Sequence[Path]) -> Told:
        """Read journals; their writers are gone."""
        told = cls()
        for journal in journals:
            for line in journal.read_text().splitlines():
                kind, change, action, ids = json.loads(line)
                if kind == "begin":
                    (told.added if action == "add" else told.removed)[change] = ids
                elif kind == "done":
                    told.done.add(change)
                else:
                    told.errors.append(action)
        return told


def check(store: Store, told: Told) -> dict[str, int]:
    """See that the store holds what was acknowledged, nothing half, and a log that tells of just that.

    Returns:
        Figures of what was checked.
    """
    there = {one.template_id: one for one in store.records()}
    entries = list(store.audit())
    logged = {entry.detail for entry in entries}
    leaving = {template_id: change for change, ids in told.removed.items() for template_id in ids}
    assert all(is_whole(one) for one in there.values())
    assert unbroken(entries)
    assert len(logged) == len(entries)
    assert told.done <= logged <= told.added.keys() | told.removed.keys()
    for change, ids in told.added.items():
        for template_id in ids:
            gone = leaving.get(template_id)
            # In one transaction with its entry, so the log knows of each change whether it took place.
            assert (template_id in there) == (change in logged and (gone is None or gone not in logged))
    assert there.keys() <= {template_id for ids in told.added.values() for template_id in ids}
    return {
        "changes_begun": len(told.added) + len(told.removed),
        "changes_acknowledged": len(told.done),
        "changes_done_but_not_acknowledged": len(logged - told.done),
        "templates": len(there),
        "log_entries": len(entries),
    }


def removed_bytes_left(raw: bytes, told: Told) -> int:
    """How many templates whose removal was acknowledged are still somewhere in a store's bytes."""
    subject_of = {template_id: change for change, ids in told.added.items() for template_id in ids}
    gone = [
        record(subject_of[ids[0]], template_id=ids[0]) for change, ids in told.removed.items() if change in told.done
    ]
    return sum(one.sealed[:16] in raw for one in gone)


@contextmanager
def writers(address: str | Path, folder: Path, count: int) -> Iterator[list[Path]]:
    """That many writers, killed when the block ends; their journals.

    The block begins once each of them has written something.
    """
    start = sum(1 for _ in folder.glob("*.journal"))
    journals = [folder / f"{number:04d}.journal" for number in range(start, start + count)]
    command = [sys.executable, "-m", "tests.serving.gallery.killing", str(address)]
    processes = [subprocess.Popen([*command, str(journal)], cwd=ROOT) for journal in journals]
    try:
        deadline = time.monotonic() + 120
        while not all(journal.exists() and journal.read_text().count('"done"') for journal in journals):
            assert all(process.poll() is None for process in processes)
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield journals
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            process.wait()


if __name__ == "__main__":
    write_until_killed(sys.argv[1], Path(sys.argv[2]))
