"""A model is never scored on people it has seen.

A bundle remembers them by digests: enough to recognise them, and no list of names to hand around.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from twinlens.data.dataset import Dataset, Part
from twinlens.errors import LeakError

_NAMED = 5


def subject_digests(dataset_name: str, subjects: Iterable[str]) -> frozenset[str]:
    """The first 16 hex digits of the SHA-256 of ``dataset_name/subject``, for each subject.

    A digest hides no name from whoever can guess it; it only keeps names out of what is passed on.
    """
    return frozenset(_digest(dataset_name, subject) for subject in subjects)


def refuse_seen(seen: Collection[str], dataset: Dataset, part: Part, protocol: str) -> None:
    """Refuse to score a model on a part with people that it has seen.

    Args:
        seen: :func:`subject_digests` of everybody in the model's training and validation.
        dataset: Where the part points into.
        part: What the model would be scored on.
        protocol: What an error calls it.

    Raises:
        LeakError: Somebody in the part was seen; up to five people are named.
    """
    known = frozenset(seen)
    subjects = [dataset.subjects[code] for code in part.subject_codes(dataset)]
    shared = [subject for subject in subjects if _digest(dataset.name, subject) in known]
    if shared:
        names = ", ".join(shared[:_NAMED]) + (", ..." if len(shared) > _NAMED else "")
        raise LeakError(
            f"The model has seen {len(shared)} of the {len(subjects)} people of {protocol}: {names}.",
            "Score it on the protocol it was trained for, or train a model for this one.",
        )


def _digest(dataset_name: str, subject: str) -> str:
    return hashlib.sha256(f"{dataset_name}/{subject}".encode()).hexdigest()[:16]
