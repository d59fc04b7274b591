"""What all requests of one service share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from twinlens.errors import GalleryError
from twinlens.serving.service.keys import Scope
from twinlens.serving.service.logs import LOGGER, described
from twinlens.serving.service.metrics import Metrics
from twinlens.serving.service.problems import BUSY, NOT_FOUND, STOPPING, UNAVAILABLE, RefusalError
from twinlens.serving.service.security import Guard
from twinlens.serving.service.settings import ServiceSettings
from twinlens.serving.service.workers import Workers
from twinlens.serving.verifier import Verifier

if TYPE_CHECKING:
    from twinlens.serving.gallery.gallery import Gallery

# Who the audit log says it was.
_ACTOR = "service"
_AGAIN = {"Retry-After": "1"}
# Seconds for which it is believed that the gallery is in reach, or is not.
_FRESH = 1.0


class Service:
    """What all requests share.

    Args:
        settings: How it is run.
        verifier: Decides.
        gallery: Who is enrolled; ``None`` where only verification is served.
        guard: Who is let in.
        metrics: What is counted.

    Attributes:
        workers: Threads for what takes long.
        stopping: Whether it is about to stop, and takes no new requests.
    """

    def __init__(
        self, settings: ServiceSettings, verifier: Verifier, gallery: Gallery | None, guard: Guard, metrics: Metrics
    ) -> None:
        self.settings = settings
        self.verifier = verifier
        self.guard = guard
        self.metrics = metrics
        self.workers = Workers(settings.threads)
        self.stopping = False
        self._gallery = gallery
        self._requests = 0
        self._look: asyncio.Task[None] | None = None
        self._looked_at = 0.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the places that there are for requests; taken before a byte of its body is in memory.

        Raises:
            RefusalError: All are taken, or the service is about to stop.
        """
        if self.stopping:
            raise RefusalError(STOPPING, "No new requests are taken.", "Ask another instance.", headers=_AGAIN)
        if self._requests >= self.settings.threads + self.settings.queue:
            raise RefusalError(
                BUSY, f"{self._requests} requests are being answered already.", "Try again soon.", headers=_AGAIN
            )
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    def the_gallery(self, caller: str) -> Gallery:
        """The gallery, in whose log ``caller`` is named."""
        if self._gallery is None:
            raise RefusalError(NOT_FOUND, "This service has no gallery.", "Verify two photos.")
        return self._gallery.acting(caller)

    def measured(self) -> bytes:
        """Everything that is counted, for Prometheus."""
        if self._gallery is not None:
            stats = self._gallery.stats()
            self.metrics.subjects.set(stats.subjects)
            self.metrics.templates.set(stats.templates)
        return self.metrics.shown()

    async def expire(self) -> None:
        """Remove templates whose time is over, for as long as the service runs. They match nobody in any case."""
        if self._gallery is None:
            return
        gallery = self._gallery.acting(_ACTOR)
        while True:
            try:
                await self.workers.run(gallery.expire)
            except Exception as error:  # whatever it was, it may be over the next time
                LOGGER.error("expiry failed", extra={"fields": described(error)})
            await asyncio.sleep(self.settings.expiry)

    async def refuse_unready(self) -> None:
        """Refuse if no request should be sent here.

        Raises:
            RefusalError: The service is about to stop, or its gallery is out of reach.
        """
        if self.stopping:
            raise RefusalError(STOPPING, "No new requests are taken.", "Ask another instance.", headers=_AGAIN)
        if self._gallery is None:
            return
        try:
            await asyncio.shield(self._look_at(self._gallery))
        except GalleryError as error:
            raise RefusalError(UNAVAILABLE, "The gallery is out of reach.", "See the log.", headers=_AGAIN) from error

    def _look_at(self, gallery: Gallery) -> asyncio.Task[None]:
        """A look whether the gallery is in reach: one for all who ask within a moment, as anybody may.

        It has a thread of its own, so that it neither waits behind requests nor keeps them waiting.
        """
        if self._look is None or (self._look.done() and time.monotonic() - self._looked_at > _FRESH):
            self._looked_at = time.monotonic()
            self._look = asyncio.create_task(asyncio.to_thread(gallery.check))
            self._look.add_done_callback(lambda look: look.cancelled() or look.exception())
        return self._look


def the_service(request: Request) -> Service:
    """The service that a request has come to."""
    service: Service = request.app.state.service
    return service


def the_caller(request: Request) -> str:
    """Name of the key that a request has come with."""
    caller: str = request.state.caller
    return caller


def may_read(request: Request) -> bool:
    """Whether who asks may hear who is on a photo."""
    return Scope.READ in request.state.scopes


ServiceDep = Annotated[Service, Depends(the_service)]
CallerDep = Annotated[str, Depends(the_caller)]
MayReadDep = Annotated[bool, Depends(may_read)]
