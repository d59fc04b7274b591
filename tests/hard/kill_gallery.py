"""Kill writers of a gallery, and the server under them, at random moments, and see that nothing acknowledged is lost.

    python -m tests.hard.kill_gallery                # 50 kills of four writers, 50 of a PostgreSQL server
    python -m tests.hard.kill_gallery --kills 4 --out trial.json

Of a gallery in a file, each kill ends all writers at once with SIGKILL. Of one on PostgreSQL, each kill ends all
processes of the server, as a power cut would, and the writers go on once it is back. Afterwards every record whose
enrolment was acknowledged has to be there and whole, every removal that was acknowledged to have left no byte in the
file, every change to be there with its entry in the log or not at all, and the log to be an unbroken chain.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres import running
from tests.serving.gallery.killing import Told, check, removed_bytes_left, writers
from tests.serving.gallery.made import HEADER
from twinlens.files import write_json
from twinlens.origin import machine, source_commit
from twinlens.progress import track
from twinlens.serving.gallery.opening import create_store, open_store

RESULT = Path(__file__).parents[2] / "docs" / "results" / "hard" / "kill_gallery.json"
# Kills of writers of one file, and of a server between two looks at what is there.
_TOGETHER = 5
# Seconds until the next kill.
_MOMENT = (0.0, 0.5)


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    result = {
        "commit": source_commit(),
        "machine": machine(),
        "writers": asked.writers,
        "sqlite": kill_writers(asked.kills, asked.writers, rng),
        "postgresql": kill_server(asked.kills, asked.writers, rng),
    }
    write_json(asked.out, result)
    print(f"{asked.out}: nothing was lost")


def kill_writers(kills: int, count: int, rng: random.Random) -> dict[str, Any]:
    """Kill the writers of a file, and look at it each time; after some kills, go on with another file."""
    total: Counter[str] = Counter()
    progress = track(range(kills), "Killing writers", kills)
    for _ in range(0, kills, _TOGETHER):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = folder / "gallery.db"
            create_store(path, HEADER).close()
            figures: dict[str, int] = {}
            for _ in islice(progress, _TOGETHER):
                with writers(path, folder, count):
                    time.sleep(rng.uniform(*_MOMENT))
                told = Told.of(sorted(folder.glob("*.journal")))
                assert told.errors == []
                with closing(open_store(path)) as store:
                    figures = check(store, told)
                assert list(folder.glob("gallery.db*")) == [path]
                assert removed_bytes_left(path.read_bytes(), told) == 0
            total.update(figures)
    return {"version": sqlite3.sqlite_version, "kills": kills, "processes_killed": kills * count, **total}


def kill_server(kills: int, count: int, rng: random.Random) -> dict[str, Any]:
    """Kill a server under its writers, and look at what is there now and then."""
    with tempfile.TemporaryDirectory() as name, running(durable=True) as server:
        folder, address = Path(name), server.address("killed")
        create_store(address, HEADER).close()
        with psycopg.connect(server.server.get_uri()) as session:
            version = str(session.info.server_version // 10000)
        figures: dict[str, int] = {}
        for first in range(0, kills, _TOGETHER):
            with writers(address, folder, count) as journals:
                planned = range(first, min(first + _TOGETHER, kills))
                for _ in track(planned, f"Killing the server, from {first + 1}", len(planned)):
                    wait_for_progress(journals)
                    time.sleep(rng.uniform(*_MOMENT))
                    server.kill()
                    server.start_again()
                wait_for_progress(journals)
            told = Told.of(sorted(folder.glob("*.journal")))
            with closing(open_store(address)) as store:
                figures = check(store, told)
    return {"version": version, "kills": kills, "errors_told_to_writers": len(told.errors), **figures}


def wait_for_progress(journals: list[Path]) -> None:
    """Until each writer had something acknowledged since."""
    before = [journal.read_text().count('"done"') for journal in journals]
    deadline = time.monotonic() + 120
    while any(journal.read_text().count('"done"') <= n for journal, n in zip(journals, before, strict=True)):
        if time.monotonic() > deadline:
            raise TimeoutError("Writers do not go on.")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
