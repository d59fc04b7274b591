"""Bytes, pixels, faces, places and time: what goes beyond is refused, and nothing stands still."""

import asyncio
import gc
import io
import struct
import threading
import time
import weakref
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.serving.service.made import Client, Made, photo, service, upload
from twinlens.serving.service.envelope import Envelope
from twinlens.serving.service.workers import Workers

PROBLEM = "urn:twinlens:problem:"


def kind(answer: httpx.Response) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(answer.json()["type"]).removeprefix(PROBLEM)


def noise(width: int, height: int, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def test_a_large_body_is_refused_by_its_announcement_and_while_it_comes(tmp_path: Path) -> None:
    with service(tmp_path, max_body_bytes=100_000) as made:
        announced = made.client.post("/v1/verify", files=upload(first=bytes(200_000), second=b""))
        assert (announced.status_code, kind(announced)) == (413, "too-large")

        async def pieces() -> AsyncIterator[bytes]:
            yield b"--x\r\nContent-Disposition: form-data; name=first; filename=a\r\n\r\n"
            for _ in range(50):
                yield bytes(10_000)

        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        streamed = made.client.post("/v1/verify", content=pieces(), headers=headers)
        assert (streamed.status_code, kind(streamed)) == (413, "too-large")
        fits = made.client.post("/v1/verify", files=upload(first=photo(1), second=photo(1)))
        assert fits.status_code == 200


def test_no_more_of_a_body_is_read_than_is_allowed(made: Made) -> None:
    made.app.state.service.settings.__dict__["max_body_bytes"] = 100_000
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        begin = b"" if read else b"--x\r\nContent-Disposition: form-data; name=first; filename=a\r\n\r\n"
        read += 10_000
        return {"type": "http.request", "body": begin + bytes(10_000), "more_body": True}

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"multipart/form-data; boundary=x"), (b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "POST", "path": "/v1/verify", "raw_path": b"/v1/verify", "query_string": b"",
             "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http",
             "http_version": "1.1", "root_path": ""}  # fmt: skip
    made.client.portal.call(made.app, scope, receive, send)
    assert sent[0]["status"] == 413
    assert read <= 120_000


def test_photos_stay_in_memory(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: pytest.fail("a photo was written to a disk"))
    big = noise(1000, 900)
    assert len(big) > 2**20
    assert made.client.post("/v1/verify", files=upload(first=big, second=big)).status_code == 200


def test_large_photos_and_pictures_that_claim_to_be_are_refused(tmp_path: Path) -> None:
    with service(tmp_path, max_photo_bytes=50_000, max_pixels=10_000) as made:
        claim = bytearray(noise(8, 8))
        claim[16:24] = struct.pack(">II", 50_000, 50_000)
        for content, words in [(noise(150, 150), "bytes"), (noise(101, 100), "10,100|101 x 100"), (bytes(claim), "")]:
            answer = made.client.post("/v1/verify", files=upload(first=photo(1), second=content))
            assert (answer.status_code, kind(answer)) == (422, "unusable-photo")
            assert answer.json()["detail"].startswith("The second photo ")
            assert any(word in answer.json()["detail"] for word in words.split("|"))


def test_too_many_photos_and_too_long_notes_are_refused(tmp_path: Path) -> None:
    with service(tmp_path, max_photos=3) as made:
        files = [("photos", ("a.png", photo(1, take))) for take in range(4)]
        assert made.client.post("/v1/subjects/a/templates", files=files).status_code == 400
        assert made.client.post("/v1/subjects/a/templates", files=files[:3]).status_code == 201
        for length in (1001, 100_000):
            answer = made.client.post("/v1/subjects/b/templates", files=files[:1], data={"consent": "x" * length})
            assert answer.status_code in (400, 422)


def test_a_request_that_takes_too_long_is_answered_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(tmp_path, timeout=0.3, threads=1) as made:
        ended = threading.Event()
        monkeypatch.setattr(made.verifier, "verify", lambda *_, **__: ended.wait(5))
        start = time.monotonic()
        answer = made.client.post("/v1/verify", files=upload(first=photo(1), second=photo(1)))
        assert (answer.status_code, kind(answer)) == (504, "timed-out")
        assert time.monotonic() - start < 2
        ended.set()


def test_a_body_that_dribbles_in_is_not_waited_for(tmp_path: Path) -> None:
    with service(tmp_path, timeout=0.3) as made:

        async def dribble() -> AsyncIterator[bytes]:
            yield b"--x\r\nContent-Disposition: form-data; name=first; filename=a\r\n\r\n"
            while True:
                yield b"-"
                await asyncio.sleep(0.02)

        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = made.client.post("/v1/verify", content=dribble(), headers=headers)
        assert (answer.status_code, kind(answer)) == (504, "timed-out")


def test_a_broken_body_that_dribbles_in_is_refused_as_broken(made: Made) -> None:
    async def dribble() -> AsyncIterator[bytes]:
        while True:
            yield b"-"
            await asyncio.sleep(0.02)

    start = time.monotonic()
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = made.client.post("/v1/verify", content=dribble(), headers=headers)
    assert (answer.status_code, kind(answer)) == (400, "malformed")
    assert time.monotonic() - start < 10


def test_there_are_so_many_places_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(tmp_path, threads=1, queue=2) as made:
        go = threading.Event()
        right = made.verifier.verify
        monkeypatch.setattr(made.verifier, "verify", lambda *a, **k: (go.wait(10), right(*a, **k))[1])

        async def together() -> list[httpx.Response]:
            transport = httpx.ASGITransport(made.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                files = upload(first=photo(1), second=photo(1))
                asked = [asyncio.ensure_future(client.post("/v1/verify", files=files)) for _ in range(6)]
                while sum(each.done() for each in asked) < 3:
                    await asyncio.sleep(0.01)
                assert (await client.get("/healthz")).status_code == 200
                go.set()
                return await asyncio.gather(*asked)

        answers = made.client.portal.call(together)
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 3
        busy = next(answer for answer in answers if answer.status_code == 503)
        assert kind(busy) == "busy"
        assert busy.headers["Retry-After"] == "1"
        again = made.client.post("/v1/verify", files=upload(first=photo(1), second=photo(1)))
        assert again.status_code == 200


def test_places_are_given_back_whatever_happens(tmp_path: Path) -> None:
    with service(tmp_path, threads=1, queue=0) as made:
        for files in (upload(first=b"x", second=b""), upload(first=photo(1)), upload(first=photo(1), second=photo(1))):
            for _ in range(3):
                assert made.client.post("/v1/verify", files=files).status_code in (200, 422)


def test_the_event_loop_is_never_blocked(made: Made) -> None:
    """While large photos are decoded and compared, other requests are answered at once."""
    large = noise(4000, 3000, "JPEG")

    async def measure() -> float:
        transport = httpx.ASGITransport(made.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
            files = upload(first=large, second=large)
            work = [asyncio.ensure_future(client.post("/v1/verify", files=files)) for _ in range(4)]
            await asyncio.sleep(0.05)
            longest = 0.0
            while not all(each.done() for each in work):
                start = time.perf_counter()
                await asyncio.sleep(0)
                assert (await client.get("/healthz")).status_code == 200
                longest = max(longest, time.perf_counter() - start)
                await asyncio.sleep(0.005)
            assert {each.result().status_code for each in work} == {200}
            return longest

    start = time.perf_counter()
    made.verifier.verify(large, large)
    alone = time.perf_counter() - start
    assert made.client.portal.call(measure) < max(0.15, 0.75 * alone)


def test_the_envelope_lets_pass_what_is_no_http(made: Made) -> None:
    seen: list[str] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope["type"])

    made.client.portal.call(Envelope(app, made.app.state.service), {"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]


def test_clients_elsewhere_get_their_answer_though_they_are_still_sending(made: Made) -> None:
    made.keyring.create("desk", ["read"])  # type: ignore[list-item]
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(10):
            read += 1
            yield bytes(1000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert Client(made.app, made.client.portal).post("/v1/verify", content=pieces(), headers=headers).status_code == 401
    assert read == 10
    read = 0
    asked = headers | {"Expect": "100-continue"}
    assert Client(made.app, made.client.portal).post("/v1/verify", content=pieces(), headers=asked).status_code == 401


def test_work_that_was_given_up_keeps_no_photos_in_the_queue() -> None:
    """Its place is given to another request at once, so its memory has to be, too."""
    workers, busy = Workers(1), threading.Event()

    async def give_up() -> weakref.ref[np.ndarray]:
        content = np.zeros(1000)
        waiting = asyncio.create_task(workers.run(partial(np.sum, content)))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        return weakref.ref(content)

    async def ask() -> None:
        running = asyncio.create_task(workers.run(lambda: busy.wait(10)))
        await asyncio.sleep(0.01)
        kept = await give_up()
        gc.collect()
        assert kept() is None
        busy.set()
        assert await running

    asyncio.run(ask())
    workers.close()
