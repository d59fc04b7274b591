"""Send ten thousand hostile files to the command line and to a real service, and say what became of them.

    python -m tests.hard.hostile_inputs              # 10,000 files
    python -m tests.hard.hostile_inputs --count 300 --out trial.json

Six of ten go to the service over HTTP; the others to ``twinlens verify``, most within this process, some of them to a
process of its own. Whatever is sent, the service may answer with any status below 500 and a problem, the command line
may end with 0, 1 or 2 and one sentence, and memory must stay bounded. Exits with status 1 if anything else happens.
Needs LFW and a model that sees faces.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from tests.hard.load_service import resident
from tests.hostile import KINDS, Hostile, hostile_files
from tests.serving.service.process import Running, running
from twinlens.cli.main import app
from twinlens.data.lfw import read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.files import write_json
from twinlens.origin import machine, source_commit
from twinlens.progress import track
from twinlens.serving.models import DEFAULT, find_model

RESULT = Path(__file__).parents[2] / "docs" / "results" / "hard" / "hostile_inputs.json"
_ROUTES = (("/v1/identify", "photo"), ("/v1/subjects/somebody/templates", "photos"), ("/v1/verify", "first"))
_HTTP_SHARE = 6
_PROCESS_EVERY = 100
_START = "from twinlens.cli.main import main; main()"


@dataclass
class Ends:
    """How inputs ended.

    Attributes:
        counts: By way and outcome, e.g. ``http 422``.
        kinds: By kind of file and outcome.
        faults: What must not happen, described.
        slowest: Seconds of the slowest, by way.
        memory: MiB of the service as time went by.
    """

    counts: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    faults: list[str] = field(default_factory=list)
    slowest: dict[str, float] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)

    def note(self, way: str, hostile: Hostile, outcome: str, seconds: float, fault: str) -> None:
        """Count one input."""
        self.counts[f"{way} {outcome}"] += 1
        self.kinds[hostile.kind][f"{way} {outcome}"] += 1
        self.slowest[way] = max(self.slowest.get(way, 0.0), round(seconds, 2))
        if fault:
            self.faults.append(f"{way}, {hostile.kind}: {fault}")


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ends, seconds = sent(Path(folder), asked)
    result = described(ends, seconds, asked)
    write_json(asked.out, result)
    print(f"{asked.out}: {asked.count} inputs, {len(ends.faults)} faults")
    raise SystemExit(1 if ends.faults else 0)


def sent(folder: Path, asked: argparse.Namespace) -> tuple[Ends, float]:
    """Send all files."""
    bundle = find_model(asked.model).folder
    dataset = read_lfw(locate_lfw())
    chosen = random.Random(asked.seed).sample(range(len(dataset)), 50)
    photos = tuple(dataset.path(i).read_bytes() for i in chosen)
    ends, start = Ends(), time.monotonic()
    settings = {"rate": 1e9, "burst": 10**9, "max_faces": 5}
    with running(folder, bundle, **settings) as service:
        with httpx.Client(base_url=service.address, headers=service.headers, timeout=60) as client:
            files = hostile_files(asked.seed, asked.count, photos)
            for i, hostile in enumerate(track(files, "Sending", asked.count)):
                photo, turn = photos[i % len(photos)], i // len(KINDS)  # every kind goes every way
                if turn % 10 < _HTTP_SHARE:
                    over_http(client, hostile, photo, turn, ends)
                else:
                    on_command_line(folder, bundle, hostile, photo, turn, ends)
                if i % max(1, asked.count // 100) == 0:
                    ends.memory.append(resident(service))
        see_that_it_lives(service, ends)
    return ends, time.monotonic() - start


def over_http(client: httpx.Client, hostile: Hostile, photo: bytes, turn: int, ends: Ends) -> None:
    """Send one file to the service."""
    path, name = _ROUTES[turn % len(_ROUTES)]
    files = {name: ("photo.jpg", hostile.content)} | ({"second": ("second.jpg", photo)} if name == "first" else {})
    start = time.perf_counter()
    try:
        answer = client.post(path, files=files)
    except httpx.HTTPError as error:
        ends.note("http", hostile, type(error).__name__, time.perf_counter() - start, f"no answer: {error}")
        return
    is_problem = answer.headers["content-type"] == "application/problem+json"
    well = answer.status_code < 500 and is_problem == (answer.status_code >= 400) and "Traceback" not in answer.text
    fault = "" if well else f"{answer.status_code}: {answer.text[:300]}"
    ends.note("http", hostile, str(answer.status_code), time.perf_counter() - start, fault)


def on_command_line(folder: Path, bundle: Path, hostile: Hostile, photo: bytes, turn: int, ends: Ends) -> None:
    """Give one file to ``twinlens verify``."""
    first, second = folder / "first.jpg", folder / "second.jpg"
    first.write_bytes(hostile.content)
    second.write_bytes(photo)
    arguments = ["verify", str(first), str(second), "--model", str(bundle)]
    way = "process" if turn % _PROCESS_EVERY == _HTTP_SHARE else "command line"
    start = time.perf_counter()
    code, errors = in_a_process(arguments) if way == "process" else within(arguments)
    lines = errors.splitlines()
    well = code in (0, 1) or (code == 2 and len(lines) == 1 and lines[0].startswith("Error: "))
    ends.note(way, hostile, str(code), time.perf_counter() - start, "" if well else f"{code}: {errors[-300:]}")


def within(arguments: list[str]) -> tuple[int, str]:
    """The exit code and what stood on standard error, of a command in this process."""
    found = CliRunner().invoke(app, arguments)
    escaped = found.exception is not None and not isinstance(found.exception, SystemExit)
    return (99, repr(found.exception)) if escaped else (found.exit_code, found.stderr)


def in_a_process(arguments: list[str]) -> tuple[int, str]:
    """The same of a command in a process of its own."""
    found = subprocess.run([sys.executable, "-c", _START, *arguments], capture_output=True, text=True, timeout=120)
    return found.returncode, found.stderr


def see_that_it_lives(service: Running, ends: Ends) -> None:
    """See that the service is ready after all that, stops in order, and has logged no error."""
    if httpx.get(f"{service.address}/readyz").status_code != 200:
        ends.faults.append("the service is not ready any more")
    if (code := service.stop()) != 0:
        ends.faults.append(f"the service ended with {code}")
    lines = [line for line in service.log.read_text().splitlines() if json.loads(line)["level"] == "error"]
    ends.faults += [f"the service's log: {line[:300]}" for line in lines]


def described(ends: Ends, seconds: float, asked: argparse.Namespace) -> dict[str, Any]:
    """What is written."""
    return {
        "commit": source_commit(),
        "machine": machine(),
        "inputs": asked.count,
        "seed": asked.seed,
        "seconds": round(seconds, 1),
        "faults": len(ends.faults),
        "first_faults": ends.faults[:10],
        "outcomes": dict(sorted(ends.counts.items())),
        "outcomes_by_kind": {kind: dict(sorted(counts.items())) for kind, counts in sorted(ends.kinds.items())},
        "slowest_seconds": ends.slowest,
        "service_memory_mib": {"start": ends.memory[0], "most": max(ends.memory), "end": ends.memory[-1]},
    }


if __name__ == "__main__":
    main()
