"""What a training learns from, in one digest, so that it never goes on with something else."""

from __future__ import annotations

import hashlib

from twinlens.data.dataset import Partition


def material_digest(partition: Partition) -> str:
    """SHA-256, as 64 hex digits, of what trains and validates: photos by name, whom they show, and their pairs.

    Photos that come, go or break shift the parts. A training that went on with the new ones could validate on
    people whom it has learned already, and nobody would know.
    """
    digest = hashlib.sha256()
    samples = partition.dataset.samples
    for part in (partition.train, partition.validation):
        for index in part.samples:
            digest.update(f"{index}\0{samples[index].name}\0{samples[index].subject_id}\0".encode())
        for column in (part.pairs.first, part.pairs.second, part.pairs.is_genuine):
            digest.update(column.tobytes())
    return digest.hexdigest()
