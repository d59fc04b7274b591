"""The service as a real process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.serving.service.made import small_bundle
from twinlens.serving.service.keys import Keyring, Scope


@dataclass
class Running:
    """A service that listens.

    Attributes:
        address: Where, e.g. ``http://127.0.0.1:41234``.
        process: The process.
        key: A key with all scopes.
        log: What it writes to standard error.
    """

    address: str
    process: subprocess.Popen[str]
    key: str
    log: Path

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(folder: Path, model: Path | None = None, **settings: object) -> Iterator[Running]:
    """Start ``twinlens serve`` and end it in any case.

    Args:
        folder: Where its files are.
        model: A bundle; a small one that knows no faces if not given.
        settings: Passed on in the environment.
    """
    model = model or small_bundle(folder / "bundle").folder
    keys = folder / "keys.json"
    key = Keyring(keys).create("tester", list(Scope))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TWINLENS_SERVE_")}
    environment |= {f"TWINLENS_SERVE_{name.upper()}": str(value) for name, value in settings.items()}
    environment |= {"TWINLENS_SERVE_GALLERY": str(folder / "gallery.db"), "OMP_NUM_THREADS": "1"}
    code = "from twinlens.cli.main import main; main()"
    command = [sys.executable, "-c", code, "serve", "--model", str(model), "--port", "0", "--keys", str(keys)]
    log = folder / "log.jsonl"
    with log.open("w") as errors:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        words = next((line.split() for line in process.stdout if line.startswith("Serving at ")), None)
        assert words is not None, log.read_text()
        yield Running(words[2].rstrip(","), process, key, log)
    finally:
        process.kill()
        process.communicate()
