"""The log of who did what: each entry is chained to the one before, and authenticated with the gallery's key.

Without the key no entry can be changed, taken out or put in between unnoticed. Entries cut off at the end are noticed
by whoever has noted number and digest of a later one.

A gallery that is given a new key goes on with the same log. The entry that tells of it holds the secret of the entries
before, sealed with its own, so that whoever has the newest key can verify all of them.

References:
    B. Schneier and J. Kelsey (1999), Secure audit logs to support computer forensics, ACM Transactions on Information
    and System Security 2.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from twinlens.errors import GalleryError
from twinlens.serving.gallery.contract import NOTHING_BEFORE, AuditDraft, AuditEntry
from twinlens.serving.gallery.sealing import Seal, derived

REKEY = "rekey"
_PREVIOUS_SECRET = "previous_secret"  # noqa: S105, the name of a field
_PSEUDONYM_DIGITS = 32


class ChainAuditor:
    """Makes entries of drafts, dated now, under one secret of 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._names = derived(secret, "pseudonym")

    def __call__(self, draft: AuditDraft, number: int, previous: str) -> AuditEntry:
        """The entry with ``number``, after the one whose digest is ``previous``."""
        undigested = AuditEntry(
            number, datetime.now(UTC), draft.actor, draft.action, draft.subject, draft.detail, previous, ""
        )
        return _digested(undigested, self._secret)

    def pseudonym(self, subject_id: str) -> str:
        """What entries call a subject: the same each time, and meaning nothing to whoever lacks the key."""
        return hmac.new(self._names, subject_id.encode(), hashlib.sha256).hexdigest()[:_PSEUDONYM_DIGITS]

    def rekey_draft(self, actor: str, previous: bytes) -> AuditDraft:
        """The first entry under this auditor's secret, which hands on that of the entries before."""
        sealed = _handing_on(self._secret).close(previous, REKEY.encode()).hex()
        return AuditDraft(actor, REKEY, None, json.dumps({_PREVIOUS_SECRET: sealed}))


class Replay:
    """Gives entries that were made before, for a log that is copied whole, and after them those of an auditor."""

    def __init__(self, entries: Iterable[AuditEntry], onwards: ChainAuditor) -> None:
        self._entries = {entry.number: entry for entry in entries}
        self._onwards = onwards

    def __call__(self, draft: AuditDraft, number: int, previous: str) -> AuditEntry:
        """The entry with ``number``.

        Raises:
            GalleryError: It does not follow on ``previous``.
        """
        entry = self._entries.get(number) or self._onwards(draft, number, previous)
        if entry.previous != previous:
            raise GalleryError(f"Entry {number} of the log does not follow on the one before.", "Audit the gallery.")
        return entry


@dataclass(frozen=True, slots=True)
class Finding:
    """What verifying a log has found.

    Attributes:
        entries: How many there are.
        broken: Number of the first entry that is not what it was; none if all are.
        reason: What is wrong with it.
        head: Digest of the last entry; 64 zeros if there is none.
    """

    entries: int
    broken: int | None
    reason: str
    head: str


def verify_log(read: Callable[[], Iterator[AuditEntry]], secret: bytes) -> Finding:
    """Verify a log from its first entry to its last.

    Args:
        read: Gives the entries in order; it is called twice, as secrets are handed on from the newest backwards.
        secret: That authenticates the newest entries.
    """
    epochs, unopened = _secrets([entry for entry in read() if entry.action == REKEY], secret)
    entries, previous, current = 0, NOTHING_BEFORE, epochs.get(1, secret)
    broken: tuple[int, str] | None = None
    for entries, entry in enumerate(read(), start=1):
        current = epochs.get(entries, current)
        broken = broken or _fault(entry, entries, previous, current, unopened)
        previous = entry.digest
    number, reason = broken or (None, "")
    return Finding(entries, number, reason, previous)


def _fault(
    entry: AuditEntry, number: int, previous: str, secret: bytes, unopened: int | None
) -> tuple[int, str] | None:
    """The number of the entry that is wrong and what is wrong with it, if anything is."""
    if unopened is not None:
        return unopened, "the secret of the entries before it cannot be opened, so nobody can tell if these are right"
    if entry.number != number:
        return number, f"there is entry {entry.number} in its place"
    if entry.previous != previous:
        return number, "it does not follow on the entry before"
    if not hmac.compare_digest(entry.digest, _digested(entry, secret).digest):
        return number, "its content is not what was written"
    return None


def _secrets(rekeys: list[AuditEntry], newest: bytes) -> tuple[dict[int, bytes], int | None]:
    """The secrets by the first entry of each, and the number of an entry whose sealed secret does not open."""
    found, secret = {}, newest
    for entry in reversed(rekeys):
        found[entry.number] = secret
        try:
            sealed = bytes.fromhex(json.loads(entry.detail)[_PREVIOUS_SECRET])
            secret = _handing_on(secret).open(sealed, REKEY.encode(), "It")
        except (GalleryError, ValueError, KeyError, TypeError):
            return found, entry.number
    return {1: secret} | found, None


def _handing_on(secret: bytes) -> Seal:
    return Seal(derived(secret, "handing on"))


def _digested(entry: AuditEntry, secret: bytes) -> AuditEntry:
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    said = [entry.number, at, entry.actor, entry.action, entry.subject, entry.detail, entry.previous]
    digest = hmac.new(secret, json.dumps(said).encode(), hashlib.sha256).hexdigest()
    return AuditEntry(
        entry.number, entry.at, entry.actor, entry.action, entry.subject, entry.detail, entry.previous, digest
    )
