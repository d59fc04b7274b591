"""The service as a real process: no torch in it, and no request is lost when it stops."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.serving.service.made import photo, small_bundle, upload
from tests.serving.service.process import Running, running
from twinlens.serving.service.keys import Keyring, Scope


def test_it_serves_logs_and_stops(tmp_path: Path) -> None:
    with running(tmp_path) as service, httpx.Client(base_url=service.address, headers=service.headers) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        enrolled = client.post("/v1/subjects/anna-who-is-secret/templates", files=upload(photos=photo(1)))
        assert enrolled.status_code == 201
        files = [("photo", ("passport-of-anna.png", photo(1, 1)))]
        assert client.post("/v1/identify", files=files).json()["subject_id"] == "anna-who-is-secret"
        forged = {"Authorization": "Bearer x", "X-Forwarded-For": "192.0.2.7"}
        assert httpx.get(f"{service.address}/v1/models", headers=forged).status_code == 401
        mapped = Path(f"/proc/{service.process.pid}/maps").read_text()
        assert "onnxruntime" in mapped
        assert "torch" not in mapped
        assert service.stop() == 0
        lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"], line["key"]) for line in requests] == [
        ("/readyz", 200, None),
        ("/v1/subjects/{subject_id}/templates", 201, "tester"),
        ("/v1/identify", 200, "tester"),
        ("/v1/models", 401, None),
    ]
    assert all(line["ms"] > 0 and len(line["request_id"]) == 36 for line in requests)
    assert requests[3]["client"] == "127.0.0.1"
    assert "anna" not in service.log.read_text()
    assert service.key not in service.log.read_text()


def test_a_proxy_is_believed_if_it_is_one_of_ours(tmp_path: Path) -> None:
    with running(tmp_path, trusted_proxies="127.0.0.1") as service:
        assert httpx.get(f"{service.address}/v1/models", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 401
        assert service.stop() == 0
        lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert [line["client"] for line in lines if line.get("status") == 401] == ["192.0.2.7"]


def post_slowly(service: Running) -> tuple[socket.socket, bytes]:
    """A request whose body has come half, and the other half."""
    request = httpx.Request("POST", f"{service.address}/v1/verify", headers=service.headers,
                            files=upload(first=photo(1), second=photo(1, 1)))  # fmt: skip
    body = request.read()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    connection = socket.create_connection(("127.0.0.1", service.port))
    connection.sendall(f"POST /v1/verify HTTP/1.1\r\n{head}\r\n".encode() + body[: len(body) // 2])
    return connection, body[len(body) // 2 :]


def test_what_was_begun_is_finished_and_nothing_new_is_taken(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        connection, rest = post_slowly(service)
        time.sleep(0.3)
        service.process.terminate()
        deadline = time.monotonic() + 5
        while refused(service) is False and time.monotonic() < deadline:
            time.sleep(0.05)
        assert refused(service)
        assert service.process.poll() is None
        connection.sendall(rest)
        answer = connection.makefile("rb").read()
        connection.close()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b'"is_match":true' in answer
        assert service.process.wait(15) == 0


def refused(service: Running) -> bool:
    try:
        socket.create_connection(("127.0.0.1", service.port), 1).close()
    except OSError:
        return True
    return False


def test_a_load_balancer_has_time_to_notice(tmp_path: Path) -> None:
    with running(tmp_path, drain=1.5) as service, httpx.Client(base_url=service.address) as client:
        assert client.get("/readyz").status_code == 200
        service.process.terminate()
        deadline = time.monotonic() + 1
        while (ready := httpx.get(f"{service.address}/readyz")).status_code == 200 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (ready.status_code, ready.json()["type"]) == (503, "urn:twinlens:problem:stopping")
        assert service.process.wait(15) == 0


def serve(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from twinlens.cli.main import main; main()", "serve", *arguments]
    environment = os.environ | {f"TWINLENS_SERVE_{name}": value for name, value in settings.items()}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_it_does_not_start_where_it_would_let_others_in_or_cannot(tmp_path: Path) -> None:
    bundle = str(small_bundle(tmp_path / "bundle").folder)
    keys = ["--keys", str(tmp_path / "keys.json")]
    public = serve("--model", bundle, "--host", "0.0.0.0", *keys)
    assert public.returncode == 2
    assert "has no valid key" in public.stderr
    lost = serve("--model", bundle, *keys)
    assert lost.returncode == 2
    assert "keys.json is to hold the keys, and is not there. Bring it back, or make a first key" in lost.stderr
    Path(keys[1]).write_text('{"keys": []}')
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = serve("--model", bundle, "--port", str(other.getsockname()[1]), *keys)
    assert taken.returncode == 2
    assert "cannot be listened at" in taken.stderr
    broken = serve("--model", bundle, "--port", "0", *keys, TLS_CERTIFICATE="missing.pem", TLS_KEY="missing.pem")
    assert (broken.returncode, "missing.pem" in broken.stderr, "Traceback" in broken.stderr) == (2, True, False)
    missing = serve("--model", str(tmp_path / "nothing"), "--port", "0", *keys)
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_what_is_no_http_is_answered_and_forgotten(tmp_path: Path, host: str) -> None:
    Keyring(tmp_path / "keys.json").create("any", [Scope.READ])
    with running(tmp_path, host=host) as service:
        for garbage in (b"\x16\x03\x01" + bytes(100), b"GET / HTTP/9.9\r\n\r\n", b"x" * 200_000, b"\r\n" * 100):
            with socket.create_connection(("127.0.0.1", service.port), 5) as connection:
                connection.sendall(garbage)
        assert httpx.get(f"http://127.0.0.1:{service.port}/readyz").status_code == 200


def certificate(folder: Path) -> dict[str, Path]:
    """A certificate for this machine that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    local = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(local, critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "chain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(*form))
    return {"tls_certificate": folder / "chain.pem", "tls_key": folder / "key.pem"}


def test_it_speaks_tls_itself_where_it_has_a_certificate(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    with running(tmp_path, **files) as service:
        assert service.address.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=files["tls_certificate"])
        answer = httpx.get(f"{service.address}/v1/models", headers=service.headers, verify=trusted)
        assert answer.status_code == 200
