"""Values of keys survive the way into a database and back."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.learning.sweep.conftest import claiming, sweep_config
from twinlens.config.space import Choice, Range
from twinlens.learning.sweep.space import suggest, to_params, to_values

VARY = {
    "network.dense": Range(low=8, high=64, log=True),
    "network.conv_dropout": Range(low=0.0, high=0.5, step=0.1),
    "training.batch_size": Range(low=8, high=64, step=8),
    "optimiser.learning_rate": Range(low=1e-5, high=1e-1, log=True),
    "network.batch_norm": Choice(values=(True, False)),
    "network.widths": Choice(values=([4, 4, 4, 4], [8, 8, 8, 8])),
    "augment": Choice(values=({"kind": "none"}, {"kind": "affine"})),
    "training.threads": Choice(values=(None, 1)),
}

plain = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=4))
nested = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner))


def test_drawn_values_are_among_those_that_may_be_drawn_and_are_kept(tmp_path: Path) -> None:
    config = sweep_config(vary=VARY, trials=12, sampler={"kind": "random"})
    with claiming(tmp_path, config) as claims:
        drawn = []
        while claim := claims.next():
            with claim:
                drawn.append(suggest(claim.trial, config.vary))
                claim.end(1.0)
        assert [to_values(trial.params, config.vary) for trial in claims.trials()] == drawn
    for key, values in config.vary.items():
        assert all(values.holds(own[key]) for own in drawn)
        assert len({repr(own[key]) for own in drawn}) > 1
    assert all(type(own["network.dense"]) is type(own["training.batch_size"]) is int for own in drawn)


@settings(max_examples=50)
@given(st.lists(nested, min_size=2, max_size=5, unique_by=repr))
def test_any_choice_comes_back_as_it_was(values: list[object]) -> None:
    if any(value in values[:i] for i, value in enumerate(values)):  # 1 and 1.0 and True
        return
    vary = {"key": Choice(values=tuple(values))}
    for value in values:
        assert to_values(to_params({"key": value}, vary), vary) == {"key": value}
