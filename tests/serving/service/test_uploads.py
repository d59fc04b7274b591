"""Whatever is sent as a photo: no crash, no fault, bounded memory."""

import resource
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.hostile import KINDS, hostile_files
from tests.serving.service.made import Made, photo, service

SEED = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with service(tmp_path_factory.mktemp("service"), faces=True, max_pixels=4_000_000) as found:
        yield found


def test_hostile_files_are_refused_or_taken_and_nothing_breaks(made: Made) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    statuses: Counter[int] = Counter()
    for i, hostile in enumerate(hostile_files(SEED, 20 * len(KINDS), (photo(1), photo(1, form="JPEG")))):
        path, field = [("/v1/identify", "photo"), ("/v1/subjects/a/templates", "photos")][i % 2]
        answer = made.client.post(path, files=[(field, (f"{hostile.kind}.jpg", hostile.content))])
        assert answer.status_code in (200, 201, 409, 413, 422), (hostile.kind, i, answer.text)
        if answer.status_code >= 400:
            problem = answer.json()
            assert problem["remedy"]
            assert "Traceback" not in answer.text
            assert not any(word in problem["detail"] for word in ("/site-packages/", ".py", "0x")), problem["detail"]
        statuses[answer.status_code] += 1
    assert statuses[422] > 15 * len(KINDS)
    assert made.client.get("/readyz").status_code == 200
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 600_000  # kilobytes; the files themselves and what packs them are in it


def test_a_seed_gives_the_same_files_again() -> None:
    once, again = (list(hostile_files(1, 2 * len(KINDS))) for _ in range(2))
    assert once == again
    assert {each.kind for each in once} == set(KINDS)
