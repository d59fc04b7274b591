"""Ctrl-C and requests to end, which end a training between two batches."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class EndOnRequest(Callback):
    """Notes who asks for the end, and ends with a ``KeyboardInterrupt`` when the batch is done.

    Python's own handler raises it wherever the program happens to be, also where C code looks an attribute up, takes
    any exception for an answer and goes on, so that now and then a Ctrl-C was lost. Lightning waits after a request to
    end, of several processes for ever. Whoever asks twice is not kept waiting for the batch.
    """

    def __init__(self) -> None:
        self._is_asked = False

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take the signals, after Lightning, which has just taken one of them."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                signal.signal(number, self._ask)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """End, if somebody has asked."""
        self._answer()

    def on_validation_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """As after a batch that trains."""
        self._answer()

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Answer whoever asked after the last batch."""
        self._answer()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._is_asked:
            raise KeyboardInterrupt
        self._is_asked = True

    def _answer(self) -> None:
        if self._is_asked:
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Let an interruption be one, and signals be as before in the end.

    Lightning makes of it the end of the process, for some with success, and switches Ctrl-C off.

    Raises:
        KeyboardInterrupt: The training was asked to end.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    except SystemExit as error:
        raise KeyboardInterrupt from error
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                if handler is not None:  # which is how Python says that it is not its own
                    signal.signal(number, handler)
