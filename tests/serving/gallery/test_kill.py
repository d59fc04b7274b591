"""Processes and servers that are killed while they write; tests/hard/kill_gallery.py does more of it."""

import random
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.postgres import running
from tests.serving.gallery.killing import Told, check, removed_bytes_left, writers
from tests.serving.gallery.made import HEADER
from tests.serving.gallery.test_sqlite import raw
from twinlens.serving.gallery.opening import create_store, open_store


@pytest.mark.slow
def test_writers_of_a_file_are_killed(tmp_path: Path) -> None:
    path, rng = tmp_path / "gallery.db", random.Random()
    create_store(path, HEADER).close()
    for _ in range(3):
        with writers(path, tmp_path, 2):
            time.sleep(rng.uniform(0, 0.3))
        told = Told.of(sorted(tmp_path.glob("*.journal")))
        with closing(open_store(path)) as store:
            figures = check(store, told)
            assert removed_bytes_left(raw(path), told) == 0
    assert figures["changes_acknowledged"] >= 6
    assert told.errors == []


@pytest.mark.slow
def test_a_server_is_killed_under_its_writers(tmp_path: Path) -> None:
    with running(durable=True) as server:
        address = server.address("killed")
        create_store(address, HEADER).close()
        with writers(address, tmp_path, 2) as journals:
            server.kill()
            server.start_again()
            before = [journal.read_text().count('"done"') for journal in journals]
            deadline = time.monotonic() + 60
            while any(j.read_text().count('"done"') <= n for j, n in zip(journals, before, strict=True)):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        with closing(open_store(address)) as store:
            figures = check(store, Told.of(journals))
    assert figures["changes_acknowledged"] >= 4
