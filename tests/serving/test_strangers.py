"""What a hostile stranger may try: each of these was open once, or nearly."""

import asyncio
import encodings
import stat
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.service.made import Made, photo, service, upload
from twinlens.errors import ConfigError
from twinlens.serving.gallery import logbook
from twinlens.serving.gallery.contract import AuditEntry
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.postgres_address import PostgresAddress
from twinlens.serving.gallery.subject import subject_name
from twinlens.serving.gallery.terms import Terms
from twinlens.serving.service.batching import BatchingEncoder
from twinlens.serving.service.keys import Scope
from twinlens.serving.service.logs import JsonFormatter


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    with service(tmp_path) as found:
        yield found


def test_no_memory_is_spent_on_encodings_that_do_not_exist(made: Made) -> None:
    known = len(encodings._cache)  # type: ignore[attr-defined]
    body = b"--x\r\nContent-Disposition: form-data; name=prior\r\n\r\n0.5\r\n--x--\r\n"
    for name in ("unheard-of-1", "unheard-of-2", "utf-16", "idna", "x" * 5000):
        headers = {"Content-Type": f"multipart/form-data; charset={name}; boundary=x"}
        assert made.client.post("/v1/verify", content=body, headers=headers).status_code == 415
    assert len(encodings._cache) == known  # type: ignore[attr-defined]
    headers["Content-Type"] = 'multipart/form-data; charset="UTF-8"; boundary=x'
    assert made.client.post("/v1/verify", content=body, headers=headers).status_code == 422


def test_photos_are_in_memory_once_while_a_request_waits(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    size, held = 4_000_000, []

    def verify(*_: object, **__: object) -> None:
        held.append(tracemalloc.get_traced_memory()[0] - before)
        raise ConfigError("That is enough.")

    async def pieces() -> AsyncIterator[bytes]:
        for name in (b"first", b"second"):
            yield b'--x\r\nContent-Disposition: form-data; name="' + name + b'"; filename="a"\r\n\r\n'
            for _ in range(size // 10_000):
                yield bytes(10_000)
            yield b"\r\n"
        yield b"--x--\r\n"

    monkeypatch.setattr(made.verifier, "verify", verify)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    answer = made.client.post("/v1/verify", content=pieces(), headers=headers)
    tracemalloc.stop()
    assert answer.json()["type"] == "urn:twinlens:problem:unsupported"
    assert 2 * size < held[0] < 1.2 * 2 * size


def test_an_end_of_time_elsewhere_is_no_fault(made: Made) -> None:
    for end, status in [("9999-12-31T23:59:59-12:00", 422), ("9999-12-31T23:59:59Z", 201)]:
        answer = made.client.post("/v1/subjects/1/templates", files=upload(photos=photo(1)), data={"expires_at": end})
        assert answer.status_code == status, answer.text
    with pytest.raises(ConfigError, match="beyond the end of time"):
        Terms(expires_at=datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))))


def test_names_that_are_no_text_do_not_become_one_subject(made: Made) -> None:
    for name in ("Jos%E9", "Jos%E8", "%ff", "%EF%BF%BD"):
        answer = made.client.post(f"/v1/subjects/{name}/templates", files=upload(photos=photo(1)))
        assert answer.status_code == 422, name
    with pytest.raises(ConfigError, match="cannot be the name"):
        subject_name("Jos\N{REPLACEMENT CHARACTER}")
    assert made.gallery.subjects() == ()


def test_whoever_asks_whether_it_is_ready_keeps_nobody_waiting(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, busy = [], threading.Event()
    monkeypatch.setattr(made.gallery, "check", lambda: (time.sleep(0.1), looks.append(1)))
    pool = made.app.state.service.workers._pool
    waiting = [pool.submit(busy.wait, 10) for _ in range(20)]  # every worker has something to do
    try:
        with ThreadPoolExecutor(20) as strangers:
            answers = list(strangers.map(lambda _: made.client.get("/readyz").status_code, range(100)))
    finally:
        busy.set()
    assert set(answers) == {200}
    assert 1 <= len(looks) <= 3
    assert all(each.result() for each in waiting)


def test_a_look_that_was_given_up_is_not_the_last(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinlens.serving.service.state._FRESH", 0.0)
    made.app.state.service.settings.__dict__["timeout"] = 0.05
    monkeypatch.setattr(made.gallery, "check", lambda: time.sleep(0.2))
    assert made.client.get("/readyz").status_code == 504
    time.sleep(0.3)
    monkeypatch.setattr(made.gallery, "check", lambda: None)
    assert made.client.get("/readyz").status_code == 200


class LongLog:
    """Entries 1 to ``length``, and how many were read."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.read = 0

    def audit(self, since: int = 0) -> Iterator[AuditEntry]:
        for number in range(since + 1, self.length + 1):
            self.read += 1
            yield AuditEntry(number, datetime(2026, 1, 1, tzinfo=UTC), "ann", "create", None, "{}", "", f"{number}")


class Kept:
    def __init__(self, length: int) -> None:
        self.store = LongLog(length)


@given(st.integers(0, 3000))
def test_the_newest_entry_is_found_without_reading_the_log(length: int) -> None:
    kept: Any = Kept(length)
    newest = logbook._newest(kept)
    assert (newest.number if newest else 0) == length
    assert kept.store.read <= 60


def test_a_page_of_a_long_log_does_not_read_the_whole(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(30):
        made.gallery.identify(photo(1))
    whole = made.gallery.audit()
    assert made.gallery.audit(since=4, most=3).lines == whole.lines[4:7]
    assert made.gallery.audit(since=4, most=10, last=3).lines == whole.lines[11:14]
    page = made.client.get("/v1/audit", params={"since": 4, "limit": 3}).json()
    assert [line["number"] for line in page["lines"]] == [5, 6, 7]
    assert (page["entries"], page["head"]) == (whole.entries, whole.head)
    lines: list[int] = []
    original = logbook._line
    monkeypatch.setattr(logbook, "_line", lambda entry, names: lines.append(entry.number) or original(entry, names))
    made.client.get("/v1/audit", params={"limit": 2})
    assert lines == [1, 2]


def test_one_fault_of_a_network_does_not_stop_all_answers() -> None:
    faults = iter([lambda crops: crops[:0], lambda crops: crops[:, 0, 0, 0] / None, MemoryError, None])

    def encoder(crops: Any) -> Any:
        fault = next(faults)
        if fault is None:
            return np.zeros((len(crops), 2), np.float32)
        if isinstance(fault, type):
            raise fault()
        return fault(crops)

    batching = BatchingEncoder(encoder, wait=0)
    crop = np.zeros((1, 2, 2, 1), np.uint8)
    for error in (ValueError, TypeError, MemoryError):
        with pytest.raises(error):
            batching(crop)
    assert batching(crop).shape == (1, 2)
    batching.close()


@pytest.mark.parametrize(
    "header", ["Via", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Real-IP"]
)
def test_without_keys_nobody_behind_a_proxy_is_served(made: Made, header: str) -> None:
    answer = made.client.get("/v1/models", headers={header: "1"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:twinlens:problem:not-local")


def test_what_is_biometric_is_for_its_owner_alone(made: Made, tmp_path: Path) -> None:
    waiting = tmp_path / "waiting.db"
    waiting.touch()
    waiting.chmod(0o666)
    with Gallery.open(waiting, made.verifier, create=True) as gallery:
        gallery.enrol("1", [photo(1)])
        gallery.export(tmp_path / "exported", "a long passphrase")
        open_files = sorted(tmp_path.glob("waiting.db*"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [*open_files, tmp_path / "exported"]}
    assert "waiting.db-wal" in modes
    assert "waiting.db.key" in modes
    assert set(modes.values()) == {0o600}, modes


def test_a_server_that_vanishes_is_given_up_and_an_address_may_say_when() -> None:
    usual = PostgresAddress.parse("postgresql://me@db1,db2/faces?target_session_attrs=read-write").parameters()
    assert (usual["keepalives_idle"], usual["keepalives_count"]) == (20, 3)
    assert int(usual["tcp_user_timeout"]) == 30_000
    assert (usual["host"], usual["target_session_attrs"]) == ("db1,db2", "read-write")
    other = PostgresAddress.parse("postgresql://db/faces?tcp_user_timeout=5000&connect_timeout=3&passfile=/run/p")
    assert {name: other.parameters()[name] for name in ("tcp_user_timeout", "connect_timeout", "passfile")} == {
        "tcp_user_timeout": "5000", "connect_timeout": "3", "passfile": "/run/p"
    }  # fmt: skip


def test_no_request_that_begins_after_a_key_was_revoked_is_let_in(made: Made) -> None:
    """While keys come and go, and with many asking at once."""
    made.keyring.create("stays", [Scope.READ])
    for turn in range(10):
        headers = {"Authorization": f"Bearer {made.keyring.create(f'turn{turn}', [Scope.READ])}"}
        seen: list[tuple[float, int]] = []
        over = threading.Event()

        def ask(headers: dict[str, str] = headers, seen: Any = seen, over: Any = over) -> None:
            while not over.is_set():
                start = time.monotonic()
                seen.append((start, made.client.get("/v1/models", headers=headers).status_code))

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask) for _ in range(4)]
            time.sleep(0.05)
            made.keyring.revoke(f"turn{turn}")
            revoked = time.monotonic()
            time.sleep(0.05)
            over.set()
        for each in asking:
            each.result()
        assert {status for _, status in seen} == {200, 401}
        assert {status for start, status in seen if start > revoked} == {401}


def test_what_a_proxy_says_of_a_caller_stays_in_its_line(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    transport = httpx.ASGITransport(made.app, client=("1\n2\x1b[31m\x85\u2028\x9b31m\ud800", 1))
    client = httpx.AsyncClient(transport=transport, base_url="http://a")
    with caplog.at_level("INFO", "twinlens.service"):
        asyncio.run(client.get("/v1/models"))
    line = JsonFormatter().format(caplog.records[-1])
    assert '"status": 403' in line
    assert line.isascii()
    assert line.isprintable()
