"""Install the wheel into a fresh environment without torch, and use it in every way that there is.

    python -m tests.hard.fresh_environment                     # 500 people, on a file and on PostgreSQL
    python -m tests.hard.fresh_environment --people 5 --strangers 5 --no-postgres --out trial.json

With the extras ``serve`` and ``postgres`` and the versions of ``constraints.txt``: two photos are verified, people of
LFW View 1's test enrolled and their other photos identified, by the command line, over HTTP with the Python client, and
with curl; all three must say the same. Needs LFW, curl, and an index to install from.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.identify_lfw import Answer, judge

from tests.hard.fresh_install import Fresh, installed, pg_server
from twinlens.bundle import Manifest
from twinlens.data.lfw import people_samples, read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.files import write_json
from twinlens.origin import machine, source_commit
from twinlens.serving.models import DEFAULT, find_model

RESULT = Path(__file__).parents[2] / "docs" / "results" / "hard" / "fresh_environment.json"
FPIR = 0.1
# People who are enrolled and asked about in every way; a process for each question takes its time.
FEW = 6
# A network rounds differently with the number of photos it is given at once.
NEAR = 1e-4

People = Sequence[tuple[str, list[str]]]


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--strangers", type=int, default=2000)
    parser.add_argument("--postgres", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fresh-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as somebody else
        result = tried(folder, options)
    write_json(options.out, result)
    print(f"{options.out}: {', '.join(result['on'])}; all ways agree: {result['all_agree']}")
    raise SystemExit(0 if result["all_agree"] else 1)


def tried(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Install it, and use it on each kind of gallery."""
    manifest = find_model(options.model).manifest
    people = people_of_the_test(options.people + options.strangers)
    fresh, facts = installed(folder, options.model)
    on = {"SQLite": used(fresh, str(folder / "people.db"), people, manifest, options)}
    if options.postgres:
        key = json.loads(fresh.twinlens("gallery", "new-key", "--json").stdout)["key"]
        with pg_server(fresh, folder / "pg") as address:
            on["PostgreSQL"] = used(fresh.with_key(key), address, people, manifest, options)
    return {
        "commit": source_commit(),
        "machine": machine(),
        "model": manifest.name,
        "fingerprint": manifest.fingerprint,
        **facts,
        "verify": verified(fresh, people),
        "on": on,
        "all_agree": all(each["ways"]["agree"] and each["log_intact"] for each in on.values()),
    }


def people_of_the_test(count: int) -> People:
    """People of View 1's test with their photos, those with several first, as far as that many are needed."""
    files = locate_lfw()
    dataset = read_lfw(files)
    (samples,) = people_samples(files.lists / "peopleDevTest.txt", dataset)
    photos: dict[str, list[str]] = {}
    for sample in (dataset.samples[index] for index in samples):
        photos.setdefault(sample.subject_id, []).append(str(dataset.root / sample.name))
    ordered = sorted(photos.items(), key=lambda each: len(each[1]) == 1)
    return ordered[: count + 100]  # some photos are refused


def verified(fresh: Fresh, people: People) -> dict[str, Any]:
    """``twinlens verify`` on two photos of one person, and on photos of two."""
    (_, (first, second, *_)), (_, (third, *_)) = people[0], people[-1]
    found = {}
    for name, other in (("genuine", second), ("impostor", third)):
        ended = fresh.twinlens("verify", first, other, "--json", allowed=(0, 1))
        answer = json.loads(ended.stdout)
        found[name] = {"exit": ended.returncode, "is_match": answer["is_match"], "score": round(answer["score"], 4)}
    return found


def used(fresh: Fresh, gallery: str, people: People, manifest: Manifest, options: argparse.Namespace) -> dict[str, Any]:
    """Everything that there is to do with a gallery."""
    enrolled = by_command_line(fresh, gallery, people)
    first = identified(fresh, gallery, [photo for name, paths in people if name in enrolled for photo in paths[1:]])
    probes = list(first)
    with fresh.service(gallery) as service:
        second = fresh.client({"do": "identify", "photos": probes, "fpir": FPIR, **service.reached})
        third = [service.curl("/v1/identify", "-F", f"photo=@{photo}", "-F", f"fpir={FPIR}") for photo in probes]
        ways = compared([list(first.values()), second, third])
        removed = [service.curl(f"/v1/subjects/{name}", "-X", "DELETE")["templates"] for name in enrolled[:2]]
        removed.append(fresh.client({"do": "clear", **service.reached}))
        assert sum(removed) == len(enrolled), removed
        name, (photo, *_) = next(each for each in people if each[0] in enrolled)
        again = service.curl(f"/v1/subjects/{name}/templates", "-F", f"photos=@{photo}", "-F", "consent=yes")
        assert again["templates_in_all"] == 1
        task = {"do": "campaign", "people": people, "wanted": options.people, "strangers": options.strangers}
        campaign = fresh.client({**task, "fpir": FPIR, **service.reached})
        health = service.stop()
    audit = json.loads(fresh.twinlens("gallery", "audit", "--gallery", gallery, "--verify", "--json").stdout)
    return {"ways": ways, **health, **summary(campaign, manifest), "log_intact": audit["check"]["intact"]}


def by_command_line(fresh: Fresh, gallery: str, people: People) -> list[str]:
    """Enrol a few people who have several photos from a folder; who they are."""
    folder = fresh.folder / "staged"
    for name, paths in people[: 2 * FEW]:
        place = folder / name / "first.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(Path(paths[0]).read_bytes())
    options = ("--folder", str(folder), "--skip-broken", "--allow-duplicate", "--json")
    found = json.loads(fresh.twinlens("gallery", "enrol", "--gallery", gallery, *fresh.model, *options).stdout)
    enrolled = [each["subject_id"] for each in found]
    for name in enrolled[FEW:]:
        fresh.twinlens("gallery", "remove", name, "--gallery", gallery)
    return enrolled[:FEW]


def identified(fresh: Fresh, gallery: str, photos: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the command line says of the first few photos that it can use."""
    found: dict[str, dict[str, Any]] = {}
    options = ("--gallery", gallery, *fresh.model, "--fpir", str(FPIR), "--json")
    for photo in photos:
        ended = fresh.twinlens("gallery", "identify", photo, *options, allowed=(0, 1, 2))
        if ended.returncode == 2:  # several faces, perhaps
            assert ended.stderr.startswith("Error: "), ended.stderr
            continue
        found[photo] = json.loads(ended.stdout)
        assert (ended.returncode == 0) == (found[photo]["subject_id"] is not None)
        if len(found) == FEW:
            break
    return found


def compared(ways: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """Whether command line, client and curl have said the same of the same photos."""
    differences, same = [0.0], True
    for answers in zip(*ways, strict=True):
        named = {(each["subject_id"], tuple(one["subject_id"] for one in each["candidates"])) for each in answers}
        same = same and len(named) == 1
        scores = [each["candidates"][0]["score"] for each in answers]
        differences.append(max(scores) - min(scores))
    return {
        "of": ["command line", "Python client", "curl"],
        "photos": len(ways[0]),
        "agree": same and max(differences) < NEAR,
        "largest_difference_of_scores": max(differences),
    }


def summary(campaign: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    """What came of enrolling and identifying, judged as in ``benchmarks/identify_lfw.py``."""
    answers, strange = (
        [Answer(name, best, score if best else float("-inf"), seconds, refused)
         for name, best, score, seconds, refused in campaign[kind]]
        for kind in ("others", "strangers")
    )  # fmt: skip
    seconds = [answer.seconds for answer in (*answers, *strange) if answer.best is not None]
    people = len(campaign["enrolled"])
    return {
        "people": people,
        "refused_at_enrolment": campaign["refused_at_enrolment"],
        "enrolments_per_second": round(people / campaign["seconds_enrolling"], 1),
        "photos_of_enrolled": len(answers),
        "photos_of_strangers": len(strange),
        "refused": dict(Counter(answer.refused for answer in (*answers, *strange) if answer.refused)),
        "milliseconds_of_an_answer": round(1000 * median(seconds), 1),
        **judge(answers, strange, manifest, people, seed=0),
    }


if __name__ == "__main__":
    main()
