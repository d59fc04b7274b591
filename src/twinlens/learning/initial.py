"""Weights that a training starts from, where they are not drawn."""

from __future__ import annotations

from twinlens.errors import ConfigError
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.networks import Twin
from twinlens.runs import Run

_PREFIX = "twin."


def start_from(twin: Twin, run: Run) -> None:
    """Give ``twin`` the network of the best epoch of another run.

    Raises:
        RunError: The run has none.
        ConfigError: Its network is of another form.
    """
    state = SafetensorsIO().load_checkpoint(run.best)["state_dict"]
    there = {name.removeprefix(_PREFIX): value for name, value in state.items() if name.startswith(_PREFIX)}
    here = twin.state_dict()
    shapes = {
        name: tuple(None if values is None else tuple(values.shape) for values in (there.get(name), here.get(name)))
        for name in there | here
    }
    for name, (theirs, ours) in shapes.items():
        if theirs != ours:
            raise ConfigError(
                f"initial.run: {name} is of shape {_words(theirs)} in {run.folder} and {_words(ours)} here.",
                "Give both recipes the same network and the same frame.",
            )
    twin.load_state_dict(there)


def _words(shape: tuple[int, ...] | None) -> str:
    if shape is None:
        return "missing"
    return "×".join(map(str, shape)) or "1"
