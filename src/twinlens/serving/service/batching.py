"""One inference for the crops of many requests: ten crops take a network much less than ten times the time of one."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread

import numpy as np

from twinlens.types import Encoder, Float32Array, UInt8Array


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    crops: UInt8Array
    embeddings: Future[Float32Array] = field(default_factory=Future)


class BatchingEncoder:
    """An :class:`~twinlens.types.Encoder` that many threads call and one thread of its own works for.

    A call waits a moment for others and is then embedded together with them. If a joint inference fails, each call is
    tried alone, so that none fails because of another.

    Args:
        encoder: Embeds.
        wait: Seconds that a call waits for others; what comes while an inference runs joins the next one in any case.
        most: Crops of one inference at most; a call with more is one by itself.
        observe: Told how many crops each inference had.
    """

    def __init__(
        self, encoder: Encoder, *, wait: float = 0.002, most: int = 64, observe: Callable[[int], None] = lambda _: None
    ) -> None:
        self._encoder = encoder
        self._wait = wait
        self._most = most
        self._observe = observe
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="twinlens-encoder", daemon=True)
        self._thread.start()

    def __call__(self, crops: UInt8Array) -> Float32Array:
        """Embed ``crops`` (uint8, ``(n, height, width, channels)``) as float32 ``(n, dim)``."""
        order = _Order(crops)
        self._orders.put(order)
        return order.embeddings.result()

    def close(self) -> None:
        """Embed what was asked for before, and end. Nobody may call any more."""
        self._orders.put(None)
        self._thread.join()

    def _work(self) -> None:
        order = self._orders.get()
        while order is not None:
            batch, order = self._gather(order)
            self._embed(batch)
            order = order or self._orders.get()

    def _gather(self, first: _Order) -> tuple[list[_Order], _Order | None]:
        """The orders of the next inference, and one that did not fit in any more."""
        batch, crops, end = [first], len(first.crops), time.monotonic() + self._wait
        while crops < self._most:
            try:
                order = self._orders.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                break
            if order is None:
                self._orders.put(None)  # the end has its turn when these are done
                break
            crops += len(order.crops)
            if crops > self._most:
                return batch, order
            batch.append(order)
        return batch, None

    def _embed(self, batch: list[_Order]) -> None:
        try:
            crops = batch[0].crops if len(batch) == 1 else np.concatenate([order.crops for order in batch])
            embeddings = self._encoder(crops)
            if len(embeddings) != len(crops):
                raise ValueError(f"{len(crops)} crops gave {len(embeddings)} embeddings")
            self._observe(len(crops))
        except Exception as error:  # the thread must outlive whatever it is, as nobody would be answered any more
            if len(batch) == 1:
                batch[0].embeddings.set_exception(error)
                return
            for order in batch:
                self._embed([order])
            return
        ends = np.cumsum([len(order.crops) for order in batch])
        for order, part in zip(batch, np.split(embeddings, ends[:-1]), strict=True):
            order.embeddings.set_result(part)
