"""The service as a process: opened, listening, and stopped without losing a request."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import numpy as np
import uvicorn
from fastapi import FastAPI

from twinlens.errors import ImageError, ServiceError
from twinlens.serving.encoder import load_encoder
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.models import find_model
from twinlens.serving.service.app import build_app
from twinlens.serving.service.batching import BatchingEncoder
from twinlens.serving.service.keys import Keyring
from twinlens.serving.service.logs import log_configuration
from twinlens.serving.service.metrics import Metrics
from twinlens.serving.service.security import refuse_others_without_keys
from twinlens.serving.service.settings import ServiceSettings
from twinlens.serving.verifier import Verifier

# What the service needs beyond its time limit to send an answer and close.
_GRACE = 5


def run_service(settings: ServiceSettings, announce: Callable[[str], None]) -> None:
    """Serve until a signal says to stop; then finish what was begun.

    Args:
        settings: How.
        announce: Told the address as soon as requests are taken.

    Raises:
        ServiceError: Others would be let in without a key, or the address cannot be listened at.
        TwinlensError: Model, keys or gallery cannot be opened.
    """
    refuse_others_without_keys(settings, Keyring(settings.keys))
    listener = _listen(settings.host, settings.port)
    metrics = Metrics()
    bundle = find_model(settings.model)
    encoder = BatchingEncoder(
        load_encoder(bundle, settings.encoder_threads),
        wait=settings.batch_wait,
        most=settings.max_batch,
        observe=metrics.batches.observe,
    )
    verifier = Verifier(bundle, encoder, settings.photo_limits)
    _warm_up(verifier)
    gallery = None if settings.gallery is None else Gallery.open(settings.gallery, verifier, create=True)
    app = build_app(settings, verifier, gallery, metrics)
    server = _Server(_configuration(app, settings), app, settings.drain, lambda: announce(_address(listener, settings)))
    try:
        with _stopping_quietly():
            server.run(sockets=[listener])
    finally:
        encoder.close()
        if gallery is not None:
            gallery.close()


class _Server(uvicorn.Server):
    """Says that it is about to stop before it does, and goes on for as long as a load balancer takes to notice."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain: float, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._service = app.state.service
        self._drain = drain
        self._announce = announce
        self._stop_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._stop_at is None and self._drain > 0:
            self._stop_at = time.monotonic() + self._drain
            self._service.stopping = True
        else:  # at once, or for the second time
            self._service.stopping = True
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or (self._stop_at is not None and time.monotonic() >= self._stop_at)


@contextmanager
def _stopping_quietly() -> Iterator[None]:
    """uvicorn raises the signal that stopped it once more when it has stopped, which is to end nothing else."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _configuration(app: FastAPI, settings: ServiceSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=log_configuration(),
        access_log=False,
        server_header=False,
        ws="none",
        http="h11",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=int(settings.timeout) + _GRACE,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )


def _listen(host: str, port: int) -> socket.socket:
    """A socket at the address; taken before anything is loaded, so that a mistake is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ServiceError(f"{host} port {port} cannot be listened at: {error.strerror}.", "Give another.") from error
    return listener


def _address(listener: socket.socket, settings: ServiceSettings) -> str:
    host, port = listener.getsockname()[:2]
    scheme = "http" if settings.tls_certificate is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _warm_up(verifier: Verifier) -> None:
    """Load what is loaded on first use, and see that it is installed, before the first request."""
    with suppress(ImageError):  # there is no face in it
        verifier.acquire(np.zeros((250, 250, 3), np.uint8))
    verifier.embed(np.zeros((1, *verifier.manifest.frame.shape), np.uint8))
