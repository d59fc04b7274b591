import subprocess
import sys
from pathlib import Path

import pytest

from twinlens.errors import TwinlensError
from twinlens.locks import locked, try_lock

TRY = "import sys; from pathlib import Path; from twinlens.locks import try_lock; print(try_lock(Path(sys.argv[1])))"


def elsewhere(path: Path) -> bool:
    """Whether another process gets the lock."""
    command = [sys.executable, "-c", TRY, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() != "None"


def test_lock_is_one_process_s_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "made" / "lock"
    lock = try_lock(path)
    assert lock is not None
    assert try_lock(path) is None
    assert not elsewhere(path)
    lock.close()
    assert elsewhere(path)


def test_lock_ends_with_its_context_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    seen = []
    with pytest.raises(ZeroDivisionError), locked(path):
        seen.append(1 / len(seen) if try_lock(path) is None else None)
    lock = try_lock(path)
    assert lock is not None
    lock.close()


def test_lock_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TwinlensError, match="cannot be written"):
        try_lock(tmp_path / "file" / "lock")
