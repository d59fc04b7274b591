"""Whatever is done to a store, it holds what a dictionary holds to which the same was done."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.postgres import Running
from tests.serving.gallery.made import HEADER, NOW, Copy, Place, chain, draft, record, same, unbroken
from twinlens.errors import GalleryError
from twinlens.serving.gallery.contract import Record

subjects = st.sampled_from(["Ann", "Bob", "Cy", "É", "ann"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
)
expiries = st.none() | st.integers(-3, 3).map(lambda days: NOW + timedelta(days))
sizes = st.sampled_from([0, 1, 400, 1023, 1024, 1025, 5000])


class StoreMachine(RuleBasedStateMachine):
    """One gallery, opened twice, beside a dictionary in the order of enrolment."""

    ids = Bundle("ids")
    place: Place  # set by whoever runs the machine

    @initialize()
    def begin(self) -> None:
        self.stores = [self.place.create(), self.place.open()]
        self.copies = [Copy(self.stores[0], 3), Copy(self.stores[1], 1000)]
        self.model: dict[str, Record] = {}
        self.actions: list[str] = []
        self.header = HEADER

    @rule(target=ids, given=st.lists(st.tuples(subjects, expiries, sizes), max_size=4), which=st.booleans())
    def add(self, given: list[tuple[str, datetime | None, int]], which: bool) -> object:
        records = [record(name, expires_at=end, size=size) for name, end, size in given]
        self.stores[which].add(records, draft("add"), chain)
        self.model |= {one.template_id: one for one in records}
        self.actions.append("add")
        return multiple(*(one.template_id for one in records))

    @rule(ids=st.lists(ids, min_size=1, max_size=3), name=subjects, which=st.booleans())
    def add_again(self, ids: list[str], name: str, which: bool) -> None:
        records = [record(name, template_id=template_id) for template_id in ids]
        if len({*ids} - {*self.model}) < len(ids):
            with pytest.raises(GalleryError, match="two templates"):
                self.stores[which].add(records, draft("never"), chain)
            return
        self.stores[which].add(records, draft("again"), chain)
        self.model |= {one.template_id: one for one in records}
        self.actions.append("again")

    @rule(ids=st.lists(ids, min_size=1, max_size=3), which=st.booleans())
    def remove(self, ids: list[str], which: bool) -> None:
        there = {template_id for template_id in ids if self.model.pop(template_id, None)}
        assert self.stores[which].remove(ids, draft("remove"), chain) == len(there)
        self.actions.append("remove")

    @rule(days=st.integers(-4, 4), which=st.booleans())
    def expire(self, days: int, which: bool) -> None:
        now = NOW + timedelta(days)
        due = [one for one in self.model.values() if one.expires_at is not None and one.expires_at <= now]
        assert same(self.stores[which].expired(now), due)

    @rule(keep=st.booleans(), size=sizes)
    def replace(self, keep: bool, size: int) -> None:
        writer, other = self.stores
        self.header = replace(HEADER, salt=uuid.uuid4().hex)
        made = [record(one.subject_id, template_id=one.template_id, size=size) for one in self.model.values()]
        self.model = {one.template_id: one for one in (made if keep else made[::2])}
        writer.replace(self.header, iter(self.model.values()), draft("replace"), chain, writer.version())
        self.actions.append("replace")
        with pytest.raises(GalleryError, match="meanwhile"):
            other.log(draft("never"), chain)
        other.close()
        self.stores[1] = self.place.open()

    @rule(which=st.booleans())
    def log(self, which: bool) -> None:
        self.stores[which].log(draft("look") * 2, chain)
        self.actions += ["look"] * 2

    @rule()
    def follow(self) -> None:
        self.copies[1].store = self.stores[1]
        self.copies[1].follow()
        assert same(self.copies[1].records.values(), self.model.values())

    @invariant()
    def agree(self) -> None:
        self.copies[0].follow()  # after each step, and the other one now and then
        assert same(self.copies[0].records.values(), self.model.values())
        for store in self.stores:
            assert same(store.records(), self.model.values())
            counts: dict[str, int] = {}
            for one in self.model.values():
                counts[one.subject_id] = counts.get(one.subject_id, 0) + 1
            assert store.subjects() == counts
            assert store.header() == self.header

    def teardown(self) -> None:
        entries = list(self.stores[0].audit())
        assert [entry.action for entry in entries] == self.actions
        assert unbroken(entries)
        self.place.close()


@pytest.mark.parametrize(("backend", "examples"), [("sqlite", 20), ("postgres", 6)])
def test_store_is_as_good_as_a_dictionary(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str, examples: int
) -> None:
    class Machine(StoreMachine):
        def __init__(self) -> None:
            super().__init__()
            name = f"model_{uuid.uuid4().hex}"
            server: Running | None = request.getfixturevalue("postgres") if backend == "postgres" else None
            self.place = Place(server.address(name) if server else tmp_path / name)

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples, stateful_step_count=20, suppress_health_check=checks)
    )
