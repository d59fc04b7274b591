"""Instances of the service on one gallery, and the proxy of ``deploy`` in front of them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from twinlens.serving.service.keys import Keyring, Scope

DEPLOY = Path(__file__).parents[2] / "deploy"
_START = "from twinlens.cli.main import main; main()"


@dataclass
class Shared:
    """What all instances share.

    Attributes:
        folder: Where keys, gallery and logs are.
        model: A bundle.
        gallery: Its address.
        settings: Of the service, for each of them.
        environment: Further variables.
    """

    folder: Path
    model: Path
    gallery: str
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.folder / "keys.json")

    def key(self) -> str:
        """A new key with all scopes."""
        return self.keyring.create(f"key{len(self.keyring.listed())}", list(Scope))

    def start(self, port: int = 0) -> Instance:
        """Start an instance, and wait until it listens."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TWINLENS_SERVE_")}
        environment |= {f"TWINLENS_SERVE_{name.upper()}": value for name, value in self.settings.items()}
        environment |= self.environment
        command = [sys.executable, "-c", _START, "serve", "--model", str(self.model), "--gallery", self.gallery,
                   "--keys", str(self.keyring.path), "--port", str(port)]  # fmt: skip
        log = self.folder / f"log-{time.monotonic_ns()}.jsonl"
        with log.open("w") as errors:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        words = next((line.split() for line in process.stdout if line.startswith("Serving at ")), None)
        assert words is not None, log.read_text()
        return Instance(process, int(words[2].rstrip(",").rpartition(":")[2]), log)


@dataclass
class Instance:
    """An instance that listens."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    def stop(self) -> int:
        """Ask it to stop, wait until it has; its exit code."""
        self.process.terminate()
        self.process.communicate(timeout=40)
        return self.process.returncode


@contextmanager
def started(shared: Shared, count: int) -> Iterator[list[Instance]]:
    """Instances, which end in any case; those that were started later and put in the list, too."""
    with ExitStack() as stack:
        instances: list[Instance] = []
        stack.callback(lambda: [each.process.kill() or each.process.communicate() for each in instances])
        instances += [shared.start() for _ in range(count)]
        yield instances


@contextmanager
def proxied(folder: Path, ports: Sequence[int]) -> Iterator[tuple[str, Path]]:
    """nginx with the configuration of ``deploy``, in front of ports of this machine.

    Yields:
        The address, and the certificate to trust.
    """
    deploy = folder / "deploy"
    shutil.copytree(DEPLOY, deploy, ignore=shutil.ignore_patterns("secrets", "keys"))
    subprocess.run([deploy / "prepare.sh"], check=True)
    port, watched = free_port(), free_port()
    servers = "\n".join(f"server 127.0.0.1:{each} max_fails=0;" for each in ports)
    changed = {
        "listen 8443": f"listen 127.0.0.1:{port}",
        "listen 127.0.0.1:8080": f"listen 127.0.0.1:{watched}",
        "server service:8000 max_fails=0;": servers,
        "/tmp/": f"{deploy}/",
        "/run/secrets": str(deploy / "secrets"),
        "worker_processes auto;": "user root;",  # whose the folder is
        "/dev/stdout": str(deploy / "access.log"),
        "/dev/stderr": str(deploy / "error.log"),
    }
    text = (deploy / "nginx.conf").read_text()
    for old, new in changed.items():
        assert old in text, old
        text = text.replace(old, new)
    (deploy / "nginx.conf").write_text(text)
    command = ["nginx", "-c", str(deploy / "nginx.conf"), "-e", str(deploy / "error.log"), "-g", "daemon off;"]
    process = subprocess.Popen(command)
    try:
        wait_for(watched)
        yield f"https://127.0.0.1:{port}", deploy / "secrets" / "tls_certificate"
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Wait until something listens."""
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end, "nothing listens"
            time.sleep(0.05)
        else:
            return
