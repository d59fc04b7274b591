"""What a program does that has twinlens and nothing else: enrol people and ask who is on photos, through the client.

Run by the interpreter of a fresh environment; reads a task as JSON and prints what came of it as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from twinlens import Client, RefusedError


def main() -> None:
    """Do the task on standard input."""
    task = json.load(sys.stdin)
    with Client(task["address"], key=task["key"]) as client:
        work = {"identify": identify, "enrol": enrol, "clear": clear}[task["do"]]
        json.dump(work(client, task), sys.stdout)


def enrol(client: Client, task: dict[str, Any]) -> list[str]:
    """Enrol people from a photo each; why each was refused, or nothing."""
    return [enrolled(client, subject, photo) for subject, photo in task["people"]]


def enrolled(client: Client, subject: str, photo: str) -> str:
    """Enrol somebody from a photo; why it was refused, or nothing."""
    try:
        client.enrol(subject, [photo], allow_duplicate=True)
    except RefusedError as error:
        return error.kind
    return ""


def identify(client: Client, task: dict[str, Any]) -> list[dict[str, Any]]:
    """What is said of each of some photos."""
    return [asked(client, photo, task["fpir"]) for photo in task["photos"]]


def asked(client: Client, photo: str, fpir: float) -> dict[str, Any]:
    """Who is named, who resembles the photo most and how much, why it was refused, and how long it took."""
    start = time.perf_counter()
    said: dict[str, Any] = {"subject_id": None, "best": None, "score": 0.0, "refused": ""}
    try:
        found = client.identify(photo, fpir=fpir, most=1)
    except RefusedError as error:
        said["refused"] = error.kind
    else:
        best = found.candidates[0]
        said |= {"subject_id": found.subject_id, "best": best.subject_id, "score": best.score}
    return said | {"seconds": time.perf_counter() - start}


def clear(client: Client, task: dict[str, Any]) -> int:
    """Remove everybody; how many templates there were."""
    return sum(client.remove(subject.subject_id) for subject in list(client.subjects()))


if __name__ == "__main__":
    main()
