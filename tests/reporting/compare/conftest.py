"""Fewer resamples than in use: here it matters what is concluded, not to how many digits."""

import pytest

from twinlens.reporting.compare import testing


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "RESAMPLES", 150)
