"""The log of a gallery, readable, and whether it is what was written."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from twinlens.progress import track
from twinlens.serving.gallery.audit import verify_log
from twinlens.serving.gallery.contract import NOTHING_BEFORE, AuditEntry
from twinlens.serving.gallery.values import AuditCheck, AuditLine, AuditReport
from twinlens.serving.gallery.vault import Vault

_ADDING = ("enrol", "import")
_REMOVING = ("remove", "expire")


def read_log(
    vault: Vault,
    *,
    verify: bool,
    since: int = 0,
    most: int | None = None,
    last: int | None = None,
    noted: tuple[int, str] | None = None,
) -> AuditReport:
    """The log of a gallery.

    Args:
        vault: The gallery.
        verify: Whether each entry is to be verified, and the templates that are there to be held against the log.
        since: Leave out the entries up to this number.
        most: Give only so many of the entries after that.
        last: Give only so many of the newest of these.
        noted: Number and digest of an entry that somebody noted elsewhere; it must still be there.
    """
    newest = _newest(vault)
    if most is None and last is not None and newest is not None:
        since = max(since, newest.number - last)
    entries: deque[AuditEntry] = deque(islice(vault.store.audit(since), most), maxlen=last)
    names = {vault.opened.auditor.pseudonym(subject_id): subject_id for subject_id in vault.store.subjects()}
    return AuditReport(
        lines=tuple(_line(entry, names) for entry in entries),
        entries=newest.number if newest else 0,
        head=newest.digest if newest else NOTHING_BEFORE,
        check=_check(vault, noted) if verify or noted else None,
    )


def _newest(vault: Vault) -> AuditEntry | None:
    """The last entry, found without reading all before it, of which there may be millions."""
    newest, step = next(vault.store.audit(), None), 1
    while newest is not None and step > 0:
        further = next(vault.store.audit(newest.number + step - 1), None)
        newest, step = (newest, step // 2) if further is None else (further, 2 * step)
    return newest


def _check(vault: Vault, noted: tuple[int, str] | None) -> AuditCheck:
    finding = verify_log(lambda: track(vault.store.audit(), "Verifying the log", None), vault.opened.secrets.audit)
    broken, reason = finding.broken, finding.reason
    if broken is None and noted is not None and not _is_there(vault, noted):
        broken, reason = noted[0], "it is not the entry that was noted, or was cut off"
    missing, unknown = _unaccounted(vault)
    return AuditCheck(
        intact=broken is None and not missing and not unknown,
        broken=broken,
        reason=reason,
        missing=missing,
        unknown=unknown,
    )


def _is_there(vault: Vault, noted: tuple[int, str]) -> bool:
    number, digest = noted
    entry = next(vault.store.audit(number - 1), None)
    return entry is not None and entry.digest == digest


def _unaccounted(vault: Vault) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Templates that the log knows and the store does not, and the other way round.

    The log is read before and after the templates, so that what others do meanwhile is not held for a difference.
    """
    before = _logged(vault.store.audit())
    kept = {record.template_id for record in track(vault.store.records(), "Counting templates", None)}
    after = _logged(vault.store.audit())
    return tuple(sorted(before & after - kept)), tuple(sorted(kept - before - after))


def _logged(entries: Iterator[AuditEntry]) -> set[str]:
    """The templates that are there, to go by the log."""
    there: set[str] = set()
    for entry in entries:
        if entry.action in _ADDING:
            there.update(_detail(entry).get("templates", ()))
        elif entry.action in _REMOVING:
            there.difference_update(_detail(entry).get("templates", ()))
    return there


def _line(entry: AuditEntry, names: dict[str, str]) -> AuditLine:
    return AuditLine(
        number=entry.number,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        subject_id=names.get(entry.subject or ""),
        detail=_detail(entry),
    )


def _detail(entry: AuditEntry) -> dict[str, Any]:
    try:
        detail = json.loads(entry.detail)
    except ValueError:  # it was changed from outside, which verifying tells
        return {}
    return detail if isinstance(detail, dict) else {}
