"""``twinlens serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME|BUNDLE|RUN", help="The model that decides.", show_default="lfw-identities"),
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DSN",
            envvar=["TWINLENS_SERVE_GALLERY", "TWINLENS_GALLERY"],
            help="Who is enrolled: a file, made if it is missing, or postgresql://...",
            show_default="none: only verification is served",
        ),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen at.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", show_default="8000")] = None,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the keys are.", show_default="keys.json in the user's configuration"),
    ] = None,
) -> None:
    """Serve verification and identification over HTTP, until Ctrl-C or a signal to stop.

    Without keys only programs on this machine are served; make one with: twinlens keys create NAME --scope read.
    Further settings are variables TWINLENS_SERVE_..., which docs/service.md lists. Logs go to standard error, a line
    of JSON for each request.
    """
    from twinlens.errors import ServiceError

    try:
        from twinlens.serving.service.running import run_service
        from twinlens.serving.service.settings import load_settings
    except ModuleNotFoundError as error:
        raise ServiceError(
            f"Serving needs {error.name}.", "Install what is needed: pip install 'twinlens[serve]'."
        ) from error
    settings = load_settings(model=model, gallery=gallery, host=host, port=port, keys=keys)
    run_service(settings, typer.echo)
    typer.echo("Stopped.")
