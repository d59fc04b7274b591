"""Checkpoints as safetensors: tensors as they are, everything else as JSON in the header; never a pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from twinlens.errors import RunError
from twinlens.files import whole_file

_TREE = "twinlens"
# A file holds tensors row by row, but a fused optimiser relies on its state lying in memory as the weights do.
_CHANNELS_LAST = "channels-last tensor"


class SafetensorsIO(CheckpointIO):
    """How Lightning writes and reads a checkpoint; a file is whole or absent."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Write the nested ``checkpoint`` to ``path``; ``storage_options`` is Lightning's and has no use here.

        Raises:
            RunError: It cannot be written; a checkpoint that lies there already stands.
            TypeError: It holds something else than tensors, plain values, lists and dictionaries of them.
        """
        tensors: dict[str, torch.Tensor] = {}
        tree = _flatten(checkpoint, "", tensors)
        with whole_file(Path(path)) as temporary:
            try:
                save_file(tensors, temporary, {_TREE: json.dumps(tree)})
            except SafetensorError as error:
                raise RunError(
                    f"{path} was not written: {error}.", "Free some space and go on with --resume."
                ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read what :meth:`save_checkpoint` wrote; nothing in the file is executed, so both options are moot.

        Raises:
            RunError: The file is missing, cut short or something else.
        """
        try:
            with safe_open(Path(path), framework="pt") as file:
                tree = json.loads((file.metadata() or {})[_TREE])
                return dict(_restore(tree, file))
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise RunError(f"{path} is not a checkpoint of twinlens: {error}.", "Start the run anew.") from error

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete one checkpoint, if it is there."""
        Path(path).unlink(missing_ok=True)


def _flatten(value: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """``value`` as JSON, with its tensors moved to ``tensors``; keys that are no strings survive as pairs."""
    if isinstance(value, torch.Tensor):
        # The number keeps {"a.b": ...} apart from {"a": {"b": ...}}, and 1 from "1".
        unique = f"{len(tensors)}{name}"
        # A copy, as safetensors refuses tensors that share memory.
        tensors[unique] = value.detach().contiguous().clone()
        return {_CHANNELS_LAST if _is_channels_last(value) else "tensor": unique}
    if isinstance(value, dict):
        if not all(isinstance(key, str | int | float) for key in value):
            raise TypeError(f"{name} has keys that are neither strings nor numbers, which a checkpoint cannot hold")
        return {"dict": [[key, _flatten(item, f"{name}.{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_flatten(item, f"{name}.{i}", tensors) for i, item in enumerate(value)]}
    if value is None or isinstance(value, bool | int | float | str):
        return {"plain": value}
    raise TypeError(f"{name} is a {type(value).__name__}, which a checkpoint cannot hold")


def _is_channels_last(value: torch.Tensor) -> bool:
    return value.ndim == 4 and not value.is_contiguous() and value.is_contiguous(memory_format=torch.channels_last)


def _restore(tree: dict[str, Any], file: Any) -> Any:
    ((kind, value),) = tree.items()
    if kind == "tensor":
        return file.get_tensor(value)
    if kind == _CHANNELS_LAST:
        return file.get_tensor(value).to(memory_format=torch.channels_last)
    if kind == "dict":
        return {key: _restore(item, file) for key, item in value}
    if kind == "list":
        return [_restore(item, file) for item in value]
    return value
