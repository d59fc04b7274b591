import re

import pytest

from twinlens.config.sizing_rule import Sized
from twinlens.data.description import ExpectedInterval, PartName, Prospects, RateProspect, Size
from twinlens.reporting.advice import Advice, advise, sizing_lines


def prospects(half_width: float, behind: int, tested: int, largest_n_way: int) -> Prospects:
    return Prospects(
        level=0.95,
        intervals=(
            ExpectedInterval(accuracy=0.75, half_width=1.5 * half_width),
            ExpectedInterval(accuracy=0.9, half_width=half_width),
        ),
        threshold_impostor_pairs=behind,
        test_impostor_pairs=tested,
        rates=tuple(
            RateProspect(fmr=fmr, impostor_pairs=round(30 / fmr), threshold=fmr * behind >= 30, test=fmr * tested >= 30)
            for fmr in (0.1, 0.01, 0.001)
        ),
        n_way=(5, 20),
        largest_n_way=largest_n_way,
    )


def sizes(train: int, validation: int, test: int) -> dict[PartName, Size]:
    def size(subjects: int) -> Size:
        return Size(images=10 * subjects, subjects=subjects, pairs=100, genuine_pairs=50, impostor_pairs=50)

    return {"train": size(train), "validation": size(validation), "test": size(test)}


def by_topic(advice: list[Advice]) -> dict[str, tuple[str, bool]]:
    return {one.topic: (one.text.replace("\u00a0", " "), one.too_little) for one in advice}


LITTLE = by_topic(advise(prospects(0.06, 500, 50, 12), sizes(21, 7, 12)))
PLENTY = by_topic(advise(prospects(0.02, 40_000, 40_000, 500), sizes(5000, 100, 500)))


def test_of_little_data_everything_is_too_little() -> None:
    assert {topic for topic, (_, too_little) in LITTLE.items() if too_little} == set(LITTLE)
    assert set(LITTLE) == {"Training", "Accuracy", "Thresholds", "Error rates", "One-shot"}


def test_of_plenty_nothing_is() -> None:
    assert not any(too_little for _, too_little in PLENTY.values())
    assert "One-shot" not in PLENTY
    assert PLENTY["Thresholds"][0].endswith("bear false match rates from 0.075 % on.")
    assert "of the usual ones 10 %, 1 % and 0.1 %." in PLENTY["Error rates"][0]


def test_interval_and_what_it_takes_to_narrow_it() -> None:
    text, _ = LITTLE["Accuracy"]
    assert "about ±9.0 points at 75 % and ±6.0 points at 90 %" in text
    assert "±3 points take about 48 test subjects" in text  # four times as many for half of it
    assert "Half as wide takes four times as many test subjects." in PLENTY["Accuracy"][0]


def test_rates_that_cannot_be_promised_and_what_they_take() -> None:
    text, _ = LITTLE["Thresholds"]
    assert "bear false match rates from 6 % on. 1 % and 0.1 % cannot be promised" in text
    needs = {rate: int(subjects) for subjects, rate in re.findall(r"(\d+) for ([\d.]+ %)", text)}
    assert needs == {"1 %": 18, "0.1 %": 55}  # 7 subjects make 500 pairs, and pairs grow with their square
    assert "none of the usual ones" in LITTLE["Error rates"][0]


@pytest.mark.parametrize(("largest", "said"), [(12, "has 12 subjects"), (0, "has no subject with two photos")])
def test_tasks_that_are_left_out(largest: int, said: str) -> None:
    found = by_topic(advise(prospects(0.02, 10**5, 10**5, largest), sizes(200, 50, 50)))
    assert found["One-shot"][0].endswith(f"are left out, as the test {said}.")


def test_sized_keys_stand_under_each_other() -> None:
    lines = sizing_lines([Sized("loss.margin", 0.1, "why"), Sized("network.widths", (1, 2), "because")])
    assert lines == ["loss.margin = 0.1        why", "network.widths = [1, 2]  because"]
    assert sizing_lines([]) == []
