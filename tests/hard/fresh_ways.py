"""The ways to use a gallery in a fresh environment, and whether they say the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tests.hard.fresh_install import Fresh, Service
from twinlens.progress import track

FPIR = 0.1
# A network rounds differently with the number of photos it is given at once, and each gallery turns embeddings its way.
# Scores differ by less than this, or by less than this share of them where they are above 1.
NEAR = 1e-4
# People or photos that the program with the client is given at a time.
_PORTION = 100

# Subjects with their photos.
People = Sequence[tuple[str, list[str]]]
# What was said of photos: who is named, who is the best and how much, why it was refused.
Said = Mapping[str, Mapping[str, Any]]


def enrol_by_command_line(fresh: Fresh, gallery: str, people: People, wanted: int) -> tuple[People, list[str]]:
    """Enrol people from their first photo, a folder of them at a time, until there are enough.

    Returns:
        Who was tried, and who of them is enrolled.
    """
    options = ("--gallery", gallery, *fresh.model, "--skip-broken", "--allow-duplicate", "--json")
    rest, tried, enrolled = iter(people), list[tuple[str, list[str]]](), list[str]()
    while len(enrolled) < wanted and (batch := list(islice(rest, wanted - len(enrolled)))):
        folder = fresh.folder / f"staged-{Path(gallery).name[:8]}-{len(tried)}"
        for name, paths in batch:
            place = folder / name / "first.jpg"
            place.parent.mkdir(parents=True)
            place.write_bytes(Path(paths[0]).read_bytes())
        found = json.loads(fresh.twinlens("gallery", "enrol", "--folder", str(folder), *options).stdout)
        enrolled += [each["subject_id"] for each in found]
        tried += batch
    return tried, enrolled


def ask_by_command_line(fresh: Fresh, gallery: str, photos: Sequence[str], search: str) -> Said:
    """What the command line says, whose status has to say the same."""
    options = ("--gallery", gallery, *fresh.model, "--fpir", str(FPIR), "--most", "1", "--search", search, "--json")
    said = {}
    for photo in track(photos, "Asking the command line", len(photos)):
        ended = fresh.twinlens("gallery", "identify", photo, *options, allowed=(0, 1, 2))
        said[photo] = answered(None if ended.returncode == 2 else json.loads(ended.stdout), ended.stderr)
        status = 2 if said[photo]["refused"] else int(said[photo]["subject_id"] is None)
        assert ended.returncode == status, ended
        assert status != 2 or ended.stderr.startswith("Error: "), ended.stderr
    return said


def ask_by_client(fresh: Fresh, service: Service, photos: Sequence[str]) -> Said:
    """What a program with the client is told."""
    answers: list[dict[str, Any]] = []
    for portion in track(portions(photos), "Asking with the client", -(-len(photos) // _PORTION)):
        answers += fresh.client({"do": "identify", "photos": portion, "fpir": FPIR, **service.reached})
    return dict(zip(photos, answers, strict=True))


def enrol_by_client(fresh: Fresh, service: Service, people: People) -> list[str]:
    """Enrol people from their first photo; why each was refused, or nothing."""
    refused: list[str] = []
    first = [(name, paths[0]) for name, paths in people]
    for portion in track(portions(first), "Enrolling with the client", -(-len(first) // _PORTION)):
        refused += fresh.client({"do": "enrol", "people": portion, **service.reached})
    return refused


def ask_by_curl(service: Service, photos: Sequence[str]) -> Said:
    """What curl gets."""
    said = {}
    for photo in track(photos, "Asking with curl", len(photos)):
        code, answer = service.curl("/v1/identify", "-F", f"photo=@{photo}", "-F", f"fpir={FPIR}", "-F", "most=1")
        said[photo] = answered(answer if code == 0 else None, answer.get("detail", ""))
    return said


def answered(found: Mapping[str, Any] | None, refused: str) -> Mapping[str, Any]:
    """What was said of a photo: an identification, or why there is none."""
    if found is None:
        return {"subject_id": None, "best": None, "score": 0.0, "refused": refused}
    (best,) = found["candidates"]
    return {"subject_id": found["subject_id"], "best": best["subject_id"], "score": best["score"], "refused": ""}


def portions(items: Sequence[Any]) -> list[Sequence[Any]]:
    """The items, some at a time."""
    return [items[start : start + _PORTION] for start in range(0, len(items), _PORTION)]


def compared(ways: Mapping[str, Said]) -> dict[str, Any]:
    """Whether all ways have said the same of the photos that they were asked about, the first of them about all."""
    (first, all_said), *others = ways.items()
    differences, different = [0.0], list[str]()
    for way, said in others:
        for photo, answer in said.items():
            expected = all_said[photo]
            size = max(1.0, abs(expected["score"]))
            differences.append(abs(answer["score"] - expected["score"]) / size)
            if _told(answer) != _told(expected) or differences[-1] >= NEAR:
                different.append(f"{way}, {Path(photo).name}: {_told(answer)}, and not {_told(expected)} as {first}")
    return {
        "photos": {way: len(said) for way, said in ways.items()},
        "agree": not different,
        "first_differences": different[:10],
        "largest_difference_of_scores": max(differences),
    }


def _told(answer: Mapping[str, Any]) -> tuple[str | None, str | None, bool]:
    return answer["subject_id"], answer["best"], bool(answer["refused"])
