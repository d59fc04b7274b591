"""Install the wheel into a fresh environment without torch, and use it in every way that there is.

    python -m tests.hard.fresh_environment                     # 500 people, on a file and on PostgreSQL
    python -m tests.hard.fresh_environment --people 5 --strangers 5 --commands 4 --no-postgres --out trial.json

With the extra ``serve`` and the versions of ``constraints.txt``: two photos are verified; people of LFW View 1's test
are enrolled from one photo each by the command line, all their other photos and some of strangers are identified over
HTTP with the Python client, the former with curl, too, and some of both by the command line, which takes a process and
a model for each. Then all are removed, enrolled through the client, and asked about once more. With the extra
``postgres`` all that is done on PostgreSQL again, where the command line searches by the index. Whoever is asked, and
on whatever the gallery lies, the answers have to be the same. Needs LFW, curl, and an index to install from.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.identify_lfw import Answer, judge

from tests.hard.fresh_install import Fresh, Service, installed, pg_server, timed
from tests.hard.fresh_ways import (
    People,
    Said,
    ask_by_client,
    ask_by_command_line,
    ask_by_curl,
    compared,
    enrol_by_client,
    enrol_by_command_line,
)
from twinlens.bundle import Manifest
from twinlens.data.lfw import people_samples, read_lfw
from twinlens.data.protocols import lfw_view1_test
from twinlens.data.sources import locate_lfw
from twinlens.files import write_json
from twinlens.origin import machine, source_commit
from twinlens.serving.models import DEFAULT, find_model

RESULT = Path(__file__).parents[2] / "docs" / "results" / "hard" / "fresh_environment.json"


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--strangers", type=int, default=2000, help="Photos of people who are not enrolled, at most.")
    parser.add_argument("--commands", type=int, default=40, help="Photos that the command line is asked about.")
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
    manifest, people = find_model(options.model).manifest, people_of_the_test(options.people + options.strangers)
    fresh, facts = installed(folder, options.model)
    seconds, said = facts["seconds"], dict[str, Said]()
    verifications = verified(fresh)
    on = {}
    with timed(seconds, "SQLite"):
        on["SQLite"], said["SQLite"] = used(fresh, str(folder / "people.db"), people, manifest, options)
    if options.postgres:
        key = json.loads(fresh.twinlens("gallery", "new-key", "--json").stdout)["key"]
        with timed(seconds, "PostgreSQL"), pg_server(fresh, folder / "pg") as address:
            on["PostgreSQL"], said["PostgreSQL"] = used(fresh.with_key(key), address, people, manifest, options)
    on_both = compared(said)
    return {
        "commit": source_commit(),
        "machine": machine(),
        "model": manifest.name,
        "fingerprint": manifest.fingerprint,
        **facts,
        "verify": verifications,
        "on": on,
        "on_both": on_both,
        "all_agree": on_both["agree"] and all(each["ways"]["agree"] and each["log_intact"] for each in on.values()),
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


def verified(fresh: Fresh) -> dict[str, Any]:
    """``twinlens verify`` on the first genuine and the first impostor pair of View 1's test."""
    files = locate_lfw()
    dataset = read_lfw(files)
    pairs, found = lfw_view1_test(dataset, files.lists).pairs, {}
    for name, index in (("genuine", pairs.is_genuine.argmax()), ("impostor", pairs.is_genuine.argmin())):
        photos = [str(dataset.path(int(side[index]))) for side in (pairs.first, pairs.second)]
        ended = fresh.twinlens("verify", *photos, "--json", allowed=(0, 1))
        answer = json.loads(ended.stdout)
        assert ended.returncode == int(not answer["is_match"]), ended
        found[name] = {
            "photos": [Path(photo).name for photo in photos],
            "exit": ended.returncode,
            "is_match": answer["is_match"],
            "score": round(answer["score"], 4),
        }
    return found


def used(
    fresh: Fresh, gallery: str, people: People, manifest: Manifest, options: argparse.Namespace
) -> tuple[dict[str, Any], Said]:
    """Everything that there is to do with a gallery, and what the client was told of each photo."""
    seconds: dict[str, float] = {}
    with timed(seconds, "enrolling by the command line"):
        asked, enrolled = enrol_by_command_line(fresh, gallery, people, options.people)
    others = [photo for name, paths in people if name in enrolled for photo in paths[1:]]
    strange = [paths[0] for name, paths in people if name not in enrolled][: options.strangers]
    every = [*others, *strange]
    some = every[:: -(-len(every) // options.commands)]
    search = "index" if gallery.startswith("postgresql") else "auto"
    with timed(seconds, "asking the command line"):
        by_command_line = ask_by_command_line(fresh, gallery, some, search)
    with fresh.service(gallery) as service:
        with timed(seconds, "asking with the client"):
            by_client = ask_by_client(fresh, service, every)
        with timed(seconds, "asking with curl"):
            by_curl = ask_by_curl(service, others)
        with timed(seconds, "removing and enrolling with the client and curl"):
            refused = enrol_anew(fresh, service, asked, enrolled)
        anew = ask_by_client(fresh, service, some)
        health = service.stop()
    audit = json.loads(fresh.twinlens("gallery", "audit", "--gallery", gallery, "--verify", "--json").stdout)
    ways = {"Python client": by_client, "command line": by_command_line, "curl": by_curl, "enrolled anew": anew}
    return {
        "people": len(enrolled),
        "refused_at_enrolment": refused,
        "seconds": seconds,
        **health,
        **summary(by_client, others, strange, manifest, len(enrolled)),
        "ways": {"search_of_command_line": search, **compared(ways)},
        "log_intact": audit["check"]["intact"],
    }, by_client


def enrol_anew(fresh: Fresh, service: Service, asked: People, enrolled: Sequence[str]) -> dict[str, int]:
    """Remove all, the first with curl, and enrol all again in the same ways; how many were refused, by the reason."""
    (first, (photo, *_)), *rest = sorted(asked, key=lambda each: each[0] != enrolled[0])
    code, removed = service.curl(f"/v1/subjects/{first}", "-X", "DELETE")
    others_removed = fresh.client({"do": "clear", **service.reached})
    assert (code, removed["templates"] + others_removed) == (0, len(enrolled)), removed
    options = ("-F", f"photos=@{photo}", "-F", "consent=yes", "-F", "allow_duplicate=true")
    code, again = service.curl(f"/v1/subjects/{first}/templates", *options)
    assert (code, again["templates_in_all"]) == (0, 1), again
    refused = enrol_by_client(fresh, service, rest)
    taken = {name for (name, _), reason in zip(rest, refused, strict=True) if not reason}
    assert {first, *taken} == set(enrolled), {first, *taken} ^ set(enrolled)
    return dict(Counter(reason for reason in refused if reason))


def summary(
    said: Said, others: Sequence[str], strange: Sequence[str], manifest: Manifest, people: int
) -> dict[str, Any]:
    """What came of identifying, judged as in ``benchmarks/identify_lfw.py``."""
    answers, strangers = ([_answer(photo, said[photo]) for photo in photos] for photos in (others, strange))
    seconds = [answer.seconds for answer in (*answers, *strangers) if answer.best is not None]
    return {
        "photos_of_enrolled": len(answers),
        "photos_of_strangers": len(strangers),
        "refused": dict(Counter(answer.refused for answer in (*answers, *strangers) if answer.refused)),
        "milliseconds_of_an_answer": round(1000 * median(seconds), 1),
        **judge(answers, strangers, manifest, people, seed=0),
    }


def _answer(photo: str, said: Mapping[str, Any]) -> Answer:
    score = said["score"] if said["best"] else float("-inf")
    return Answer(Path(photo).parent.name, said["best"], score, said["seconds"], said["refused"])


if __name__ == "__main__":
    main()
