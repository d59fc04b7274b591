"""Move all templates of a gallery: under another key, to another model, into a file and out of it, to another store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np

from twinlens.errors import GalleryError
from twinlens.progress import track
from twinlens.serving.gallery.archive import Secret, new_header, read_archive, read_header, write_archive
from twinlens.serving.gallery.audit import Replay
from twinlens.serving.gallery.contract import AuditDraft, Record, Store
from twinlens.serving.gallery.keys import Key
from twinlens.serving.gallery.opened import Opened
from twinlens.serving.gallery.rotation import draw_rotation
from twinlens.serving.gallery.sealing import derive_secrets, new_salt
from twinlens.serving.gallery.template import Template, open_template, seal_template
from twinlens.serving.gallery.vault import Vault

# Templates that are turned at a time.
_PORTION = 1024


def rekey(vault: Vault, key: Key) -> None:
    """Give a gallery another key and another rotation, without a photo.

    What was sealed under the key before opens no more, and a template that somebody has taken matches nothing any more.

    Raises:
        GalleryError: A template was changed from outside, or another process has changed the gallery meanwhile.
    """
    with vault.writing() as old:
        salt = new_salt()
        header = replace(old.header, salt=salt, key_check=derive_secrets(key, salt).check)
        new, version = Opened.of(header, key, vault.name), vault.store.version()
        turned = _turned(vault.templates(), old, new)
        shown = track(turned, "Sealing templates anew", sum(vault.store.subjects().values()))
        records = (seal_template(template, new.seal) for template in shown)
        drafts = [new.auditor.rekey_draft(vault.actor, old.secrets.audit)]
        vault.store.replace(header, records, drafts, new.auditor, version)
        vault.replace(new)


def export_archive(vault: Vault, path: Path, secret: Secret) -> int:
    """Write all templates that have not expired to a sealed file; how many there were.

    Raises:
        GalleryError: There is something at ``path``, or a template was changed from outside.
        ConfigError: The passphrase is too short.
    """
    now = datetime.now(UTC)
    with vault.writing() as opened:
        of = opened.header
        header = new_header(secret, model=of.model, fingerprint=of.fingerprint, dim=of.dim, exported_at=now)
        live = (template for template in _turned(vault.templates(), opened, None) if not template.is_expired(now))
        shown = track(live, "Exporting templates", sum(vault.store.subjects().values()))
        written = write_archive(path, header, secret, shown)
        vault.log("export", None, {"count": written})
    return written


def import_archive(vault: Vault, path: Path, secret: Secret) -> int:
    """Add the templates of a sealed file, all or none; how many are new.

    Those that are there already, or have expired meanwhile, are left out.

    Raises:
        GalleryError: The file does not open or holds templates of another model.
    """
    header, now = read_header(path), datetime.now(UTC)
    with vault.writing() as opened:
        if (header.fingerprint, header.dim) != (opened.header.fingerprint, opened.header.dim):
            raise GalleryError(
                f"{path} holds templates of the model {header.model} (fingerprint {header.fingerprint[:16]}), and the "
                f"gallery those of {opened.header.model} ({opened.header.fingerprint[:16]}).",
                "Import it into a gallery of its own.",
            )
        there = {record.template_id for record in vault.store.records()}
        found = track(read_archive(path, secret), "Importing templates", None)
        new = [one for one in found if one.template_id not in there and not one.is_expired(now)]
        records = [seal_template(template, opened.seal) for template in _turned(new, None, opened)]
        if records:
            draft = vault.draft("import", None, {"templates": [one.template_id for one in records]})
            vault.store.add(records, [draft], opened.auditor)
    return len(records)


def copy_into(vault: Vault, store: Store) -> int:
    """Copy everything, log and all, into an empty store under the same key; how many templates there were.

    Raises:
        GalleryError: The store is not empty, a template was changed from outside, or another process has changed the
            gallery meanwhile.
    """
    with vault.writing() as opened:
        if store.subjects() or next(store.audit(), None) is not None:
            raise GalleryError("There is somebody in the other gallery already.", "Copy into a new one.")
        vault.log("copy")
        entries = tuple(vault.store.audit())
        drafts = [AuditDraft(entry.actor, entry.action, entry.subject, entry.detail) for entry in entries]
        replay = Replay(entries, opened.auditor)
        store.replace(opened.header, _unchanged(vault, opened), drafts, replay, store.version())
        return sum(store.subjects().values())


def _unchanged(vault: Vault, opened: Opened) -> Iterator[Record]:
    """All records, each of them opened once, so that a copy is as good as a check."""
    version = vault.store.version()
    for record in track(vault.store.records(), "Copying templates", sum(vault.store.subjects().values())):
        yield replace(record, vector=open_template(record, opened.seal).direction)
    if vault.store.version() != version:
        raise GalleryError(f"The gallery {vault.name} changed while it was copied.", "Copy it again.")


def _turned(templates: Iterable[Template], old: Opened | None, new: Opened | None) -> Iterator[Template]:
    """Templates taken out of one rotation and put under another; without one, embeddings are as the model made them."""
    templates = iter(templates)
    undo = apply = None
    while portion := list(islice(templates, _PORTION)):
        kind, dim = portion[0].details.rotation, len(portion[0].embedding)
        undo = undo or (old and draw_rotation(kind, dim, old.secrets.rotation))
        apply = apply or (new and draw_rotation(kind, dim, new.secrets.rotation))
        embeddings = np.stack([template.embedding for template in portion])
        embeddings = undo.undo(embeddings) if undo else embeddings
        embeddings = apply.apply(embeddings) if apply else embeddings
        yield from (replace(one, embedding=turned) for one, turned in zip(portion, embeddings, strict=True))
