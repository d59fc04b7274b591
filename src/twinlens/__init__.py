"""One-shot verification with Siamese networks: learn it, know how good it is, use it.

The names below are the public interface; each is imported when it is first asked for, so that importing twinlens
costs nothing and using a bundle never loads torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from twinlens.bundle import read_bundle
    from twinlens.config import Config, load_config
    from twinlens.errors import TwinlensError
    from twinlens.images import read_crop
    from twinlens.serving.client.asking import RefusedError
    from twinlens.serving.client.client import Client
    from twinlens.serving.encoder import load_encoder
    from twinlens.serving.gallery.gallery import Gallery
    from twinlens.serving.verifier import Verifier
    from twinlens.workflow import (
        compare,
        evaluate,
        evaluate_run,
        explain,
        export,
        prepare,
        refine,
        report,
        sweep,
        train,
    )

_HOMES = {
    "Client": "twinlens.serving.client.client",
    "Config": "twinlens.config",
    "Gallery": "twinlens.serving.gallery.gallery",
    "RefusedError": "twinlens.serving.client.asking",
    "TwinlensError": "twinlens.errors",
    "Verifier": "twinlens.serving.verifier",
    "compare": "twinlens.workflow",
    "evaluate": "twinlens.workflow",
    "evaluate_run": "twinlens.workflow",
    "explain": "twinlens.workflow",
    "export": "twinlens.workflow",
    "load_config": "twinlens.config",
    "load_encoder": "twinlens.serving.encoder",
    "prepare": "twinlens.workflow",
    "read_bundle": "twinlens.bundle",
    "read_crop": "twinlens.images",
    "refine": "twinlens.workflow",
    "report": "twinlens.workflow",
    "sweep": "twinlens.workflow",
    "train": "twinlens.workflow",
}

__all__ = [
    "Client",
    "Config",
    "Gallery",
    "RefusedError",
    "TwinlensError",
    "Verifier",
    "compare",
    "evaluate",
    "evaluate_run",
    "explain",
    "export",
    "load_config",
    "load_encoder",
    "prepare",
    "read_bundle",
    "read_crop",
    "refine",
    "report",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'twinlens' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
