"""The acceptance run of identification, on people who are patterns."""

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks import identify_lfw
from PIL import Image

from tests.serving.gallery.people import KEY, pattern_verifier, photo
from twinlens.serving.gallery.gallery import Gallery

PUBLISHED = Path(__file__).parents[1] / "docs" / "results" / f"{identify_lfw.NAME}.json"


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, list[Path]]:
    """Thirty people; the first twenty with three photos each, and one photo that is none."""
    found: dict[str, list[Path]] = {}
    for subject in range(30):
        for number in range(3 if subject < 20 else 1):
            path = tmp_path / f"{subject}-{number}.png"
            Image.fromarray(photo(subject, number)).save(path)
            found.setdefault(f"person {subject:02}", []).append(path)
    found["person 03"][1].write_text("no photo", encoding="utf-8")
    found["person 04"][0].write_text("no photo", encoding="utf-8")
    return found


@pytest.fixture
def result(photos: dict[str, list[Path]], tmp_path: Path) -> dict[str, object]:
    verifier = pattern_verifier()
    with Gallery.open(tmp_path / "g.db", verifier, key=KEY, create=True) as gallery:
        made = identify_lfw.run(gallery, photos, verifier.manifest, 22, 0, aligned=False)
    provenance = {"commit": "0" * 40, "machine": "a machine", "versions": {}}
    return made | {"gallery": "SQLite", "aligned": False, "seed": 0, "provenance": provenance}


def test_everything_is_counted(result: dict[str, object]) -> None:
    assert result["people"] == 22
    assert result["refused_at_enrolment"] == {"cannot be read": 1}
    assert result["photos_of_enrolled"] == 38  # 19 people with two more photos each, and three without
    assert result["people_with_such_photos"] == 19
    assert result["photos_of_strangers"] == 8
    assert result["failures_to_acquire"] == {"cannot be read": 2}
    assert result["rank1"]["value"] == pytest.approx(37 / 38)  # type: ignore[index]
    assert result["log_intact"]


def test_rates_are_those_of_a_plain_count() -> None:
    verifier = pattern_verifier()
    rng = np.random.default_rng(0)
    answers = [
        identify_lfw.Answer(f"s{i % 10}", f"s{i % 10}" if rng.random() < 0.8 else "s99", rng.uniform(0, 0.6), 0.1)
        for i in range(100)
    ]
    strange = [identify_lfw.Answer(f"x{i}", "s1", rng.uniform(0, 0.5), 0.1) for i in range(50)]
    judged = identify_lfw.judge(answers, strange, verifier.manifest, 40, 0)
    for row in judged["rates"]:
        named = sum(answer.score >= row["threshold"] for answer in strange)
        missed = sum(answer.best != answer.subject or answer.score < row["threshold"] for answer in answers)
        assert row["fpir"]["value"] == named / 50
        assert row["fnir"]["value"] == pytest.approx(missed / 100)
        assert row["fnir"]["low"] <= row["fnir"]["value"] <= row["fnir"]["high"]
    thresholds = [row["threshold"] for row in judged["rates"]]
    assert thresholds == sorted(thresholds)


def test_the_page_says_what_the_result_says(result: dict[str, object]) -> None:
    page = identify_lfw.page(result)
    assert page.startswith("# Identification on LFW")
    words = " ".join(page.split())
    assert "22 people of LFW View 1's test were enrolled from one photo each with the model `patterns`" in words
    assert "Rank-1 rate: 97.4\u00a0%" in page
    assert "1 (cannot be read)" in page
    assert max(map(len, page.splitlines())) <= 120


@pytest.mark.skipif(not PUBLISHED.exists(), reason="no result is published yet")
def test_the_published_page_is_that_of_the_published_result() -> None:
    page = identify_lfw.page(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    assert PUBLISHED.with_suffix(".md").read_text(encoding="utf-8") == page
