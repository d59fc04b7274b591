"""The trial in a fresh environment, in this one and on few people: installing takes too long for a suite of tests."""

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from tests.hard.fresh_environment import used
from tests.hard.fresh_install import ABSENT, CONSTRAINTS, Fresh, refuse_present
from tests.hard.fresh_ways import answered, compared
from tests.serving.service.made import photo, small_bundle


@pytest.fixture
def here(tmp_path: Path) -> Fresh:
    """This environment in place of a fresh one."""
    (tmp_path / "venv").symlink_to(Path(sys.prefix))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    return Fresh(tmp_path, ("--model", str(small_bundle(tmp_path / "bundle").folder)), environment)


def test_a_gallery_is_used_in_every_way(here: Fresh) -> None:
    people = []
    for number in range(4):
        folder = here.folder / f"person-{number}"
        folder.mkdir()
        paths = [folder / f"{take}.png" for take in range(3)]
        for take, path in enumerate(paths):
            path.write_bytes(photo(number, take))
        people.append((folder.name, [str(path) for path in paths]))
    Path(people[0][1][0]).write_bytes(b"no photo")
    manifest = small_bundle(here.folder / "again").manifest
    options = Namespace(people=2, strangers=1, commands=2)
    found, said = used(here, str(here.folder / "people.db"), people, manifest, options)
    assert (found["people"], found["photos_of_enrolled"], found["photos_of_strangers"]) == (2, 4, 1)
    assert found["refused_at_enrolment"] == found["refused"] == {"unusable-photo": 1}
    assert found["ways"]["photos"] == {"Python client": 5, "command line": 2, "curl": 4, "enrolled anew": 2}
    assert found["ways"]["agree"], found["ways"]
    assert found["log_intact"]
    assert found["rank1"]["value"] == 1.0
    names = {path: name for name, paths in people[1:3] for path in paths[1:]}
    assert {photo: answer["subject_id"] for photo, answer in said.items() if not answer["refused"]} == names


def test_ways_that_disagree_are_seen() -> None:
    def said(name: str | None, best: str, score: float) -> dict[str, Any]:
        candidates = [{"subject_id": best, "score": score}]
        return {"photo.jpg": answered({"subject_id": name, "candidates": candidates}, "")}

    first = said("a", "a", 0.5)
    assert compared({"client": first, "curl": said("a", "a", 0.50001)})["agree"]
    assert compared({"client": first, "curl": {}})["agree"]
    refused = {"photo.jpg": answered(None, "It shows no face.")}
    for other in (said("a", "a", 0.501), said(None, "a", 0.5), said("a", "b", 0.5), refused):
        found = compared({"client": first, "curl": other})
        assert not found["agree"]
        assert found["first_differences"][0].startswith("curl, photo.jpg: ")


def test_torch_would_be_seen(here: Fresh) -> None:
    with pytest.raises(AssertionError, match="torch is there"):
        refuse_present(here)
    pinned = CONSTRAINTS.read_text(encoding="utf-8").lower().replace("-", "_")
    assert all(f"\n{name}==" in pinned or name == "mlflow" for name in ABSENT)
