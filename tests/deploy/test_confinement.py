"""The service confined as ``deploy`` confines it: nothing can be written but its gallery, and it may do nothing else.

Docker and systemd do not run everywhere, but the kernel that they ask does: this asks it for the same.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.deploy.instances import DEPLOY
from tests.serving.service.made import photo, small_bundle
from twinlens.serving.client.client import Client
from twinlens.serving.service.keys import Keyring, Scope

TOOLS = ("unshare", "chroot", "setpriv", "strace", "systemd-analyze")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can confine others"),
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}"),
]

# Everything read-only, a small /tmp in memory, one folder that can be written; then no privilege whatever.
CONFINE = """
set -e
folder=$1; shift
mount --rbind / "$folder/root"
mount -o remount,bind,ro "$folder/root"
mount -t tmpfs -o mode=1777,size=64m none "$folder/root/tmp"
for part in $PROGRAM; do
  mkdir -p "$folder/root$part"
  mount --bind "$part" "$folder/root$part"
  mount -o remount,bind,ro "$folder/root$part"
done
for part in config state; do
  mkdir -p "$folder/root$folder/$part"
  mount --bind "$folder/$part" "$folder/root$folder/$part"
done
mount -o remount,bind,ro "$folder/root$folder/config"
exec chroot "$folder/root" setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""
# As MemoryDenyWriteExecute: no memory that can be written is ever executed. PR_SET_MDWE is 65.
START = """
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0) != 0:
    sys.exit("the kernel is too old")
os.execv(sys.executable, [sys.executable, "-c", "from twinlens.cli.main import main; main()", *sys.argv[1:]])
"""


def test_it_serves_in_a_file_system_that_cannot_be_written_without_any_privilege(tmp_path: Path) -> None:
    for name in ("root", "config", "state"):
        (tmp_path / name).mkdir()
    small_bundle(tmp_path / "config" / "bundle", faces=True)  # with all that finds faces
    key = Keyring(tmp_path / "config" / "keys.json").create("tester", list(Scope))
    before = snapshot(tmp_path / "config")
    address, process = started(tmp_path)
    try:
        with Client(address, key=key) as client:
            client.enrol("1", [photo(1)], keep_photos=True, aligned=True)
            assert client.identify(photo(1, 1), aligned=True).subject_id == "1"
            assert client.remove("1") == 1
            assert client.ready()
        service = innermost(process)
        status = Path(f"/proc/{service.pid}/status").read_text()
        assert set(re.findall(r"^Cap(?:Prm|Eff|Bnd):\s*(\w+)$", status, re.MULTILINE)) == {"0" * 16}
        assert "NoNewPrivs:\t1" in status
        service.terminate()
        assert process.wait(60) == 0
    finally:
        for each in [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []:
            each.kill()
        process.kill()
        process.communicate()
    assert snapshot(tmp_path / "config") == before
    written = {path.name for path in (tmp_path / "state").iterdir()}
    assert written == {"people.db", "people.db.key", "calls"}
    called = set(re.findall(r"(\w+)$", (tmp_path / "state" / "calls").read_text(), re.MULTILINE)) - {"total", "syscall"}
    assert {"execve", "openat", "futex"} <= called
    allowed, forbidden = system_calls()
    assert called - allowed - forbidden == set()


def started(folder: Path) -> tuple[str, subprocess.Popen[str]]:
    """The confined service; its address and the outermost process."""
    config, state = folder / "config", folder / "state"
    _, forbidden = system_calls()
    refuse = f"inject={','.join(f'?{call}' for call in sorted(forbidden))}:error=EPERM"
    trace = ["strace", "-f", "-qq", "-c", "-o", str(state / "calls"), "-e", refuse]
    serve = [sys.executable, "-c", START, "serve", "--model", str(config / "bundle"), "--port", "0",
             "--gallery", str(state / "people.db"), "--keys", str(config / "keys.json")]  # fmt: skip
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", CONFINE, "sh", str(folder), *trace, *serve]
    # What lies in /tmp itself would be gone there.
    program = " ".join(str(path) for path in (DEPLOY.parent, Path(sys.prefix)) if path.is_relative_to("/tmp"))
    environment = {
        "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent", "PROGRAM": program
    }  # fmt: skip
    process = subprocess.Popen(
        command, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    words = next((line.split() for line in process.stdout if line.startswith("Serving at ")), None)
    assert words is not None, process.communicate()[1]
    return words[2].rstrip(","), process


def innermost(process: subprocess.Popen[str]) -> psutil.Process:
    return psutil.Process(process.pid).children(recursive=True)[-1]


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.rglob("*"))}


def system_calls() -> tuple[set[str], set[str]]:
    """The system calls that the unit allows, and those that it takes out of them, by systemd's own sets."""
    lines = re.findall(r"^SystemCallFilter=(.*)$", (DEPLOY / "twinlens.service").read_text(), re.MULTILINE)
    named = {call for line in lines if not line.startswith("~") for each in line.split() for call in members(each)}
    taken = {call for line in lines if line.startswith("~") for each in line[1:].split() for call in members(each)}
    return named - taken, taken


def members(name: str) -> Iterator[str]:
    shown = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True)
    for line in shown.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            yield from members(word)
        elif word and not word.startswith("#"):
            yield word
