"""Whether a recipe says everything itself, or leaves to the amount of data what that can decide."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twinlens.config.base import Section


class NoSizing(Section):
    """Every key has the value that the recipe gives it, or its default."""

    kind: Literal["none"] = "none"


class AutomaticSizing(Section):
    """Keys that the recipe leaves out follow from how many subjects and photos there are, by a rule of thumb:
    ``data.test``, ``split.validation``, ``training.batch_size``, ``training.max_epochs`` and ``training.patience``;
    with the network ``compact`` its widths, the metric and, for crops of 100 × 100 pixels or more, the fusion; with
    ``adamw`` the learning rate, with ``margin-softmax`` the margin and its warm-up, with the cosine schedule its
    warm-up. Only for data of the kinds ``folder``, ``pairs`` and ``synthetic``.

    Before anything is trained they are filled in, printed with the reason for each, and kept in the run's own recipe,
    whose ``sizing.kind`` is ``none``. A key that the recipe or ``--set`` gives stays.
    """

    kind: Literal["automatic"] = "automatic"


Sizing = Annotated[NoSizing | AutomaticSizing, Field(discriminator="kind")]
