"""On which terms a run was trained and tested: only runs on equal terms can be held against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twinlens.files import sha256_json
from twinlens.reporting.compare.contenders import Contender
from twinlens.reporting.verdict import OUTSIDE_DATA
from twinlens.reporting.wording import count


@dataclass(frozen=True)
class Terms:
    """What has to be the same.

    Attributes:
        tested_on: Protocol and number of the test pairs, in words.
        pairs: Digest of the test pairs.
        photos: Dataset and edition of the photos.
        setting: What the training was told.
        outside_data: Data from elsewhere that it saw, in words.
        leaks: Whether validation shared people with training.
    """

    tested_on: str
    pairs: str
    photos: str
    setting: str
    outside_data: str
    leaks: bool


def terms_of(run: Contender) -> Terms | None:
    """The terms of a run, or ``None`` if it was not tested."""
    pairs, result = run.pairs, run.result
    if pairs is None or result.test is None:
        return None
    listed = list(zip(pairs.first, pairs.second, pairs.is_genuine.tolist(), strict=True))
    return Terms(
        tested_on=f"{count(len(pairs))} pairs of {result.test.protocol}",
        pairs=sha256_json(listed),
        photos=f"{result.data.dataset} {result.data.variant}".strip(),
        setting=result.provenance.setting,
        outside_data=OUTSIDE_DATA[result.provenance.outside_data],
        leaks=result.provenance.leaks,
    )


def reasons(first: Terms, second: Terms) -> Iterator[str]:
    """Why runs on these terms cannot be held against each other; nothing if they can."""
    if first.photos != second.photos:
        yield f"they were tested on different photos ({first.photos}; {second.photos})"
    elif first.pairs != second.pairs:
        other = "" if first.tested_on == second.tested_on else f" ({first.tested_on}; {second.tested_on})"
        yield f"they were tested on different pairs{other}"
    if first.setting != second.setting:
        yield f"their trainings were told different things ({first.setting}; {second.setting})"
    if first.outside_data != second.outside_data:
        yield f"their trainings saw different data ({first.outside_data}; {second.outside_data})"
    if first.leaks != second.leaks:
        yield (
            f"the epoch, threshold and calibration of {'the former' if first.leaks else 'the latter'} were chosen on a "
            "validation that shares people with training"
        )
