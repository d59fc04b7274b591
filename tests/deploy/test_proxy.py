"""The service behind nginx with the configuration of ``deploy``, where nginx is installed.

Instances that come and go behind it are in ``tests/hard/rolling_restart.py``.
"""

import os
import shutil
import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path

import httpx
import pytest

from tests.deploy.instances import Shared, free_port, proxied, started
from tests.serving.service.made import small_bundle
from twinlens.serving.client.asking import RefusedError
from twinlens.serving.client.client import Client

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can give secrets to others"),
]


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    settings = {"trusted_proxies": "127.0.0.1", "drain": "1", "rate": "1e6", "burst": "1000000"}
    return Shared(tmp_path, small_bundle(tmp_path / "bundle").folder, str(tmp_path / "gallery.db"), settings)


def client(address: str, certificate: Path, key: str, **options: object) -> Client:
    context = ssl.create_default_context(cafile=certificate)
    return Client(address, key=key, transport=httpx.HTTPTransport(verify=context), **options)  # type: ignore[arg-type]


def test_what_the_proxy_refuses_is_a_problem(shared: Shared, tmp_path: Path) -> None:
    key, other = shared.key(), shared.key()
    with started(shared, 1) as instances, proxied(tmp_path, [instances[0].port]) as (address, trusted):
        with client(address, trusted, key, retries=0) as asked:
            with pytest.raises(RefusedError) as large:
                asked.verify(bytes(15_000_000), bytes(15_000_000))
            assert (large.value.kind, len(large.value.request_id)) == ("too-large", 32)
            with ThreadPoolExecutor(16) as pool:
                kinds = Counter(pool.map(lambda _: kind_of(asked), range(150)))
            assert kinds["fine"] >= 60
            assert kinds["rate-limited"] >= 20
            assert kinds["fine"] + kinds["rate-limited"] == 150
        with client(address, trusted, other) as another:
            assert another.models()
        with client(address, trusted, key) as asked:
            assert asked.models()  # it waits and asks again
            verify = ssl.create_default_context(cafile=trusted)
            headers = {"Authorization": f"Bearer {key}"}
            assert httpx.get(f"{address}/metrics", headers=headers, verify=verify).status_code == 404
            forged = {"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.9", "X-Real-IP": "192.0.2.9"}
            forged["Authorization"] = "Bearer wrong"
            assert httpx.get(f"{address}/v1/models", headers=forged, verify=verify).status_code == 401
            assert instances[0].stop() == 0
            assert not asked.ready()
            with pytest.raises(RefusedError) as gone:
                asked.models()
            assert gone.value.kind == "unavailable"

    log = instances[0].log.read_text()
    assert '"client": "127.0.0.1"' in log
    assert "192.0.2.9" not in log
    access = (tmp_path / "deploy" / "access.log").read_text()
    assert "/v1/" not in access
    assert key not in access


def test_a_request_without_a_key_is_refused_before_its_photos_are_taken(tmp_path: Path) -> None:
    with proxied(tmp_path, [free_port()]) as (address, trusted):
        answers = {path: answer_before_the_body(address, trusted, path) for path in ("/v1/verify", "/docs", "/healthz")}
    assert [answer.status for answer in answers.values()] == [401, 413, 413]
    refused = answers["/v1/verify"]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="twinlens"'


def answer_before_the_body(address: str, trusted: Path, path: str) -> HTTPResponse:
    """What a caller without a key is told who has sent nothing of the photos yet."""
    context = ssl.create_default_context(cafile=trusted)
    connection = HTTPSConnection(address.removeprefix("https://"), context=context, timeout=5)
    connection.putrequest("POST", path)
    connection.putheader("Content-Length", "1000000")
    connection.endheaders()
    answer = connection.getresponse()
    connection.close()
    return answer


def test_what_the_proxy_cannot_do_is_a_problem_of_the_status_it_has_and_names_nobody(tmp_path: Path) -> None:
    with proxied(tmp_path, [free_port()]) as (address, trusted):
        verify = ssl.create_default_context(cafile=trusted)
        headers = {"Authorization": "Bearer some key"}
        with httpx.Client(base_url=address, headers=headers, verify=verify) as caller:
            gone = [caller.post("/v1/subjects/Jane%20Doe/verify", content=bytes(100_000))]
            shutil.rmtree(tmp_path / "deploy" / "body")  # so that photos find no room
            gone += [caller.post("/v1/subjects/Jane%20Doe/verify", content=bytes(100_000))]
        for answer in gone:
            assert (answer.status_code, answer.json()["status"]) == (503, 503)
            assert answer.json()["type"] == "urn:twinlens:problem:unavailable"
    for log in ("access.log", "error.log"):
        said = (tmp_path / "deploy" / log).read_text()
        assert "Jane" not in said
        assert "/v1/" not in said
        assert "some key" not in said


def kind_of(asked: Client) -> str:
    try:
        asked.models()
    except RefusedError as error:
        return error.kind
    return "fine"
