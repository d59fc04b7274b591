import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.errors import GalleryError
from twinlens.serving.gallery.audit import ChainAuditor, Replay, verify_log
from twinlens.serving.gallery.contract import NOTHING_BEFORE, AuditDraft, AuditEntry

OLD, NEW, NEWEST = (bytes([n]) * 32 for n in (1, 2, 3))


def appended(entries: list[AuditEntry], auditor: ChainAuditor | Replay, draft: AuditDraft) -> None:
    entries.append(auditor(draft, len(entries) + 1, entries[-1].digest if entries else NOTHING_BEFORE))


def some_log(*secrets: bytes, each: int = 3) -> list[AuditEntry]:
    """A log of ``each`` entries under each secret, with those that hand secrets on between them."""
    entries: list[AuditEntry] = []
    for number, secret in enumerate(secrets):
        auditor = ChainAuditor(secret)
        if number:
            appended(entries, auditor, auditor.rekey_draft("ann", secrets[number - 1]))
        for _ in range(each):
            draft = AuditDraft("ann", "enrol", auditor.pseudonym("bo"), json.dumps({"templates": ["00"]}))
            appended(entries, auditor, draft)
    return entries


@pytest.mark.parametrize("secrets", [(OLD,), (OLD, NEW), (OLD, NEW, NEWEST)], ids=len)
def test_a_log_that_nobody_touched_is_intact(secrets: tuple[bytes, ...]) -> None:
    entries = some_log(*secrets)
    finding = verify_log(lambda: iter(entries), secrets[-1])
    assert (finding.entries, finding.broken, finding.head) == (len(entries), None, entries[-1].digest)


def test_an_empty_log_is_intact() -> None:
    finding = verify_log(lambda: iter(()), OLD)
    assert (finding.entries, finding.broken, finding.head) == (0, None, NOTHING_BEFORE)


CHANGES: list[Callable[[AuditEntry], AuditEntry]] = [
    lambda entry: replace(entry, number=entry.number + 1),
    lambda entry: replace(entry, at=entry.at + timedelta(microseconds=1)),
    lambda entry: replace(entry, actor="bob"),
    lambda entry: replace(entry, action="remove"),
    lambda entry: replace(entry, subject=None),
    lambda entry: replace(entry, subject="0" * 32),
    lambda entry: replace(entry, detail="{}"),
    lambda entry: replace(entry, previous="1" * 64),
    lambda entry: replace(entry, digest="1" * 64),
    lambda entry: replace(entry, digest=""),
]


@given(position=st.integers(0, 10), change=st.sampled_from(CHANGES))
def test_the_first_entry_that_was_changed_is_named(position: int, change: Callable[[AuditEntry], AuditEntry]) -> None:
    entries = some_log(OLD, NEW, NEWEST)
    changed = change(entries[position])
    if changed == entries[position]:  # an entry that has no subject loses none
        return
    entries[position] = changed
    finding = verify_log(lambda: iter(entries), NEWEST)
    hands_on = position in (3, 7)  # without the secrets from there, nobody can tell of the entries before
    assert finding.broken is not None
    assert finding.broken <= position + 1 if hands_on else finding.broken == position + 1
    assert finding.reason


@given(position=st.integers(0, 9))
def test_an_entry_that_was_taken_out_is_missed(position: int) -> None:
    entries = some_log(OLD, NEW, NEWEST)
    del entries[position]
    finding = verify_log(lambda: iter(entries), NEWEST)
    assert finding.broken is not None


@given(position=st.integers(0, 10))
def test_an_entry_of_another_log_is_noticed(position: int) -> None:
    entries, others = some_log(OLD, NEW, NEWEST), some_log(OLD, NEW, NEWEST)
    entries[position] = others[position]
    assert verify_log(lambda: iter(entries), NEWEST).broken in (position + 1, position + 2)


def test_entries_that_are_swapped_are_noticed() -> None:
    entries = some_log(OLD)
    entries[0], entries[1] = entries[1], entries[0]
    assert verify_log(lambda: iter(entries), OLD).broken == 1


def test_who_lacks_the_key_can_forge_no_entry() -> None:
    entries = some_log(OLD)
    appended(entries, ChainAuditor(NEW), AuditDraft("mallory", "remove"))
    assert verify_log(lambda: iter(entries), OLD).broken == 4
    entries = some_log(OLD)
    appended(entries, ChainAuditor(NEW), ChainAuditor(NEW).rekey_draft("mallory", OLD))
    assert verify_log(lambda: iter(entries), OLD).broken == 4


def test_the_old_key_does_not_verify_what_came_after() -> None:
    entries = some_log(OLD, NEW)
    assert verify_log(lambda: iter(entries), OLD).broken == 4


def test_entries_that_were_cut_off_change_the_head() -> None:
    entries = some_log(OLD)
    whole, cut = (verify_log(lambda: iter(entries[:n]), OLD) for n in (3, 2))  # noqa: B023
    assert whole.broken is cut.broken is None
    assert whole.head != cut.head == entries[1].digest


def test_the_secret_of_earlier_entries_is_not_in_the_open() -> None:
    detail = ChainAuditor(NEW).rekey_draft("ann", OLD).detail
    assert OLD.hex() not in detail


def test_pseudonyms_mean_nothing_without_the_key() -> None:
    one, other = ChainAuditor(OLD), ChainAuditor(NEW)
    assert one.pseudonym("bo") == ChainAuditor(OLD).pseudonym("bo") != one.pseudonym("ann")
    assert one.pseudonym("bo") != other.pseudonym("bo")
    assert len(one.pseudonym("bo")) == 32


def test_a_log_is_replayed_entry_by_entry_and_goes_on() -> None:
    entries = some_log(OLD, NEW)
    replay, copied = Replay(entries, ChainAuditor(NEW)), list[AuditEntry]()
    for entry in entries:
        appended(copied, replay, AuditDraft(entry.actor, entry.action, entry.subject, entry.detail))
    assert copied == entries
    appended(copied, replay, AuditDraft("ann", "copy"))
    assert verify_log(lambda: iter(copied), NEW).broken is None


def test_a_log_with_a_gap_is_not_replayed() -> None:
    entries = some_log(OLD)
    replay = Replay([entries[0], replace(entries[1], previous="1" * 64)], ChainAuditor(OLD))
    with pytest.raises(GalleryError, match="Entry 2 of the log does not follow"):
        replay(AuditDraft("ann", "enrol"), 2, entries[0].digest)
