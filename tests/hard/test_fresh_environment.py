"""The parts of the trial in a fresh environment, in this one: installing takes too long for a suite of tests."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hard.fresh_environment import compared, summary
from tests.hard.fresh_install import ABSENT, CONSTRAINTS, Fresh, refuse_present
from tests.serving.service.made import photo
from tests.serving.service.process import running
from twinlens.bundle import read_bundle


def test_what_a_program_with_the_client_does(tmp_path: Path) -> None:
    people = []
    for number in range(4):
        paths = [tmp_path / f"{number}-{take}.png" for take in range(3)]
        for take, path in enumerate(paths):
            path.write_bytes(photo(number, take))
        people.append((f"person {number}", [str(path) for path in paths]))
    (tmp_path / "0-0.png").write_bytes(b"no photo")
    with running(tmp_path) as service:

        def run(**task: Any) -> Any:
            task |= {"address": service.address, "key": service.key, "fpir": 0.1}
            script = Path(__file__).with_name("fresh_client.py")
            given = json.dumps(task).encode()
            return json.loads(
                subprocess.run([sys.executable, script], input=given, check=True, capture_output=True).stdout
            )

        done = run(do="campaign", people=people, wanted=2, strangers=1)
        assert done["enrolled"] == ["person 1", "person 2"]
        assert done["refused_at_enrolment"] == {"unusable-photo": 1}
        said = [["person 1", "person 1"], ["person 2", "person 2"]]
        assert [answer[:2] for answer in done["others"]] == [said[0], said[0], said[1], said[1]]
        (stranger,) = done["strangers"]
        assert stranger[4] == "unusable-photo"
        (answer,) = run(do="identify", photos=[people[2][1][1]])
        assert answer["subject_id"] == "person 2"
        assert run(do="clear") == 2
        judged = summary(done, read_bundle(tmp_path / "bundle").manifest)
    assert (judged["people"], judged["photos_of_enrolled"], judged["rank1"]["value"]) == (2, 4, 1.0)


def test_ways_that_disagree_are_seen() -> None:
    def said(name: str | None, score: float) -> dict[str, Any]:
        return {"subject_id": name, "candidates": [{"subject_id": "a", "score": score}]}

    assert compared([[said("a", 0.5)], [said("a", 0.50001)]])["agree"]
    assert not compared([[said("a", 0.5)], [said("a", 0.501)]])["agree"]
    assert not compared([[said("a", 0.5)], [said(None, 0.5)]])["agree"]
    with pytest.raises(ValueError, match="shorter"):
        compared([[said("a", 0.5)], []])


def test_torch_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "venv").symlink_to(Path(sys.prefix))
    with pytest.raises(AssertionError, match="torch is there"):
        refuse_present(Fresh(tmp_path, (), {}))
    pinned = CONSTRAINTS.read_text(encoding="utf-8").lower().replace("-", "_")
    assert all(f"\n{name}==" in pinned or name == "mlflow" for name in ABSENT)
