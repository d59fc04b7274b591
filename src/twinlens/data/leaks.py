"""A model is never scored on people it has seen.

A bundle remembers them by digests: enough to recognise them, and no list of names to hand around.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from twinlens.data.dataset import Dataset, Part, Partition
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
    if shared := _shared(seen, dataset, part, protocol):
        raise LeakError(
            f"The model has seen {shared}.",
            "Score it on the protocol it was trained for, or train a model for this one.",
        )


def refuse_predecessor(place: object, learned: Collection[str], seen: Collection[str], partition: Partition) -> None:
    """Refuse to learn from an earlier model that has itself learned from people who are to judge this one.

    Args:
        place: Where the earlier model lies.
        learned: Digests of whom its weights were learned from.
        seen: Digests of those and of whom it was chosen on.
        partition: What the new training is about. Where its own parts share people, validation is not looked at.

    Raises:
        LeakError: It has learned from somebody in the validation part, or has seen somebody in the test part.
    """
    dataset = partition.dataset
    if shared := _shared(seen, dataset, partition.test, "the test part"):
        raise LeakError(f"{place} has seen {shared}.", "Take a model that was trained for the same protocol.")
    if not partition.leaks and (shared := _shared(learned, dataset, partition.validation, "the validation part")):
        raise LeakError(
            f"{place} has learned from {shared}.",
            "Cut off the same people for validation in both: the same data, split.validation and split.seed.",
        )


def _shared(seen: Collection[str], dataset: Dataset, part: Part, name: str) -> str:
    """How many of the people of a part were seen, and who they are; nothing if none was."""
    known = frozenset(seen)
    subjects = [dataset.subjects[code] for code in part.subject_codes(dataset)]
    shared = [subject for subject in subjects if _digest(dataset.name, subject) in known]
    if not shared:
        return ""
    names = ", ".join(shared[:_NAMED]) + (", ..." if len(shared) > _NAMED else "")
    return f"{len(shared)} of the {len(subjects)} people of {name}: {names}"


def _digest(dataset_name: str, subject: str) -> str:
    return hashlib.sha256(f"{dataset_name}/{subject}".encode()).hexdigest()[:16]
