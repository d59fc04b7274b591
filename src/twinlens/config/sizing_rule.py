"""The rule of thumb that sizes a recipe: how to cut so much data, how large a network it bears, how long to train.

It is anchored at the recipes for LFW and follows from there:

- *The parts.* Intervals narrow with the square root of the number of subjects that are tested, and a network learns
  from those that are not. So about 40 subjects are tested and 30 validate, but of few no more than a part.
- *The network* is that of LFW's 2,500 to 8,600 training photos; clearly fewer get one of half the width, and clearly
  more a wider one.
- *The training* is measured in steps, about 2,500 as with LFW's names, and not in passes through the photos: few photos
  are shown more often, always distorted anew. Batches are small enough for eight steps in each epoch.
- *The learning rate* goes with the square root of the batch size, as it should for Adam (Malladi et al., 2022).
- *The margin* is smaller where there are few classes, as one that sets few training classes far apart does so at the
  expense of all others (Liu et al., 2020).
- *What is fitted on top*, two covariances and local patterns beside the network, is measured on photos known to show
  one subject: k of a subject give k − 1 differences. Patterns also need the pixels of a large crop.

References:
    S. Malladi et al. (2022), On the SDEs and scaling rules for adaptive gradient algorithms, NeurIPS.
    B. Liu et al. (2020), Negative margin matters: understanding margin in few-shot classification, ECCV.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinlens.config.base import Frame
from twinlens.config.data import TURNS, Identities
from twinlens.config.load import change_config
from twinlens.config.losses import BinaryCrossEntropy, MarginSoftmax, PairLoss
from twinlens.config.networks import CompactNetwork
from twinlens.config.optimisation import AdamW, CosineSchedule
from twinlens.config.sections import Config
from twinlens.config.sizing import AutomaticSizing
from twinlens.config.sweep import look_up

_TESTED, _VALIDATING = 40, 30  # subjects
_TEST_SHARES, _VALIDATION_SHARES = (0.15, 0.3), (0.1, 0.25)
# From so many training photos on, the widths of the network's stages.
_WIDTHS = {0: (12, 24, 48, 96), 1_500: (24, 48, 96, 192), 20_000: (32, 64, 128, 256)}
# From so many training classes on, the margin.
_MARGINS = {0: 0.1, 100: 0.2, 1_000: 0.3}
_STEPS, _STEPS_OF_AN_EPOCH = 2_500, 8
_BATCHES = (16, 32, 64, 128)
# From so many differences within subjects on, how photos of one vary can be measured.
_DIFFERENCES = 100
_PATTERN_PIXELS = 100  # of a crop's height and width
_FACE = (0.56, 0.32)  # of the height and width of an aligned photo
_FEWEST_EPOCHS, _MOST_EPOCHS = 15, 120
_LEARNING_RATE = 0.002  # with the largest batch


@dataclass(frozen=True)
class Amount:
    """How much data there is before it is cut.

    Attributes:
        subjects: Distinct subjects; of a list of pairs, what its genuine pairs join.
        comparable: Those of them with two photos or more, which alone give genuine pairs.
        photos: Of all.
        pairs: Listed ones; 0 where pairs are drawn.
    """

    subjects: int
    comparable: int
    photos: int
    pairs: int = 0


@dataclass(frozen=True)
class Sized:
    """One key that the rule has filled in.

    Attributes:
        key: As ``section.key``.
        value: What it is now.
        because: Why, in words.
    """

    key: str
    value: Any
    because: str


def size(config: Config, amount: Amount) -> tuple[Config, tuple[Sized, ...]]:
    """Fill in what a recipe with automatic sizing leaves out.

    Args:
        config: Any configuration; one without automatic sizing comes back as it is.
        amount: What there is to be cut into parts.

    Returns:
        The configuration with every value explicit and no sizing, and what was filled in.
    """
    if not isinstance(config.sizing, AutomaticSizing):
        return config, ()
    fill = _Filling(config.model_dump(mode="json", exclude_unset=True))
    kept = _parts(fill, amount)
    photos, classes = round(amount.photos * kept), round(amount.subjects * kept)
    epochs = _training(fill, config, *_shown(config, photos, round(amount.pairs * kept)))
    if isinstance(config.network, CompactNetwork):
        fill("network.widths", _step(_WIDTHS, photos), f"{_size_word(photos)}, for about {photos:,} training photos")
        _on_top(fill, config, round((amount.photos - amount.subjects) * kept))
    if isinstance(config.optimiser, AdamW):
        batch = fill.values["training.batch_size"]
        rate = _LEARNING_RATE * (batch / _BATCHES[-1]) ** 0.5
        fill("optimiser.learning_rate", float(f"{rate:.2g}"), f"goes with the square root of batches of {batch}")
    if isinstance(config.loss, MarginSoftmax):
        fill("loss.margin", _step(_MARGINS, classes), f"for about {classes:,} training classes")
        fill("loss.warmup_epochs", epochs // 5, "the first fifth of the training")
    if isinstance(config.schedule, CosineSchedule):
        fill("schedule.warmup_epochs", max(1, epochs // 12), "the first twelfth of the training")
    changes = {sized.key: sized.value for sized in fill.filled} | {"sizing.kind": "none"}
    return change_config(config, changes, config.name), tuple(fill.filled)


class _Filling:
    """Fills in keys, and knows every value, filled in or given.

    Args:
        given: What the recipe says.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.values: dict[str, Any] = {}
        self.filled: list[Sized] = []

    def __call__(self, key: str, value: Any, because: str) -> Any:
        """The value of a key: what the recipe says, else ``value``, which is filled in."""
        stated = look_up(self.given, key)
        if stated is None:
            self.filled.append(Sized(key, value, because))
        self.values[key] = value if stated is None else stated
        return self.values[key]


def _parts(fill: _Filling, amount: Amount) -> float:
    """The share of the data that is left to train."""
    test = _share(_TESTED, amount.comparable, _TEST_SHARES)
    test = fill("data.test", test, _who(test * amount.comparable, "for the test"))
    rest = amount.comparable * (1 - test)
    validation = _share(_VALIDATING, rest, _VALIDATION_SHARES)
    validation = fill("split.validation", validation, _who(validation * rest, "of the others for validation"))
    return float((1 - test) * (1 - validation))


def _shown(config: Config, photos: int, listed: int) -> tuple[int, str]:
    """How much an epoch shows of so many training photos and so many listed pairs among them, and what that is."""
    setting, training = config.data.setting, config.training
    if isinstance(config.loss, PairLoss):
        drawn = setting.pairs // setting.epochs_per_pass if isinstance(setting, Identities) else listed
        return drawn, "pairs"
    turns = TURNS if isinstance(setting, Identities) and setting.rotations else 1
    copies = training.per_class if training.classes == "photos" else 1
    return photos * turns * copies, "photos" if turns * copies == 1 else "crops"


def _training(fill: _Filling, config: Config, shown: int, what: str) -> int:
    """Batches and epochs that each show so much; returns the epochs."""
    least = 1 if isinstance(config.loss, PairLoss) else 2 * config.training.per_class
    fitting = [batch for batch in _BATCHES if shown / batch >= _STEPS_OF_AN_EPOCH]
    batch = fill("training.batch_size", max(least, *fitting, _BATCHES[0]), f"about {shown:,} {what} train")
    steps = max(1, -(-shown // batch))
    wanted = round(_STEPS / steps / 5) * 5
    epochs = min(max(wanted, _FEWEST_EPOCHS), _MOST_EPOCHS)
    epochs = fill("training.max_epochs", epochs, f"{epochs * steps:,} steps, {steps:,} in each epoch")
    to_zero = ", where the learning rate has fallen to zero" if isinstance(config.schedule, CosineSchedule) else ""
    fill("training.patience", epochs, f"to the end{to_zero}")
    return int(epochs)


def _on_top(fill: _Filling, config: Config, differences: int) -> None:
    """What is fitted on top of a network with so many differences within subjects."""
    enough = differences >= _DIFFERENCES
    because = f"{'from' if enough else 'not from only'} about {differences:,} differences within subjects"
    metric = fill("metric.kind", "plda" if enough else "none", because)
    large = min(config.frame.height, config.frame.width) >= _PATTERN_PIXELS
    adds = metric != "none" or not isinstance(config.loss, BinaryCrossEntropy)  # nothing is added to its distance
    if large and adds and fill("fusion.kind", "lbp" if enough else "none", because) == "lbp":
        _patterns(fill, config.frame)


def _patterns(fill: _Filling, frame: Frame) -> None:
    """How local patterns are compared: as lfw-identities has it, as far as that says nothing of faces alone."""
    fill("fusion.apart", True, "from few photos many small spaces learn more than a large one")
    fill("fusion.metric.dims", [50, 100, 150], "small ones")
    if look_up(fill.given, "fusion.metric.kind") != "pca":
        fill("fusion.metric.shrinkage", [0.0], "small ones need none")
    fill("fusion.radii", [1, 2, 4], "one more says next to nothing new")
    fill("fusion.colour", frame.channels == 3, f"the crops are {'in colour' if frame.channels == 3 else 'grey'}")
    if frame.align:
        height, width = (
            min(1.0, round(share / cut, 3))
            for share, cut in zip(_FACE, (frame.crop_height, frame.crop_width), strict=True)
        )
        fill("fusion.region", [height, width], "what an aligned face fills")
        fill("fusion.cells", [14, 8], "so that a cell is about as high as wide")


def _share(wanted: int, there: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return round(min(max(wanted / max(there, 1), low), high), 2)


def _step(steps: Mapping[int, Any], amount: int) -> Any:
    return [value for least, value in steps.items() if amount >= least][-1]


def _size_word(photos: int) -> str:
    return ("small", "as for LFW", "large")[list(_WIDTHS.values()).index(_step(_WIDTHS, photos))]


def _who(subjects: float, what: str) -> str:
    number = max(1, round(subjects))
    return f"about {number:,} subject{'s' if number > 1 else ''} {what}"
