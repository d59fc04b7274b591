"""What is special about a gallery in one file."""

import os
import random
import sqlite3
import stat
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.gallery.made import HEADER, NOW, Copy, chain, draft, is_whole, record, same, unbroken
from twinlens.errors import GalleryError, TwinlensError
from twinlens.serving.gallery import sqlite_file
from twinlens.serving.gallery import sqlite_tables as tables
from twinlens.serving.gallery.contract import AuditEntry, Header, Record
from twinlens.serving.gallery.migrations import migrations
from twinlens.serving.gallery.opening import store_exists
from twinlens.serving.gallery.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore.create(path, HEADER)) as store:
        yield store


def raw(path: Path) -> bytes:
    """All bytes in all files of a gallery, read by another process, as closing a file lets go of the locks on it."""
    files = [str(file) for file in path.parent.iterdir() if file.name.startswith(path.name)]
    return subprocess.run(["cat", *files], check=True, capture_output=True).stdout


def traces(bytes_: bytes, gone: list[Record]) -> list[Record]:
    """Those of the records that left something."""
    return [
        one
        for one in gone
        if any(part in bytes_ for part in (one.subject_id.encode(), one.sealed[:12], one.sealed[-12:]))
        or one.sealed[len(one.sealed) // 2 :][:12] in bytes_
    ]


def one_of_many(rng: random.Random) -> Record:
    """A record whose every part occurs nowhere else."""
    return record(f"subject {rng.randbytes(6).hex()}", size=rng.choice([12, 40, 900, 1100, 1500, 9000]))


@pytest.mark.parametrize("seed", range(2))
def test_what_is_removed_is_in_no_file(store: SqliteStore, path: Path, seed: int) -> None:
    rng = random.Random(seed)
    kept: list[Record] = []
    gone: list[Record] = []
    for _ in range(40):
        added = [one_of_many(rng) for _ in range(rng.randrange(12))]
        store.add(added, draft(), chain)
        kept += added
        rng.shuffle(kept)
        leaving = [kept.pop() for _ in range(min(len(kept), rng.randrange(8)))]
        store.remove([one.template_id for one in leaving], draft("remove"), chain)
        gone += leaving
    bytes_ = raw(path)
    assert len(traces(bytes_, kept)) == len(kept) > 20
    assert len(gone) > 100
    assert traces(bytes_, gone) == []
    store.close()
    assert traces(raw(path), gone) == []


def test_no_copy_stays_where_a_row_was_moved_away(path: Path) -> None:
    """Of 900 rows that these changes delete, SQLite 3.40 leaves one behind unless the table is written anew."""
    SqliteStore.create(path, HEADER).close()
    file, rng, version = sqlite_file.SqliteFile(path), random.Random(2), 0
    kept: list[Record] = []
    gone: list[Record] = []
    for _ in range(40):
        with file.writing() as connection:
            for _ in range(50):
                if not kept or rng.random() < 0.55:
                    kept.append(record(rng.randbytes(rng.randrange(6, 60)).hex(), size=8))
                    version = tables.insert(connection, kept[-1:], version)
                else:
                    place = rng.randrange(len(kept))
                    kept[place], kept[-1] = kept[-1], kept[place]
                    gone.append(kept.pop())
                    with tables.written_anew(connection):
                        there = tables.find(connection, [gone[-1].template_id])
                        version = tables.delete(connection, there, version)
    file.close()
    bytes_ = path.read_bytes()
    assert len([one for one in kept if one.subject_id.encode() in bytes_]) == len(kept)
    assert [one for one in gone if one.subject_id.encode() in bytes_] == []


def test_what_is_replaced_is_in_no_file(store: SqliteStore, path: Path) -> None:
    rng = random.Random(0)
    old = [one_of_many(rng) for _ in range(200)]
    store.add(old, draft(), chain)
    resealed = [replace(one, sealed=rng.randbytes(len(one.sealed))) for one in old[:100]]
    store.replace(replace(HEADER, salt="cd" * 16), resealed, draft("rekey"), chain, store.version())
    bytes_ = raw(path)
    assert all(one.sealed[:12] not in bytes_ for one in old)
    assert traces(bytes_, old[100:]) == []
    assert len(traces(bytes_, resealed)) == 100


def test_says_so_when_somebody_keeps_reading_what_is_removed(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, kept = record("subject that leaves", size=2000), record("subject that stays")
    store.add([leaving, kept], draft(), chain)
    monkeypatch.setattr(sqlite_file, "_PATIENCE", 0.05)
    with closing(SqliteStore.open(path)) as impatient, closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM template").fetchall()
        with pytest.raises(GalleryError, match=r"still in .*-wal.* goes with the next removal"):
            impatient.remove([leaving.template_id], draft("remove"), chain)
        assert store.subjects() == {"subject that stays": 1}
        assert len(traces(raw(path), [leaving])) == 1
        reader.rollback()
        assert impatient.remove([leaving.template_id], draft("remove"), chain) == 0
        assert traces(raw(path), [leaving]) == []


def test_what_a_killed_process_left_in_the_log_is_put_in_its_place(path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tests.serving.gallery.made import *\n"
        "store = create_store(Path(sys.argv[1]), HEADER)\n"
        "store.add([record('Ann', template_id='a' * 32)], draft(), chain)\n"
        "os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == 9
    log = path.with_name("gallery.db-wal")
    assert log.stat().st_size > 0
    with closing(SqliteStore.open(path)) as store:
        assert log.stat().st_size == 0
        assert same(store.records(), [record("Ann", template_id="a" * 32)])
    assert [file.name for file in path.parent.iterdir()] == ["gallery.db"]


def test_what_is_acknowledged_is_flushed(store: SqliteStore, path: Path) -> None:
    with sqlite_file.SqliteFile(path).reading() as connection:
        settings = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]  # 2 is FULL


def test_concerns_its_owner_alone(path: Path, store: SqliteStore) -> None:
    store.add([record()], draft(), chain)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(("gallery.db", "gallery.db-wal", "gallery.db-shm"), 0o600)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "DELETE FROM audit WHERE number = 1"]
)
def test_log_is_only_ever_appended_to(store: SqliteStore, path: Path, statement: str) -> None:
    store.log(draft() * 3, chain)
    with (
        closing(sqlite3.connect(path)) as stranger,
        pytest.raises(sqlite3.IntegrityError, match="only ever appended to"),
    ):
        stranger.execute(statement)
    assert unbroken(list(store.audit()))


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")


def newer(path: Path) -> None:
    SqliteStore.create(path, HEADER).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def truncated(path: Path) -> None:
    with closing(SqliteStore.create(path, HEADER)) as store:
        store.add([record(size=5000)], draft(), chain)
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"\x89PNG and so on" * 500), "is no gallery. Give the path"),
        (lambda path: path.write_bytes(b"short"), "is no gallery"),
        (lambda path: path.touch(), "is no gallery"),
        (lambda path: path.mkdir(), "is a folder. Give the path of a gallery"),
        (foreign_database, "is no gallery. Give the path"),
        (newer, "written by a newer version of twinlens. Upgrade"),
        (truncated, "is damaged. Put a backup in its place"),
    ],
)
def test_what_is_no_gallery_is_refused(path: Path, make: Callable[[Path], object], message: str) -> None:
    make(path)
    with pytest.raises(GalleryError, match=message) as caught:
        SqliteStore.open(path)
    assert "gallery.db" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"\x89PNG and so on" * 500), "is no gallery"),
        (lambda path: path.mkdir(), "Choose another place"),
        (foreign_database, "Choose another path"),
    ],
)
def test_nothing_is_made_over_something_else(path: Path, make: Callable[[Path], object], message: str) -> None:
    make(path)
    assert store_exists(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(TwinlensError, match=message):
        SqliteStore.create(path, HEADER)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_one_that_was_never_finished_is_none(path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from twinlens.serving.gallery.sqlite_file import made\n"
        "with made(Path(sys.argv[1])):\n    os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == 9
    assert path.exists()
    assert not store_exists(path)
    with closing(SqliteStore.create(path, HEADER)) as store:
        assert store.header() == HEADER


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery's file with all kinds of rows in it."""
    path = tmp_path_factory.mktemp("intact") / "gallery.db"
    with closing(SqliteStore.create(path, HEADER)) as store:
        given = [record(f"subject {number}", size=600, expires_at=NOW) for number in range(30)]
        store.add(given, draft(), chain)
        store.remove([given[3].template_id], draft(), chain)
    return path


def typed(value: Header | Record | AuditEntry) -> None:
    """Whatever a damaged file says, it must not make values of other types than they say."""
    kinds = {"int": int, "str": str, "bytes": bytes, "datetime": datetime}
    for one in fields(value):
        names = [name for name in str(one.type).split(" | ") if name in kinds]
        content = getattr(value, one.name)
        assert (content is None and "None" in str(one.type)) or type(content) in [kinds[name] for name in names]


@given(
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=5),
    end=st.just(1.0) | st.floats(0, 1),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_gives_an_error_or_what_is_in_it(
    intact: Path, path: Path, flips: list[tuple[float, int]], end: float
) -> None:
    content = bytearray(intact.read_bytes())
    for place, value in flips:
        content[int(place * len(content))] = value
    path.write_bytes(content[: int(end * len(content))])
    uses: list[Callable[[SqliteStore], object]] = [
        lambda store: typed(store.header()),
        lambda store: [typed(one) for one in store.records()],
        lambda store: list(store.records("subject 1")),
        lambda store: store.subjects(),
        lambda store: store.expired(NOW),
        lambda store: Copy(store, 7).follow(),
        lambda store: [typed(entry) for entry in store.audit()],
        lambda store: store.log(draft(), chain),
        lambda store: store.remove([record().template_id], draft(), chain),
        lambda store: store.replace(HEADER, [record()], draft(), chain, store.version()),
    ]
    for use in uses:
        try:
            with closing(SqliteStore.open(path)) as store:
                use(store)
        except GalleryError as error:
            assert "gallery.db" in error.message  # noqa: PT017, there may be none
    for file in path.parent.iterdir():
        file.unlink()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE template SET subject_id = x'07'",
        "UPDATE template SET template_id = x'00'",
        "UPDATE template SET enrolled_at = 'now'",
        "UPDATE template SET enrolled_at = 1 << 62",
        "UPDATE sealed SET content = 'text'",
        "UPDATE gallery SET version = 'new'",
        "DELETE FROM gallery",
        "DROP TABLE sealed",
        "UPDATE sqlite_master SET sql = CAST(x'ff00ff' AS TEXT)",
    ],
)
def test_what_cannot_be_is_told(store: SqliteStore, path: Path, statement: str) -> None:
    store.add([record()], draft(), chain)
    with closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("PRAGMA writable_schema = ON")
        stranger.execute("PRAGMA ignore_check_constraints = ON")
        stranger.execute(statement)
    with pytest.raises(GalleryError, match=r"gallery\.db .*Put a backup in its place"):
        read_all(path)


def read_all(path: Path) -> list[Record]:
    with closing(SqliteStore.open(path)) as store:
        return list(store.records())


def test_an_older_layout_is_brought_to_the_present_one(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = record()
    store.add([given], draft(), chain)
    step = "CREATE TABLE note (text TEXT); -- a new table\nCREATE INDEX note_by_text ON note (text);\n"
    monkeypatch.setattr(sqlite_file, "migrations", lambda _backend: (*migrations("sqlite"), step))
    outcomes: list[list[Record]] = []

    def work() -> None:
        with closing(SqliteStore.open(path)) as opened:
            outcomes.append(list(opened.records()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [same(outcome, [given]) for outcome in outcomes] == [True] * 4
    monkeypatch.undo()
    with pytest.raises(GalleryError, match="newer version"):
        SqliteStore.open(path)


def test_a_step_that_fails_leaves_the_old_layout(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = "CREATE TABLE note (text TEXT);\nINSERT INTO nowhere VALUES (1);\n"
    monkeypatch.setattr(sqlite_file, "migrations", lambda _backend: (*migrations("sqlite"), step))
    with pytest.raises(GalleryError, match="no such table: nowhere"):
        SqliteStore.open(path)
    monkeypatch.undo()
    SqliteStore.open(path).close()


def test_a_writer_that_never_ends_is_told(store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_PATIENCE", 0.05)
    with closing(SqliteStore.open(path)) as impatient, closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(GalleryError, match="busy: another process keeps writing"):
            impatient.log(draft(), chain)
        assert impatient.subjects() == {}
        writer.rollback()
        impatient.log(draft(), chain)


def test_a_full_disk_is_told_and_nothing_is_half_written(path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from tests.serving.gallery.made import *\n"
        "from twinlens.errors import GalleryError\n"
        "store = create_store(Path(sys.argv[1]), HEADER)\n"
        "unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, unlimited[1]))\n"
        "added = 0\n"
        "try:\n"
        "    while True:\n"
        "        store.add([record(size=5000), record(size=5000)], draft(), chain); added += 2\n"
        "except GalleryError as error:\n"
        "    print(error)\n"
        "assert store.subjects() == {'Ann': added}, store.subjects()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)\n"
        "store.add([record()], draft(), chain)\n"
        "print(added + 1)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    message, count = done.stdout.splitlines()
    assert "gallery.db" in message
    with closing(SqliteStore.open(path)) as store:
        assert store.subjects() == {"Ann": int(count)}
        assert all(is_whole(one) for one in store.records())
        assert unbroken(list(store.audit()))


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """Fail if the block holds more at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1e6
    finally:
        tracemalloc.stop()


def test_never_holds_everything_in_memory(store: SqliteStore) -> None:
    for _ in range(10):
        store.add([record(size=10_000) for _ in range(200)], draft(), chain)
    with at_most(8):
        assert sum(len(one.sealed) for one in store.records()) == 20_000_000
    with at_most(8):
        count, version = 0, 0
        while (changes := store.changes(version, 200)).version != version:
            count, version = count + len(changes.added), changes.version
        assert count == 2000
    with at_most(8):
        store.replace(
            HEADER, (replace(one, sealed=one.sealed[::-1]) for one in store.records()), draft(), chain, version
        )
