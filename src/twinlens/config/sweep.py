"""A sweep: a recipe, what of it varies, and how the best values are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from twinlens.config.base import Count, Section
from twinlens.config.load import change_config
from twinlens.config.sections import Config
from twinlens.config.space import Values
from twinlens.config.training import Monitor


class TpeSampler(Section):
    """Draws where good trials have been (tree-structured Parzen estimator; Bergstra et al., 2011).

    Attributes:
        startup: Trials that are drawn at random before.
    """

    kind: Literal["tpe"] = "tpe"
    startup: Count = 8


class RandomSampler(Section):
    """Draws every trial at random."""

    kind: Literal["random"] = "random"


class NoPruner(Section):
    """Every trial is trained to its end."""

    kind: Literal["none"] = "none"


class MedianPruner(Section):
    """Ends a trial whose best epoch so far is worse than the median of the finished trials at that epoch.

    Attributes:
        startup: Trials that must have finished before any is ended.
        warmup: Epochs that every trial gets.
    """

    kind: Literal["median"] = "median"
    startup: Count = 4
    warmup: Count = 2


class HalvingPruner(Section):
    """Lets the best of the trials go on at each of several rungs (asynchronous successive halving; Li et al., 2020).

    Attributes:
        warmup: Epochs before the first rung.
        factor: One in ``factor`` goes on, and the next rung is ``factor`` times as far.
    """

    kind: Literal["halving"] = "halving"
    warmup: Count = 2
    factor: Annotated[int, Field(ge=2)] = 3


class SweepConfig(Section):
    """What a sweep depends on, besides the photos.

    Attributes:
        name: Of the sweep, its folder under ``sweeps`` and what its winner is called after.
        recipe: What all trials have in common. Its seed is that of the search, too.
        vary: What each trial has of its own: the values that a key may take.
        trials: How many; the first is the recipe itself if its values are among those.
        epochs: A trial ends after so many at the latest; the winner's recipe keeps its own ``training.max_epochs``.
        objective: What decides between trials: its value at the epoch that training keeps. If not given, what
            ``training.monitor`` says.
        sampler: How a trial's values are drawn.
        pruner: Which trials are ended early, by the objective after each epoch.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    recipe: Config
    vary: Annotated[dict[str, Values], Field(min_length=1)]
    trials: Count = 20
    epochs: Count | None = None
    objective: Monitor | None = None
    sampler: Annotated[TpeSampler | RandomSampler, Field(discriminator="kind")] = TpeSampler()
    pruner: Annotated[NoPruner | MedianPruner | HalvingPruner, Field(discriminator="kind")] = MedianPruner()

    @property
    def metric(self) -> Monitor:
        """What decides between trials."""
        return self.objective or self.recipe.training.monitor

    @property
    def higher_is_better(self) -> bool:
        """Whether the best trial has the highest value."""
        return self.metric != "validation_loss"

    def trial(self, values: Mapping[str, Any], number: int) -> Config:
        """What one trial trains, given the values that it has of its own.

        Raises:
            ConfigError: They do not go together.
        """
        limit = {"training.max_epochs": min(self.epochs, self.recipe.training.max_epochs)} if self.epochs else {}
        place = f"sweep {self.name}, trial {number}"
        return change_config(self.recipe, {"name": f"{self.name}-{number:03d}", **limit, **values}, place)

    def winner(self, values: Mapping[str, Any]) -> Config:
        """The recipe with the values of the best trial, to be trained for as long as the recipe says."""
        return change_config(self.recipe, {"name": f"{self.name}-swept", **values}, f"sweep {self.name}")

    def own_values(self) -> dict[str, Any]:
        """The recipe's own values of the keys that vary; empty if a trial could not have them."""
        recipe = self.recipe.model_dump(mode="json")
        own = {key: look_up(recipe, key) for key in self.vary}
        return own if all(values.holds(own[key]) for key, values in self.vary.items()) else {}


def look_up(values: Mapping[str, Any], key: str) -> Any:
    """The value of ``section.key`` in nested values; none if there is no such key."""
    found: Any = values
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
