"""A folder of published results: a baseline, a variation with two seeds, one that leaks, one on other terms."""

from pathlib import Path

import pytest

from tests.reporting.results.made import named, publish_made, rescored, varied
from tests.simulated import Row
from twinlens.evaluation.result import Result


@pytest.fixture(scope="session")
def folder(result: Result, rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("results")
    other = varied(result, network={"dense": 512}, loss={"kind": "binary-cross-entropy"})
    leaks = result.provenance.model_copy(update={"leaks": True})
    names = result.provenance.model_copy(update={"setting": "identities"})
    publish_made(place, named(result, "koch2015-lfw", 0), rows)
    publish_made(place, named(other, "koch-reduced", 0), rescored(rows, 1, 1.5))
    publish_made(place, named(other, "koch-reduced", 1), rescored(rows, 2, 1.5))
    publish_made(
        place,
        named(varied(result, split={"kind": "pairs"}), "koch2015-lfw-leaky", 0).model_copy(
            update={"provenance": leaks.model_copy(update={"seed": 0})}
        ),
        rescored(rows, 3),
    )
    publish_made(place, named(result.model_copy(update={"provenance": names}), "by-names", 0), rescored(rows, 4, 3.0))
    return place
