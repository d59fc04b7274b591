"""The service as a process: opened, listening, and stopped without losing a request."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

import numpy as np
import uvicorn
from fastapi import FastAPI

from twinlens.errors import ImageError, ServiceError
from twinlens.serving.encoder import load_encoder
from twinlens.serving.gallery.access import gallery_file, shown_address
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.keys import key_beside
from twinlens.serving.gallery.opening import store_exists
from twinlens.serving.gallery.search import SearchKind
from twinlens.serving.models import find_model
from twinlens.serving.service.app import build_app
from twinlens.serving.service.batching import BatchingEncoder
from twinlens.serving.service.keys import Keyring
from twinlens.serving.service.logs import log_configuration
from twinlens.serving.service.metrics import Metrics
from twinlens.serving.service.security import refuse_lost_keys, refuse_others_without_keys
from twinlens.serving.service.settings import ServiceSettings
from twinlens.serving.verifier import Verifier

# What the service needs beyond its time limit to send an answer and close.
_GRACE = 5


def run_service(settings: ServiceSettings, announce: Callable[[str], None]) -> None:
    """Serve until a signal says to stop; then finish what was begun.

    Args:
        settings: How.
        announce: Told what was made, and the address as soon as requests are taken.

    Raises:
        ServiceError: Others would be let in without a key, the keys are not where they were said to be, or it cannot
            listen at the address.
        TwinlensError: Model, keys or gallery cannot be opened.
    """
    keyring = Keyring(settings.keys)
    refuse_others_without_keys(settings, keyring)
    refuse_lost_keys(settings, keyring)
    metrics = Metrics()
    with ExitStack() as opened:
        listener = opened.enter_context(_listen(settings.host, settings.port))
        verifier = _load(settings, metrics, opened)
        gallery = None
        if settings.gallery is not None:
            gallery = opened.enter_context(_open_gallery(settings.gallery, verifier, settings.search, announce))
        app = build_app(settings, verifier, gallery, metrics)
        configuration = _configuration(app, settings)
        address = _address(listener, settings)
        ready = f"Serving at {address}, described at {address}/docs"
        server = _Server(configuration, app, settings.drain, lambda: announce(ready))
        with _stopping_quietly():
            server.run(sockets=[listener])


def _load(settings: ServiceSettings, metrics: Metrics, opened: ExitStack) -> Verifier:
    """The model, ready for the first request: what is loaded on first use is loaded, so that mistakes are told now."""
    bundle = find_model(settings.model)
    encoder = BatchingEncoder(
        load_encoder(bundle, settings.encoder_threads),
        wait=settings.batch_wait,
        most=settings.max_batch,
        observe=metrics.batches.observe,
    )
    opened.callback(encoder.close)
    verifier = Verifier(bundle, encoder, settings.photo_limits)
    with suppress(ImageError):  # there is no face in it
        verifier.acquire(np.zeros((250, 250, 3), np.uint8))
    verifier.embed(np.zeros((1, *verifier.manifest.frame.shape), np.uint8))
    return verifier


def _open_gallery(address: str, verifier: Verifier, search: SearchKind, announce: Callable[[str], None]) -> Gallery:
    is_new = not store_exists(address)
    gallery = Gallery.open(address, verifier, create=True, actor="service", search=search)
    path = gallery_file(address)
    if is_new:
        announce(f"Made the gallery {shown_address(address)}.")
    if is_new and path is not None and key_beside(path).exists():
        announce(f"Its key is in {key_beside(path)}. Keep it apart from the gallery, and do not lose it.")
    return gallery


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
    configuration = uvicorn.Config(
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
    try:
        configuration.load()
    except OSError as error:  # of which errors in certificates are a kind
        raise ServiceError(
            f"{settings.tls_certificate} with the key {settings.tls_key} cannot be used: {error.strerror or error}.",
            "Give a certificate chain and its private key, both PEM.",
        ) from error
    return configuration


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
