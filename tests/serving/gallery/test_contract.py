"""What every store promises, held against each of them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from tests.serving.gallery.made import (
    HEADER,
    NOW,
    Copy,
    Place,
    chain,
    draft,
    is_whole,
    record,
    same,
    unbroken,
    vector_of,
)
from twinlens.errors import GalleryError
from twinlens.serving.gallery.contract import AuditDraft, AuditEntry, Record, SearchingStore
from twinlens.serving.gallery.opening import open_store, store_exists


def test_is_there_once_it_is_made(place: Place) -> None:
    assert not store_exists(place.address)
    with pytest.raises(GalleryError, match="no gallery at"):
        place.open()
    store = place.create()
    assert store_exists(place.address)
    assert store.header() == place.open().header() == HEADER
    assert (store.version(), store.subjects(), list(store.records()), list(store.audit())) == (0, {}, [], [])
    assert isinstance(store, SearchingStore) == place.searches


def test_is_not_made_over_another(place: Place) -> None:
    place.create().add([record()], draft(), chain)
    with pytest.raises(GalleryError, match="already"):
        place.create(replace(HEADER, model="another"))
    assert place.open().header() == HEADER
    assert place.open().subjects() == {"Ann": 1}


def test_gives_back_what_it_was_given(place: Place) -> None:
    store = place.create()
    tokyo = timezone(timedelta(hours=9))
    given = [
        record("Ann", size=0),
        record("Żółć 🙂 'quoted' \"twice\" %s ?", size=1),
        record("Ann", size=1500, expires_at=datetime(2031, 1, 2, 3, 4, 5, 6, tokyo)),
        replace(record("Bob", size=200_000), enrolled_at=datetime(1, 1, 1, tzinfo=UTC)),
        replace(record("Bob"), enrolled_at=datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    ]
    store.add(given[:2], draft(), chain)
    store.add(given[2:], draft(), chain)
    found = list(place.open().records())
    assert same(found, given)
    assert all(moment.tzinfo is UTC or moment.utcoffset() == timedelta(0) for moment in (r.enrolled_at for r in found))
    for one in found:
        assert (one.vector is not None) == place.searches
        assert is_whole(one)
    assert same(store.records("Bob"), given[3:])
    assert list(store.records("Nobody")) == []
    assert store.subjects() == {"Ann": 2, "Bob": 2, given[1].subject_id: 1}
    assert list(store.subjects()) == sorted(store.subjects())


@pytest.mark.usefixtures("small_portions")
def test_more_records_than_one_portion_come_in_order(place: Place) -> None:
    store = place.create()
    given = [record(f"subject {number % 7}", size=20) for number in range(123)]
    store.add(given, draft(), chain)
    assert same(store.records(), given)
    assert same(store.records("subject 3"), given[3::7])


def test_takes_all_records_or_none(place: Place) -> None:
    store = place.create()
    first, second, third = record("Ann"), record("Bob"), record("Cy")
    store.add([first], draft(), chain)
    version = store.version()
    for taken in ([second, replace(third, template_id=first.template_id)], [second, second]):
        with pytest.raises(GalleryError, match="two templates"):
            store.add(taken, draft("never"), chain)
    assert same(store.records(), [first])
    assert [entry.action for entry in store.audit()] == ["enrol"]
    assert store.version() == version


def test_removes_what_is_there(place: Place) -> None:
    store = place.create()
    given = [record("Ann"), record("Ann"), record("Bob")]
    store.add(given, draft(), chain)
    ids = [one.template_id for one in given]
    assert store.remove([ids[0], "0" * 32, ids[0], ids[2]], draft("remove"), chain) == 2
    assert same(store.records(), [given[1]])
    assert store.subjects() == {"Ann": 1}
    assert store.remove([ids[0]], draft("remove"), chain) == 0
    assert store.remove([], draft("remove"), chain) == 0
    assert [entry.action for entry in store.audit()] == ["enrol", "remove", "remove", "remove"]


def test_tells_whose_time_is_over(place: Place) -> None:
    store = place.create()
    late, due, stays = NOW + timedelta(microseconds=1), NOW, None
    given = [record("Ann", expires_at=moment) for moment in (due, late, stays, due - timedelta(days=9))]
    store.add(given, draft(), chain)
    assert same(store.expired(NOW), [given[0], given[3]])
    assert store.expired(NOW - timedelta(days=10)) == ()


@pytest.mark.usefixtures("small_portions")
def test_log_is_numbered_and_chained(place: Place) -> None:
    store = place.create()
    said = [AuditDraft(f"actor {number}", "identify", "pseudonym" if number % 2 else None) for number in range(110)]
    store.log(said[:60], chain)
    place.open().log(said[60:], chain)
    entries = list(store.audit())
    assert [AuditDraft(entry.actor, entry.action, entry.subject, entry.detail) for entry in entries] == said
    assert unbroken(entries)
    assert all(entry.at.utcoffset() == timedelta(0) for entry in entries)
    assert list(store.audit(since=100)) == entries[100:]
    assert list(store.audit(since=110)) == []
    assert store.version() == 0


def test_undoes_a_change_whose_entry_cannot_be_made(place: Place) -> None:
    store = place.create()
    kept = record("Ann")
    store.add([kept], draft(), chain)

    def failing(draft: AuditDraft, number: int, previous: str) -> AuditEntry:
        raise LookupError("no key")

    for change in (
        lambda: store.add([record("Bob")], draft(), failing),
        lambda: store.remove([kept.template_id], draft(), failing),
        lambda: store.replace(replace(HEADER, salt="cd" * 16), [], draft(), failing, store.version()),
        lambda: store.log(draft(), failing),
    ):
        with pytest.raises(LookupError):
            change()
    assert same(store.records(), [kept])
    assert store.header() == HEADER
    assert unbroken(list(store.audit()))
    store.add([record("Bob")], draft(), chain)
    assert store.subjects() == {"Ann": 1, "Bob": 1}


@pytest.mark.parametrize("most", [1, 2, 1000])
def test_a_copy_follows_by_changes(place: Place, most: int) -> None:
    store, other = place.create(), place.open()
    copy = Copy(other, most)
    assert copy.follow() == []
    given = [record(f"subject {number}") for number in range(5)]
    store.add(given[:3], draft(), chain)
    store.add(given[3:], draft(), chain)
    copy.follow()
    assert same(copy.records.values(), given)
    assert (copy.version, copy.follow()) == (store.version(), [])
    again = given[0].template_id
    store.remove([again, given[1].template_id], draft(), chain)
    store.add([record("another", template_id=again)], draft(), chain)
    copy.follow()
    assert same(copy.records.values(), [*given[2:], record("another", template_id=again)])
    late = Copy(store, most)
    late.follow()
    assert same(late.records.values(), store.records())


def test_a_copy_starts_anew_after_a_replacement(place: Place) -> None:
    store = place.create()
    given = [record(f"subject {number}") for number in range(4)]
    store.add(given, draft(), chain)
    store.remove([given[0].template_id], draft(), chain)
    copy = Copy(place.open(), most=2)
    copy.follow()
    store.replace(replace(HEADER, salt="cd" * 16), given[2:], draft("rekey"), chain, store.version())
    taken = copy.follow()
    assert taken[0].anew
    assert not any(changes.anew for changes in taken[1:])
    assert same(copy.records.values(), given[2:])
    copy.version += 1000  # as if the store had been put back from a backup
    assert copy.follow()[0].anew
    assert same(copy.records.values(), given[2:])


@pytest.mark.usefixtures("small_portions")
def test_replaces_everything_with_what_it_makes_of_it(place: Place) -> None:
    store = place.create()
    given = [record(f"subject {number % 5}", size=100) for number in range(110)]
    store.add(given, draft(), chain)
    header = replace(HEADER, salt="cd" * 16, model="another", fingerprint="e" * 64, key_check="other")

    def remade() -> Iterator[Record]:
        for old in store.records():
            yield replace(old, sealed=old.sealed[::-1], vector=vector_of(old.template_id))

    store.replace(header, remade(), draft("rekey"), chain, store.version())
    expected = [replace(old, sealed=old.sealed[::-1]) for old in given]
    for anybody in (store, place.open()):
        assert anybody.header() == header
        assert same(anybody.records(), expected)
        assert same(anybody.records("subject 3"), expected[3::5])
    assert [entry.action for entry in store.audit()] == ["enrol", "rekey"]
    store.remove([given[0].template_id], draft(), chain)
    assert same(store.records(), expected[1:])


def test_takes_embeddings_of_another_dimension_when_it_is_replaced(place: Place) -> None:
    store = place.create()
    store.add([record("Ann")], draft(), chain)
    wide = [replace(record("Ann"), vector=vector_of("wide", 2100)), replace(record("Bob"), vector=vector_of("b", 2100))]
    store.replace(replace(HEADER, dim=2100), wide, draft("reenrol"), chain, store.version())
    assert same(store.records(), wide)
    if isinstance(store, SearchingStore):
        assert store.nearest(vector_of("b", 2100), 1)[0].subject_id == "Bob"


def test_refuses_to_replace_what_has_changed_meanwhile(place: Place) -> None:
    store, other = place.create(), place.open()
    store.add([record("Ann")], draft(), chain)
    version = store.version()
    other.add([record("Bob")], draft(), chain)
    with pytest.raises(GalleryError, match="changed meanwhile"):
        store.replace(replace(HEADER, salt="cd" * 16), [], draft("rekey"), chain, version)
    assert store.header() == HEADER
    assert store.subjects() == {"Ann": 1, "Bob": 1}


def test_stays_as_it_was_when_a_replacement_fails(place: Place) -> None:
    store = place.create()
    given = [record("Ann"), record("Bob")]
    store.add(given, draft(), chain)

    def broken() -> Iterator[Record]:
        yield given[0]
        raise LookupError("cannot be opened")

    with pytest.raises(LookupError):
        store.replace(replace(HEADER, salt="cd" * 16), broken(), draft("rekey"), chain, store.version())
    with pytest.raises(GalleryError, match="two templates"):
        store.replace(HEADER, [given[0], given[0]], draft("rekey"), chain, store.version())
    assert store.header() == HEADER
    assert same(store.records(), given)
    with pytest.raises(GalleryError, match="two templates"):
        store.add(given[:1], draft(), chain)


def test_refuses_whoever_holds_secrets_that_are_gone(place: Place) -> None:
    store, other = place.create(), place.open()
    given = record("Ann")
    store.add([given], draft(), chain)
    other.replace(replace(HEADER, salt="cd" * 16), [given], draft("rekey"), chain, other.version())
    for change in (
        lambda: store.add([record("Bob")], draft(), chain),
        lambda: store.remove([given.template_id], draft(), chain),
        lambda: store.log(draft(), chain),
        lambda: store.replace(HEADER, [], draft(), chain, store.version()),
    ):
        with pytest.raises(GalleryError, match="another key or model meanwhile"):
            change()
    other.add([record("Bob")], draft(), chain)
    assert place.open().subjects() == {"Ann": 1, "Bob": 1}


@pytest.mark.usefixtures("small_portions")
def test_reading_all_records_neither_blocks_nor_mixes(place: Place) -> None:
    store, other = place.create(), place.open()
    given = [record("Ann", size=20) for _ in range(110)]
    store.add(given, draft(), chain)
    reading = store.records()
    found = [next(reading)]
    other.add([record("Bob")], draft(), chain)
    other.remove([given[-1].template_id], draft(), chain)
    found += list(reading)
    assert same(found, given[:-1])
    reading = store.records()
    next(reading)
    other.replace(HEADER, given, draft(), chain, other.version())
    with pytest.raises(GalleryError, match="replaced meanwhile"):
        list(reading)


@pytest.mark.parametrize("share", [True, False])
def test_threads_write_at_once(place: Place, share: bool) -> None:
    shared = place.create()
    start = threading.Barrier(6)

    def work(name: str) -> list[Record]:
        store = shared if share else place.open()
        start.wait()
        mine = []
        for _ in range(4):
            both = [record(name), record(name)]
            store.add(both, draft(), chain)
            store.remove([both[0].template_id], draft("remove"), chain)
            mine.append(both[1])
            assert same(store.records(name), mine)
            Copy(store, 50).follow()
        return mine

    with ThreadPoolExecutor(6) as pool:
        kept = [one for mine in pool.map(work, "abcdef") for one in mine]
    assert {one.template_id for one in kept} == {one.template_id for one in shared.records()}
    entries = list(shared.audit())
    assert len(entries) == 6 * 4 * 2
    assert unbroken(entries)


def test_of_many_who_make_it_one_does(place: Place) -> None:
    start = threading.Barrier(6)

    def work(name: str) -> str:
        start.wait()
        try:
            return place.create(replace(HEADER, model=name)).header().model
        except GalleryError as error:
            return error.message

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(work, "abcdef"))
    assert outcomes.count(place.open().header().model) == 1
    assert sum("already" in outcome for outcome in outcomes) == 5


def test_says_so_when_something_is_no_text(place: Place) -> None:
    store = place.create()
    with pytest.raises(GalleryError, match="no text"):
        store.add([replace(record("Ann"), subject_id="lone \ud800 surrogate")], draft(), chain)
    assert store.subjects() == {}
    store.add([record("Ann")], draft(), chain)


def test_is_of_no_use_when_closed(place: Place) -> None:
    store = place.create()
    store.close()
    store.close()
    with pytest.raises(GalleryError):
        store.version()
    with pytest.raises(GalleryError):
        store.add([record()], draft(), chain)
    assert open_store(place.address).close() is None


def test_finds_near_templates(place: Place) -> None:
    if not place.searches:
        pytest.skip("only of a store that searches")
    store = place.create()
    assert isinstance(store, SearchingStore)
    given = [record(f"subject {number}", size=10, expires_at=NOW if number % 2 else None) for number in range(300)]
    assert store.nearest(vector_of("probe"), 5) == ()
    store.add(given, draft(), chain)
    store.remove([given[0].template_id], draft(), chain)
    vectors = np.stack([vector_of(one.template_id) for one in given[1:]])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for number in range(20):
        probe = vector_of(f"probe {number}")
        exact = {given[1:][index].template_id for index in np.argsort(-(unit @ probe))[:10]}
        found = store.nearest(probe, 10)
        assert {near.template_id for near in found} == exact
        by_id = {one.template_id: one for one in given}
        for near in found:
            one = by_id[near.template_id]
            assert (near.subject_id, near.expires_at) == (one.subject_id, one.expires_at)
            assert np.array_equal(near.vector, vector_of(near.template_id))
            assert near.vector.dtype == np.float32
    assert len(store.nearest(vector_of("probe"), 5000)) == 299
