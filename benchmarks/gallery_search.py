"""Time the search of a gallery, and measure what the index of PostgreSQL misses.

    python -m benchmarks.gallery_search
    python -m benchmarks.gallery_search --model lfw-identities --model RUN/bundle     # also on photos of LFW

Two ways are compared: all templates in memory, which is exact, and the index of PostgreSQL, which proposes 100
candidates by the cosine of their directions. Recall is the share of the exact best, by whatever comparison the model
brings, that are among these. The one that a probe was made of is harder to find than those that merely come next, as
these lie where many are, and in the index many lead there.

Photos are those of all of LFW, and probes some of View 1's test people, whom no model that comes along has seen.

Synthetic embeddings are normal with a variance of 1/i in their i-th direction, which is about as spread as embeddings
of faces are: those of an earlier network had a participation ratio of 18 on LFW, and these of 23, of 256 dimensions.
Evenly spread ones, which no network makes, are the worst case.
"""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from twinlens.comparison import Comparison, Cosine
from twinlens.data.lfw import people_samples, read_lfw
from twinlens.data.sources import locate_lfw
from twinlens.data.store import open_store as open_crops
from twinlens.evaluation.scoring import embed
from twinlens.files import write_json
from twinlens.origin import machine, source_commit
from twinlens.progress import track
from twinlens.serving.encoder import load_encoder
from twinlens.serving.gallery.contract import AuditDraft, AuditEntry, Header, Record, SearchingStore, Store
from twinlens.serving.gallery.postgres import PostgresStore
from twinlens.serving.gallery.rotation import direction, kind_for
from twinlens.serving.gallery.rows import Rows, Table
from twinlens.serving.gallery.sqlite import SqliteStore
from twinlens.serving.gallery.trial_postgres import trial_server
from twinlens.serving.models import find_model
from twinlens.types import Float32Array

RESULT = Path(__file__).parents[1] / "docs" / "results" / "hard" / "gallery_search.json"
_CANDIDATES = 100
_BEST = 10
_PROBES = 200
# Of a sealed template: a float32 embedding and some notes, encrypted.
_NOTES = 400
_HEADER = Header(1, "synthetic", "f" * 64, 0, "ab" * 16, "", datetime(2026, 1, 1, tzinfo=UTC))
_DRAFTS = (AuditDraft("benchmark", "enrol"),)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", action="append", default=[], help="Embeds LFW's photos: a bundle, or the name of one."
    )
    parser.add_argument("--size", action="append", type=int, help="Templates, by default 10,000 and 100,000.")
    parser.add_argument("--dim", action="append", type=int, help="Dimensions, by default 128 and 256.")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    sizes, dims = asked.size or [10_000, 100_000], asked.dim or [128, 256]
    with tempfile.TemporaryDirectory() as folder, trial_server(Path(folder)) as server:
        # As whoever runs so large a gallery would: an index that is built in memory.
        server.psql("ALTER SYSTEM SET maintenance_work_mem = '512MB'")
        server.psql("SELECT pg_reload_conf()")
        address = f"{server.get_uri()}&schema="
        rng = np.random.default_rng(0)
        cases = [(size, dim, spread) for size in sizes for dim in dims for spread in ("as faces", "evenly")]
        cases = [case for case in cases if case[2] == "as faces" or case[:2] == (sizes[0], dims[0])]
        synthetic = [synthetic_case(address, rng, *case) for case in track(cases, "Searching", len(cases))]
        photos = [photo_case(address, rng, model) for model in asked.model]
    result = {
        "commit": source_commit(),
        "machine": machine(),
        "load_average": [round(minute, 1) for minute in os.getloadavg()],  # of others too; times grow with it
        "candidates": _CANDIDATES,
        "synthetic": synthetic,
        "photos": photos,
        "sqlite": [sqlite_case(size, dims[-1]) for size in sizes],
    }
    write_json(asked.out, result)
    print(asked.out)


def synthetic_case(address: str, rng: np.random.Generator, size: int, dim: int, spread: str) -> dict[str, Any]:
    """Search made-up embeddings for other photos of the same subjects, at a cosine of about 0.6."""
    scale = (np.arange(1, dim + 1) ** (-0.5 if spread == "as faces" else 0.0)).astype(np.float32)
    gallery = rng.standard_normal((size, dim), np.float32) * scale
    noise = 1.3 * rng.standard_normal((_PROBES, dim), np.float32) * scale
    probes = gallery[rng.integers(0, size, _PROBES)] + noise
    found = searched(f"{address}s{size}_{dim}_{spread.replace(' ', '_')}", gallery, probes, Cosine())
    return {"templates": size, "dim": dim, "spread": spread, **found}


def photo_case(address: str, rng: np.random.Generator, model: str) -> dict[str, Any]:
    """Search all photos of LFW for some of people whom the model has not seen."""
    bundle, source = find_model(model), locate_lfw()
    dataset = read_lfw(source)
    crops = open_crops(dataset, bundle.manifest.frame).crops
    embeddings = embed(load_encoder(bundle, 1), crops, np.arange(len(dataset)), 64)
    (unseen,) = people_samples(source.lists / "peopleDevTest.txt", dataset)
    probes = rng.permutation(np.asarray(unseen))[:_PROBES]
    comparison, others = bundle.manifest.comparison, np.delete(embeddings, probes, axis=0)
    found = searched(f"{address}photos_{secrets.token_hex(4)}", others, embeddings[probes], comparison)
    size = len(others)
    return {
        "model": bundle.manifest.name,
        "comparison": comparison.kind,
        "templates": size,
        "dim": bundle.manifest.dim,
        **found,
    }


def searched(address: str, gallery: Float32Array, probes: Float32Array, comparison: Comparison) -> dict[str, Any]:
    """Search exactly and by the index; how long either took, and what the index missed."""
    rows = in_memory(gallery)
    best, exact_ms = timed(
        lambda probe: [one.subject_id for one in rows.rank(probe, comparison, _BEST, 0).best], probes
    )
    header = replace(_HEADER, dim=gallery.shape[1])
    store = PostgresStore.create(address, header)
    start = time.perf_counter()
    kind = kind_for(comparison)
    store.replace(header, records(direction(gallery, kind)), _DRAFTS, audited, 0)
    built = time.perf_counter() - start
    shown = direction(probes, kind)
    near, index_ms = timed(lambda probe: [one.subject_id for one in store.nearest(probe, _CANDIDATES)], shown)
    changing = changed(store, direction(gallery[:1], kind))
    store.close()
    shares = [[name in candidates for name in names] for names, candidates in zip(best, near, strict=True)]
    return {
        "exact_ms": exact_ms,
        "index_ms": index_ms,
        "recall_at_1": round(float(np.mean([share[0] for share in shares])), 4),
        f"recall_at_{_BEST}": round(float(np.mean(shares)), 4),
        "copy_and_index_s": round(built, 1),
        **changing,
    }


def sqlite_case(size: int, dim: int) -> dict[str, Any]:
    """Add to a gallery in a file, remove from it, and read all of it."""
    gallery = np.zeros((size, dim), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.db"
        store = SqliteStore.create(path, _HEADER)
        store.add(list(records(gallery)), _DRAFTS, audited)
        changing = changed(store, gallery)
        start = time.perf_counter()
        count = sum(1 for _ in store.records())
        read = time.perf_counter() - start
        store.close()
        megabytes = path.stat().st_size / 1e6
    return {"templates": count, "dim": dim, "read_all_s": round(read, 2), "megabytes": round(megabytes), **changing}


def changed(store: Store | SearchingStore, gallery: Float32Array) -> dict[str, float]:
    """Milliseconds until one enrolment, one removal and one entry in the log are on the disk; medians."""
    added = [list(records(gallery[:1])) for _ in range(15)]
    _, add = timed(lambda one: store.add(one, _DRAFTS, audited), added)
    _, remove = timed(lambda one: store.remove([one[0].template_id], _DRAFTS, audited), added[:3])
    _, log = timed(lambda _: store.log(_DRAFTS, audited), added)
    return {"add_ms": add["p50"], "remove_ms": remove["p50"], "log_ms": log["p50"]}


def timed(work: Callable[[Any], Any], items: Any) -> tuple[list[Any], dict[str, float]]:
    """What ``work`` makes of each item, and milliseconds at the median and the 95th percentile."""
    results, seconds = [], []
    for item in items:
        start = time.perf_counter()
        results.append(work(item))
        seconds.append(time.perf_counter() - start)
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    return results, {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def in_memory(gallery: Float32Array) -> Rows:
    """The templates, as the exact search holds them."""
    table, names = Table(gallery.shape[1]), [f"subject {row}" for row in range(len(gallery))]
    table.add(names, names, gallery, [float("inf")] * len(gallery))
    return table.rows()


def records(gallery: Float32Array) -> Iterator[Record]:
    """The templates, as a store keeps them."""
    now, size = datetime.now(UTC), 4 * gallery.shape[1] + _NOTES
    for row, vector in enumerate(gallery):
        yield Record(secrets.token_hex(16), f"subject {row}", vector, secrets.token_bytes(size), now, None)


def audited(draft: AuditDraft, number: int, previous: str) -> AuditEntry:
    """An entry of a log that nobody will verify."""
    now = datetime.now(UTC)
    return AuditEntry(number, now, draft.actor, draft.action, draft.subject, draft.detail, previous, f"{number:064}")


if __name__ == "__main__":
    main()
