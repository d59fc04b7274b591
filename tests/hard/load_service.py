"""Load a real service with many clients for a while, and say how long answers took and what memory did.

    python -m tests.hard.load_service                # 60 s, 32 clients, 100,000 templates
    python -m tests.hard.load_service --seconds 5 --templates 2000 --out trial.json

The gallery holds synthetic templates beside those of real photos; the clients send real photos of LFW, on the machine
that also runs the service. Needs LFW and a model that sees faces.
"""

from __future__ import annotations

import argparse
import random
import secrets
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from tests.serving.service.process import Running, running
from twinlens.data.dataset import Dataset
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.errors import ImageError
from twinlens.files import write_json
from twinlens.origin import machine, source_commit
from twinlens.progress import track
from twinlens.serving.encoder import load_encoder
from twinlens.serving.gallery.access import open_vault
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.template import Details, Template, seal_template
from twinlens.serving.gallery.vault import Vault
from twinlens.serving.models import DEFAULT, find_model
from twinlens.serving.verifier import Verifier

RESULT = Path(__file__).parents[2] / "docs" / "results" / "hard" / "load_service.json"
# Out of ten requests.
MIX = ("identify",) * 5 + ("verify",) * 4 + ("enrol",)
_PORTION = 5000
_PEOPLE = 200


@dataclass
class Tally:
    """What clients have seen; each has its own until the end."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in set(MIX)})
    statuses: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--templates", type=int, default=100_000)
    parser.add_argument("--fpir", type=float, default=0.01)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measured(Path(folder), asked)
    write_json(asked.out, result)
    print(f"{asked.out}: {result['requests']} requests, {result['errors']} errors")


def measured(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Fill a gallery, serve it, load it."""
    bundle = find_model(asked.model)
    verifier = Verifier(bundle, load_encoder(bundle))
    dataset = read_lfw(locate_lfw())
    photos = fill(folder / "gallery.db", verifier, dataset, asked.templates)
    # What is allowed must not be what is measured.
    settings = {"rate": 1e9, "burst": 10**9, "queue": 2 * asked.clients}
    with running(folder, bundle.folder, **settings) as service:
        tallies, memory, seconds = load(service, photos, asked)
    tally = joined(tallies)
    durations = {kind: percentiles(tally.seconds[kind], seconds) for kind in sorted(tally.seconds)}
    return {
        "commit": source_commit(),
        "machine": machine(),
        "model": bundle.manifest.name,
        "fingerprint": bundle.manifest.fingerprint,
        "clients": asked.clients,
        "templates": asked.templates,
        "fpir": asked.fpir,
        "seconds": round(seconds, 1),
        "requests": sum(tally.statuses.values()),
        "errors": len(tally.errors),
        "first_errors": tally.errors[:5],
        "statuses": dict(sorted(tally.statuses.items())),
        "latency_ms": durations,
        "memory_mib": memory_figures(memory),
    }


def fill(path: Path, verifier: Verifier, dataset: Dataset, templates: int) -> list[Path]:
    """Enrol real people and add synthetic templates; photos of people who are enrolled, and of others."""
    rng = random.Random(0)
    order = list(range(len(dataset)))
    rng.shuffle(order)
    photos = [dataset.path(i) for i in order[: 4 * _PEOPLE]]
    with Gallery.open(path, verifier, create=True) as gallery:
        usable = []
        for position, photo in enumerate(track(photos, "Enrolling", len(photos))):
            try:
                verifier.acquire(photo)
            except ImageError:  # no face, or several: what is measured is how long answers take, not refusals
                continue
            usable.append(photo)
            if position < _PEOPLE:
                gallery.enrol(photo.stem, [photo], allow_poor=True, allow_duplicate=True)
    vault = open_vault(path, None, "load")
    add_synthetic(vault, verifier.manifest.dim, templates - len(vault.store.subjects()))
    vault.store.close()
    return usable


def add_synthetic(vault: Vault, dim: int, count: int) -> None:
    """Add templates of nobody: directions at random."""
    details = Details.model_validate(next(vault.templates()).details.model_dump())
    rng = np.random.default_rng(0)
    for start in track(range(0, count, _PORTION), "Adding templates", -(-count // _PORTION)):
        embeddings = rng.normal(size=(min(_PORTION, count - start), dim)).astype(np.float32)
        made = [
            Template(secrets.token_hex(16), f"synthetic {start + i}", embedding, details, None, datetime.now(UTC), None)
            for i, embedding in enumerate(embeddings)
        ]
        with vault.writing() as opened:
            drafts = [vault.draft("import", None, {"templates": [template.template_id for template in made]})]
            vault.store.add([seal_template(template, opened.seal) for template in made], drafts, opened.auditor)


def load(
    service: Running, photos: list[Path], asked: argparse.Namespace
) -> tuple[list[Tally], list[tuple[float, float]], float]:
    """Let all clients ask until the time is over, and watch the memory of the service."""
    contents = [photo.read_bytes() for photo in photos]
    with httpx.Client(base_url=service.address, headers=service.headers, timeout=120) as client:
        for _ in range(3):  # the first search reads the gallery
            client.post("/v1/identify", files={"photo": contents[0]}, data={"fpir": asked.fpir})
    tallies = [Tally() for _ in range(asked.clients)]
    start = time.monotonic()
    end = start + asked.seconds
    clients = [
        threading.Thread(target=ask, args=(service, contents, number, end, asked.fpir, tally))
        for number, tally in enumerate(tallies)
    ]
    for client in clients:
        client.start()
    watched = track(ticks(end), "Asking", round(asked.seconds))
    memory = [(time.monotonic() - start, resident(service)) for _ in watched]
    for client in clients:
        client.join()
    return tallies, memory, time.monotonic() - start


def ticks(end: float) -> Iterator[None]:
    """About one a second."""
    while time.monotonic() < end:
        yield
        time.sleep(min(1.0, max(0.0, end - time.monotonic())))


def ask(service: Running, photos: list[bytes], number: int, end: float, fpir: float, tally: Tally) -> None:
    """One client: ask, wait for the answer, ask again."""
    rng = random.Random(number)
    with httpx.Client(base_url=service.address, headers=service.headers, timeout=60) as client:
        for count in range(10**9):
            if time.monotonic() >= end:
                return
            kind, photo, other = rng.choice(MIX), rng.choice(photos), rng.choice(photos)
            start = time.perf_counter()
            try:
                answer = asked_for(client, kind, photo, other, f"client {number} {count}", fpir)
            except httpx.HTTPError as error:
                tally.errors.append(f"{kind}: {type(error).__name__}")
                continue
            tally.seconds[kind].append(time.perf_counter() - start)
            tally.statuses[str(answer.status_code)] += 1
            if answer.status_code not in (200, 201):
                tally.errors.append(f"{kind}: {answer.text[:300]}")


def asked_for(client: httpx.Client, kind: str, photo: bytes, other: bytes, subject: str, fpir: float) -> httpx.Response:
    """The answer to one request."""
    if kind == "identify":
        return client.post("/v1/identify", files={"photo": photo}, data={"fpir": fpir})
    if kind == "verify":
        return client.post("/v1/verify", files={"first": photo, "second": other})
    data = {"allow_poor": "true", "allow_duplicate": "true"}
    return client.post(f"/v1/subjects/{subject}/templates", files={"photos": photo}, data=data)


def joined(tallies: list[Tally]) -> Tally:
    """All tallies as one."""
    every = Tally()
    for tally in tallies:
        every.statuses.update(tally.statuses)
        every.errors += tally.errors
        for kind, seconds in tally.seconds.items():
            every.seconds[kind] += seconds
    return every


def percentiles(seconds: list[float], length: float) -> dict[str, float]:
    """How long answers took, in milliseconds, and how many there were in a second."""
    if not seconds:
        return {"requests": 0}
    p50, p95, p99 = 1000 * np.percentile(seconds, [50, 95, 99])
    figures = {"p50": p50, "p95": p95, "p99": p99, "max": 1000 * max(seconds), "per_second": len(seconds) / length}
    return {"requests": len(seconds)} | {name: round(float(value), 1) for name, value in figures.items()}


def memory_figures(memory: list[tuple[float, float]]) -> dict[str, Any]:
    """Memory at the beginning, at most and at the end, and how fast it grew in the second half."""
    half = memory[len(memory) // 2 :]
    growth = 60 * np.polyfit(*zip(*half, strict=True), 1)[0] if len(half) > 2 else 0.0
    values = [value for _, value in memory]
    return {
        "start": values[0],
        "most": max(values),
        "end": values[-1],
        "growth_per_minute_in_second_half": round(float(growth), 1),
        "by_second": [value for _, value in memory],
    }


def resident(service: Running) -> float:
    """MiB of memory that the service holds."""
    status = Path(f"/proc/{service.process.pid}/status").read_text(encoding="ascii")
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 1)


if __name__ == "__main__":
    main()
