"""What a program does that has twinlens and nothing else: enrol people and ask who is on photos, through the client.

Run by the interpreter of a fresh environment; reads a task as JSON and prints what came of it as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import Any

from twinlens import Client, RefusedError


def main() -> None:
    """Do the task on standard input."""
    task = json.load(sys.stdin)
    with Client(task["address"], key=task["key"]) as client:
        work = {"identify": identify_all, "clear": clear, "campaign": campaign}[task["do"]]
        json.dump(work(client, task), sys.stdout)


def identify_all(client: Client, task: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers about some photos, whole."""
    return [json.loads(client.identify(path, fpir=task["fpir"]).model_dump_json()) for path in task["photos"]]


def clear(client: Client, task: dict[str, Any]) -> int:
    """Remove everybody; how many templates there were."""
    return sum(client.remove(subject.subject_id) for subject in list(client.subjects()))


def campaign(client: Client, task: dict[str, Any]) -> dict[str, Any]:
    """Enrol people from their first photo until there are enough, and ask about all other photos and some strangers."""
    enrolled, refused, start = [], Counter[str](), time.perf_counter()
    for subject, paths in task["people"]:
        try:
            client.enrol(subject, paths[:1], allow_duplicate=True)
        except RefusedError as error:
            refused[error.kind] += 1
            continue
        enrolled.append(subject)
        if len(enrolled) == task["wanted"]:
            break
    seconds = time.perf_counter() - start
    known = set(enrolled)
    others = [(subject, path) for subject, paths in task["people"] if subject in known for path in paths[1:]]
    strange = [(subject, paths[0]) for subject, paths in task["people"] if subject not in known]
    return {
        "enrolled": enrolled,
        "refused_at_enrolment": dict(refused),
        "seconds_enrolling": round(seconds, 1),
        "others": [asked(client, *probe, task) for probe in others],
        "strangers": [asked(client, *probe, task) for probe in strange[: task["strangers"]]],
    }


def asked(client: Client, subject: str, path: str, task: dict[str, Any]) -> list[Any]:
    """Who is on a photo, who resembles it most and how much, how long it took to know, and why it was refused."""
    start = time.perf_counter()
    try:
        found = client.identify(path, fpir=task["fpir"], most=1)
    except RefusedError as error:
        return [subject, None, 0.0, 0.0, error.kind]
    best = found.candidates[0]
    return [subject, best.subject_id, best.score, time.perf_counter() - start, ""]


if __name__ == "__main__":
    main()
