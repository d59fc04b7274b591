import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.config.training import TrainingConfig
from twinlens.evaluation.result import Epoch
from twinlens.learning.keeping import best_epoch, is_stalled

# Few distinct values, so that many tie.
values = st.lists(st.integers(0, 8).map(lambda value: value / 8), min_size=1, max_size=12)


def epochs(monitor: str, values: list[float]) -> list[Epoch]:
    """A history in which ``monitor`` takes the values, and nothing else says anything."""
    rest = dict.fromkeys(Epoch.model_fields, 0.5)
    return [Epoch.model_validate(rest | {"epoch": i + 1, monitor: value}) for i, value in enumerate(values)]


@given(values)
def test_best_epoch_is_the_earliest_with_the_lowest_loss_or_the_highest_auc_or_accuracy(values: list[float]) -> None:
    loss = TrainingConfig(monitor="validation_loss")
    assert best_epoch(epochs("validation_loss", values), loss) == values.index(min(values)) + 1
    for config in (TrainingConfig(monitor="validation_auc"), TrainingConfig(monitor="validation_oneshot")):
        assert best_epoch(epochs(config.monitor, values), config) == values.index(max(values)) + 1


def test_difference_in_the_last_digit_is_a_difference() -> None:
    found = epochs("validation_loss", [0.69, 0.69 - 1e-15])
    assert best_epoch(found, TrainingConfig()) == 2
    assert not is_stalled(found, TrainingConfig(patience=1))


@given(values=values, min_delta=st.integers(0, 3).map(lambda value: value / 8), patience=st.integers(1, 5))
def test_patience_counts_epochs_since_the_last_improvement(
    values: list[float], min_delta: float, patience: int
) -> None:
    improved = 0  # position of the last improvement
    for i in range(1, len(values)):
        if values[i] - values[improved] > min_delta:
            improved = i
    waited = len(values) - 1 - improved
    for monitor, sign in (("validation_oneshot", 1), ("validation_auc", 1), ("validation_loss", -1)):
        config = TrainingConfig.model_validate({"monitor": monitor, "min_delta": min_delta, "patience": patience})
        assert is_stalled(epochs(monitor, [sign * value for value in values]), config) == (waited >= patience)


def test_training_that_has_not_begun_has_not_stalled() -> None:
    assert not is_stalled([], TrainingConfig(patience=1))


@pytest.mark.parametrize(
    ("losses", "stalled"), [([3.0, 2.0, 2.0], False), ([3.0, 2.0, 2.0, 2.5], True), ([3.0, 2.9, 2.8, 2.7], False)]
)
def test_stall_of_two_epochs_by_hand(losses: list[float], stalled: bool) -> None:
    assert is_stalled(epochs("validation_loss", losses), TrainingConfig(patience=2)) == stalled
