"""Stop and kill instances behind the proxy of ``deploy``, one after another, while clients ask; nothing may be lost.

    python -m tests.hard.rolling_restart                 # 6 rounds
    python -m tests.hard.rolling_restart --rounds 1 --out trial.json

Two instances share one gallery on PostgreSQL. In each round one of them is asked to stop, or killed, and started again.
Needs nginx, a PostgreSQL out of a wheel, and root, who alone can give secrets to others.
"""

from __future__ import annotations

import argparse
import ssl
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx

from tests.deploy.instances import Instance, Shared, proxied, started
from tests.postgres import running as postgres
from tests.serving.service.made import photo, small_bundle
from twinlens.errors import ServiceError
from twinlens.files import write_json
from twinlens.origin import machine, source_commit
from twinlens.progress import track
from twinlens.serving.client.client import Client
from twinlens.serving.gallery.keys import KEY, Key

RESULT = Path(__file__).parents[2] / "docs" / "results" / "hard" / "rolling_restart.json"
# Below what the proxy allows of one key: four clients, two requests each, in a second.
_CLIENTS, _PAUSE = 4, 0.5


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, postgres(durable=True) as server:
        result = measured(Path(folder), server.address("twinlens"), asked.rounds)
    write_json(asked.out, result)
    print(f"{asked.out}: {sum(result['answers'].values())} answers, {len(result['lost'])} lost")
    raise SystemExit(1 if result["lost"] or not result["log_intact"] else 0)


def measured(folder: Path, gallery: str, rounds: int) -> dict[str, Any]:
    """Let instances come and go."""
    settings = {"trusted_proxies": "127.0.0.1", "drain": "1"}
    environment = {KEY: Key.new().text()}
    shared = Shared(folder, small_bundle(folder / "bundle").folder, gallery, settings, environment)
    key = shared.key()
    with started(shared, 2) as instances, proxied(folder, [each.port for each in instances]) as (address, trusted):
        transport = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=trusted))
        with Client(address, key=key, transport=transport) as client:
            answers, lost, seconds = asked_while(client, lambda: come_and_go(shared, instances, rounds))
            report = client.audit(verify=True)
            enrolled = len(list(client.subjects()))
    assert report.check is not None
    return {
        "commit": source_commit(),
        "machine": machine(),
        "rounds": rounds,
        "seconds": round(seconds, 1),
        "answers": dict(sorted(answers.items())),
        "lost": lost,
        "enrolled_and_there": enrolled,
        "log_intact": report.check.intact,
    }


def asked_while(client: Client, work: Any) -> tuple[Counter[str], list[str], float]:
    """Answers while ``work`` is done, what was lost, and how long it took."""
    over, answers, lost, start = Event(), Counter[str](), list[str](), time.monotonic()

    def ask(number: int) -> None:
        turn = 0
        while not over.is_set():
            subject = f"{number}-{turn}"
            try:
                client.enrol(subject, [photo(1000 * number + turn)], allow_duplicate=True)
                found = client.verify_subject(subject, photo(1000 * number + turn, 1)).is_match
            except ServiceError as error:
                lost.append(f"{type(error).__name__}: {error}")
            else:
                answers["enrolled"] += 1
                answers["verified" if found else "not recognised"] += 1
            turn += 1
            time.sleep(_PAUSE)

    with ThreadPoolExecutor(_CLIENTS) as pool:
        asking = [pool.submit(ask, number) for number in range(_CLIENTS)]
        try:
            work()
        finally:
            over.set()
    for each in asking:
        each.result()
    return answers, lost, time.monotonic() - start


def come_and_go(shared: Shared, instances: list[Instance], rounds: int) -> None:
    """Stop or kill one instance after another, and start it again at its port."""
    for number in track(range(rounds), "Restarting", rounds):
        time.sleep(2)
        instance = instances[number % 2]
        if number % 4 < 2:
            assert instance.stop() == 0
        else:
            instance.process.kill()
            instance.process.communicate()
        time.sleep(1)
        instances[number % 2] = shared.start(instance.port)
    time.sleep(2)


if __name__ == "__main__":
    main()
