"""Where and when a folder of figures was started: the commit, the machine and the versions they depend on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import twinlens
from twinlens.errors import RunError
from twinlens.files import write_json

_LIBRARIES = ("torch", "lightning", "numpy", "scikit-learn", "onnxruntime", "pillow")


@dataclass(frozen=True)
class Origin:
    """Where and when a run was started.

    Attributes:
        started: UTC, ISO 8601.
        commit: Of the source tree.
        machine: Processor and cores.
        versions: Of what its figures depend on.
    """

    started: str
    commit: str
    machine: str
    versions: dict[str, str]


def write_origin(folder: Path) -> None:
    """Note where and when what is in ``folder`` was started."""
    started = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    write_json(folder / "origin.json", asdict(Origin(started, source_commit(), machine(), versions())))


def read_origin(folder: Path) -> Origin:
    """Where and when what is in ``folder`` was started.

    Raises:
        RunError: Its ``origin.json`` is missing or was changed.
    """
    path = folder / "origin.json"
    try:
        return Origin(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path} does not say where the run was started: {error}.", "Train it anew.") from error


def source_commit() -> str:
    """The commit of the source tree that runs, with ``+changes`` if it differs, else the version."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():  # installed; a repository further up would be somebody else's
        return f"twinlens {twinlens.__version__}"
    try:
        asked = [["git", "rev-parse", "HEAD"], ["git", "status", "--porcelain", "--", "src"]]
        head, changes = (
            subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
            for command in asked
        )
    except (OSError, subprocess.CalledProcessError):
        return f"twinlens {twinlens.__version__}"
    return f"{head}+changes" if changes else head


def machine() -> str:
    """Processor and number of cores."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def versions() -> dict[str, str]:
    """Versions of Python, of twinlens and of the libraries that figures depend on."""
    found = {"python": platform.python_version(), "twinlens": twinlens.__version__}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
