"""Move a gallery to another model, by the photos that were kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from twinlens.errors import GalleryError
from twinlens.progress import track
from twinlens.serving.gallery.contract import Record
from twinlens.serving.gallery.opened import Opened
from twinlens.serving.gallery.space import Spaces
from twinlens.serving.gallery.template import Template, seal_template
from twinlens.serving.gallery.vault import Vault
from twinlens.serving.verifier import Verifier
from twinlens.types import Float32Array, UInt8Array

# Photos in memory at a time.
_PORTION = 64
# Subjects without photos that are named.
_NAMED = 10


def reenrol(vault: Vault, verifier: Verifier) -> int:
    """Make every template anew with another model: all of them or none; how many there were.

    Raises:
        GalleryError: A photo was not kept, or another process has changed the gallery meanwhile.
        ImageError: The new model finds no face in a photo.
    """
    _refuse_without_photos(vault)
    # The long part is done while others go on using the gallery; what they add meanwhile is made up for below.
    embeddings: dict[str, Float32Array] = {}
    _embed_missing(vault, verifier, embeddings)
    with vault.writing() as old:
        version = vault.store.version()
        _refuse_without_photos(vault)
        _embed_missing(vault, verifier, embeddings)
        manifest = verifier.manifest
        header = replace(old.header, model=manifest.name, fingerprint=manifest.fingerprint, dim=manifest.dim)
        new = replace(old, header=header)
        records = _records(vault.templates(), embeddings, Spaces(manifest), new)
        draft = vault.draft("reenrol", None, {"model": manifest.name, "fingerprint": manifest.fingerprint})
        vault.store.replace(header, records, [draft], old.auditor, version)
        vault.replace(new)
        return sum(vault.store.subjects().values())


def _refuse_without_photos(vault: Vault) -> None:
    lacking = sorted({template.subject_id for template in vault.templates() if template.photo is None})
    if lacking:
        named = ", ".join(lacking[:_NAMED]) + (", ..." if len(lacking) > _NAMED else "")
        raise GalleryError(
            f"Of {len(lacking)} subjects not all photos were kept: {named}.",
            "Remove them, or begin another gallery with their photos; templates of two models cannot be compared.",
        )


def _embed_missing(vault: Vault, verifier: Verifier, embeddings: dict[str, Float32Array]) -> None:
    """Embed the photo of each template that is not among ``embeddings`` yet."""
    missing = (template for template in vault.templates() if template.template_id not in embeddings)
    total = sum(vault.store.subjects().values()) - len(embeddings)
    shown = track(missing, "Enrolling again", total)
    while portion := list(islice(shown, _PORTION)):
        made = verifier.embed(np.stack([_crop(template, verifier) for template in portion]))
        embeddings |= {template.template_id: one for template, one in zip(portion, made, strict=True)}


def _crop(template: Template, verifier: Verifier) -> UInt8Array:
    assert template.photo is not None  # there is one for each
    name = f"The photo of {template.subject_id} with template {template.template_id}"
    return verifier.acquire(template.photo, name=name, aligned=template.details.framed).crop


def _records(
    templates: Iterable[Template], embeddings: dict[str, Float32Array], spaces: Spaces, opened: Opened
) -> Iterator[Record]:
    space = spaces.of(opened)
    for template in templates:
        details = template.details.model_copy(update={"fingerprint": opened.header.fingerprint, "rotation": space.kind})
        (embedding,) = space.rotation.apply(embeddings[template.template_id][None])
        yield seal_template(replace(template, embedding=embedding, details=details), opened.seal)
