"""Open-set identification on LFW: 500 people of View 1's test, enrolled from one photo each.

Their other photos should be named rightly, and photos of people who are not enrolled should be named nobody. Everything
goes through :class:`twinlens.Gallery` from the photo on, so a face that is not found counts.

    python benchmarks/identify_lfw.py --model lfw-identities --out docs/results
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from textwrap import fill
from typing import Any

import numpy as np

from twinlens.bundle import Manifest
from twinlens.data.dataset import Part
from twinlens.data.leaks import refuse_seen
from twinlens.data.lfw import people_samples, read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.errors import GalleryError, ImageError
from twinlens.evaluation.intervals import bootstrap_mean, clopper_pearson
from twinlens.files import write_json, write_text
from twinlens.origin import machine, source_commit, versions
from twinlens.progress import track
from twinlens.reporting.wording import count, decimal, percent_interval, rate
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.keys import Key, find_key
from twinlens.serving.gallery.opening import store_exists
from twinlens.serving.gallery.postgres_address import is_dsn
from twinlens.serving.thresholds import identification_threshold
from twinlens.serving.verifier import Verifier
from twinlens.types import Interval, Pairs

LEVEL, RESAMPLES = 0.95, 2000
FPIRS = (0.1, 0.01, 0.001)
NAME = "identification"
_WRITTEN = "<!-- Written by benchmarks/identify_lfw.py; changes made here are lost. -->"
_WHOLE = {"break_long_words": False, "break_on_hyphens": False}


@dataclass(frozen=True)
class Answer:
    """What became of one photo.

    Attributes:
        subject: Who is on it.
        best: Whom it resembles most; none if it was refused.
        score: How much.
        seconds: From photo to answer.
        refused: Why, if it was.
    """

    subject: str
    best: str | None
    score: float
    seconds: float
    refused: str = ""


def main() -> None:
    """Enrol, identify, judge, and write the result."""
    options = _options()
    verifier = Verifier.load(options.model)
    files = locate_lfw()
    dataset = read_lfw(files)
    (samples,) = people_samples(files.lists / "peopleDevTest.txt", dataset)
    refuse_seen(verifier.manifest.training.seen, dataset, Part(samples, Pairs.from_rows([])), "LFW View 1's test")
    photos: dict[str, list[Path]] = {}
    for sample in (dataset.samples[index] for index in samples):
        photos.setdefault(sample.subject_id, []).append(dataset.root / sample.name)
    with tempfile.TemporaryDirectory() as folder:
        address = options.gallery or str(Path(folder) / "gallery.db")
        if store_exists(address):
            raise GalleryError(f"There is a gallery at {address} already.", "Name a place where there is none.")
        with Gallery.open(address, verifier, key=find_key(None) or Key.new(), create=True) as gallery:
            result = run(gallery, photos, verifier.manifest, options.people, options.seed, options.aligned)
    result |= {
        "gallery": "PostgreSQL" if is_dsn(address) else "SQLite",
        "aligned": options.aligned,
        "seed": options.seed,
        "provenance": {"commit": source_commit(), "machine": machine(), "versions": versions()},
    }
    write_json(options.out / f"{NAME}.json", result)
    write_text(options.out / f"{NAME}.md", page(result))
    print(page(result))


def run(
    gallery: Gallery, photos: dict[str, list[Path]], manifest: Manifest, people: int, seed: int, aligned: bool
) -> dict[str, Any]:
    """Enrol ``people`` from their first photo, ask about all other photos, and judge the answers."""
    enrolled, refused, duplicates = enrol(gallery, photos, people, seed, aligned)
    others = [(subject, path) for subject in enrolled for path in photos[subject][1:]]
    strangers = [(subject, paths[0]) for subject, paths in photos.items() if subject not in enrolled]
    answers, strange = ask(gallery, others, aligned), ask(gallery, strangers, aligned)
    check = gallery.audit(verify=True, last=1).check
    seconds = [answer.seconds for answer in (*answers, *strange) if answer.best is not None]
    return {
        "model": manifest.name,
        "fingerprint": manifest.fingerprint,
        "people": len(enrolled),
        "refused_at_enrolment": refused,
        "taken_for_others_at_enrolment": duplicates,
        "photos_of_enrolled": len(answers),
        "people_with_such_photos": len({answer.subject for answer in answers}),
        "photos_of_strangers": len(strange),
        "failures_to_acquire": dict(Counter(answer.refused for answer in (*answers, *strange) if answer.refused)),
        **judge(answers, strange, manifest, gallery.stats().templates, seed),
        "milliseconds": {"median": 1000 * median(seconds), "p95": 1000 * quantiles(seconds, n=20)[-1]},
        "log_intact": check is not None and check.intact,
    }


def enrol(
    gallery: Gallery, photos: dict[str, list[Path]], wanted: int, seed: int, aligned: bool
) -> tuple[list[str], dict[str, int], int]:
    """Enrol people in random order, those with several photos first, until there are ``wanted``.

    Returns:
        Who is enrolled, how many were refused by the reason, and how many would have been identified as somebody else.
    """
    order = np.random.default_rng(seed).permutation(sorted(photos)).tolist()
    order.sort(key=lambda subject: len(photos[subject]) == 1)
    enrolled, refused, duplicates = [], Counter[str](), 0
    for subject in track(order, "Enrolling", None):
        try:
            made = gallery.enrol(subject, photos[subject][:1], allow_duplicate=True, aligned=aligned)
        except ImageError as error:
            refused[_reason(error)] += 1
            continue
        enrolled.append(subject)
        duplicates += len(made.duplicates)
        if len(enrolled) == wanted:
            break
    return enrolled, dict(refused), duplicates


def ask(gallery: Gallery, probes: Sequence[tuple[str, Path]], aligned: bool) -> list[Answer]:
    """Identify photos; only the best candidate counts, and at which threshold is judged later."""
    answers = []
    for subject, path in track(probes, "Identifying", len(probes)):
        try:
            found = gallery.identify(path, fpir=FPIRS[0], most=1, aligned=aligned)
        except ImageError as error:
            answers.append(Answer(subject, None, float("-inf"), 0.0, _reason(error)))
            continue
        best = found.candidates[0]
        answers.append(Answer(subject, best.subject_id, best.score, found.seconds))
    return answers


def judge(
    answers: Sequence[Answer], strange: Sequence[Answer], manifest: Manifest, templates: int, seed: int
) -> dict[str, Any]:
    """Rank-1 rate, and both error rates at the thresholds for the rates that were asked for.

    A photo of somebody enrolled that is refused is a miss; one of a stranger is no false identification. Photos of one
    person share that person's luck, so people are resampled; of strangers there is one photo each.
    """
    _, codes = np.unique([answer.subject for answer in answers], return_inverse=True)
    right = np.array([answer.best == answer.subject for answer in answers])
    scores = np.array([answer.score for answer in answers])
    rates = []
    for asked in FPIRS:
        limit = identification_threshold(manifest, asked, templates)
        missed = ~(right & (scores >= limit.threshold))
        named = sum(answer.score >= limit.threshold for answer in strange)
        rates.append(
            {
                "asked": asked,
                "threshold": limit.threshold,
                "fmr": limit.fmr,
                "extrapolated": limit.extrapolated,
                "fpir": asdict(clopper_pearson(named, len(strange), LEVEL)),
                "fnir": asdict(bootstrap_mean(missed.astype(np.float64), codes, RESAMPLES, LEVEL, seed)),
            }
        )
    return {"rank1": asdict(bootstrap_mean(right.astype(np.float64), codes, RESAMPLES, LEVEL, seed)), "rates": rates}


def page(result: dict[str, Any]) -> str:
    """The result in words."""
    people, strangers = result["people"], count(result["photos_of_strangers"])
    faces = "taken as lying in LFW's frame" if result["aligned"] else "found and aligned first"
    refused, failures = _listed(result["refused_at_enrolment"]), _listed(result["failures_to_acquire"])
    took, origin = result["milliseconds"], result["provenance"]
    rows = [
        f"| {rate(row['asked'])} | {decimal(row['threshold'])}{'*' if row['extrapolated'] else ''} "
        f"| {percent_interval(Interval(**row['fpir']))} | {percent_interval(Interval(**row['fnir']))} |"
        for row in result["rates"]
    ]
    table = [
        "| asked for FPIR | threshold | FPIR: strangers named | FNIR: enrolled people not named |",
        "|---:|---:|---:|---:|",
        *rows,
    ]
    prose = (
        f"{people} people of LFW View 1's test were enrolled from one photo each with the model `{result['model']}`, "
        f"in a gallery on {result['gallery']}; their faces were {faces}. Then they were to be named on their other "
        f"photos, {count(result['photos_of_enrolled'])} of {result['people_with_such_photos']} people, and nobody on "
        f"one photo each of {strangers} people who are not enrolled. None of them is among the people that the model "
        "is known to have learned from. Intervals are of 95 %: people were resampled for rank-1 rate and FNIR, and "
        "those of FPIR are Clopper and Pearson's.",
        f"**Rank-1 rate: {percent_interval(Interval(**result['rank1']))}.** So often the most similar person is the "
        "right one, whatever the score.",
        table,
        "FPIR is the share of photos of strangers on which somebody is named, FNIR that of photos of enrolled people "
        "on which the right one is not named. A threshold with a star is extrapolated from the tail of what "
        f"calibration has seen. Each row holds for {people} templates; more take a higher threshold.",
        f"Refused at enrolment, before there were {people}: {refused}. Photos asked about that were refused, which "
        f"count as not named: {failures}. Taken for somebody else at enrolment: "
        f"{result['taken_for_others_at_enrolment']} of {people}; at the rate of 1 % that a gallery asks for there, a "
        "few are to be expected.",
        f"An answer took {took['median']:.0f} ms (median; 95 % took less than {took['p95']:.0f} ms) on "
        f"{origin['machine']}, with its entry in the log, which is{'' if result['log_intact'] else ' **not**'} intact. "
        f"Commit {origin['commit'][:12]}, seed {result['seed']}, fingerprint {result['fingerprint'][:16]}.",
    )
    parts = ["\n".join(part) if isinstance(part, list) else fill(part, 120, **_WHOLE) for part in prose]
    return "\n\n".join(("# Identification on LFW", _WRITTEN, *parts)) + "\n"


def _reason(error: ImageError) -> str:
    words = {"shows no face": "no face found", "faces, none": "several faces", "not good enough": "photo too poor"}
    return next((reason for word, reason in words.items() if word in error.message), "cannot be read")


def _listed(reasons: dict[str, int]) -> str:
    return ", ".join(f"{count(number)} ({reason})" for reason, number in sorted(reasons.items())) or "none"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lfw-identities", help="a model's name, or a bundle's or run's folder")
    parser.add_argument("--gallery", help="where: a file, or postgresql://...; a temporary file if not given")
    parser.add_argument("--people", type=int, default=500, help="how many are enrolled")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of people and of intervals")
    parser.add_argument("--aligned", action="store_true", help="take LFW's photos as they are framed")
    parser.add_argument("--out", type=Path, default=Path("docs/results"), help="folder for the result")
    return parser.parse_args()


if __name__ == "__main__":
    main()
