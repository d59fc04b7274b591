"""Many at once: threads that share a gallery, and others that have opened the same one."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serving.gallery.made import Place
from tests.serving.gallery.people import KEY, pattern_verifier, photo
from twinlens.errors import GalleryError
from twinlens.serving.gallery.contract import AuditDraft, Auditor
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.keys import Key


def test_threads_and_others_enrol_identify_and_remove_at_once(gallery: Gallery, place: Place) -> None:
    """Everybody who was enrolled is found, at once and by everybody, and nobody is found who was removed."""
    with Gallery.open(place.address, pattern_verifier(), key=KEY, actor="bo") as other:
        galleries = (gallery, other)

        def work(worker: int) -> None:
            mine, theirs = galleries[worker % 2], galleries[1 - worker % 2]
            for round_ in range(4):
                subject = 100 * worker + round_
                mine.enrol(f"person {subject}", [photo(subject)], allow_duplicate=True)
                for one in (mine, theirs):
                    assert one.identify(photo(subject, 5)).candidates[0].subject_id == f"person {subject}"
                if round_ % 2:
                    assert theirs.remove(f"person {subject}") == 1
                    assert mine.identify(photo(subject, 5)).candidates[0].subject_id != f"person {subject}"

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(work, range(6)))
        assert gallery.stats().subjects == other.stats().subjects == 12
        check = gallery.audit(verify=True).check
        assert check is not None
        assert check.intact


def test_the_key_may_change_while_others_are_at_work(gallery: Gallery) -> None:
    """In one process nobody notices: what each thread writes is sealed under the key that is in force."""
    done = threading.Event()

    def change() -> None:
        try:
            for n in range(5):
                gallery.rekey(Key(bytes([n]) * 32))
        finally:
            done.set()

    def enrol(worker: int) -> int:
        subject = 1000 * worker
        while not done.is_set() or subject % 1000 < 3:
            subject += 1
            gallery.enrol(f"person {subject}", [photo(subject)], allow_duplicate=True)
            assert gallery.identify(photo(subject, 5)).candidates[0].subject_id == f"person {subject}"
        return subject % 1000

    with ThreadPoolExecutor(4) as pool:
        changing = pool.submit(change)
        enrolled = sum(pool.map(enrol, range(1, 4)))
        changing.result()
    assert gallery.stats().templates == enrolled
    assert sum(1 for _ in gallery._vault.templates()) == enrolled  # each of them opens
    check = gallery.audit(verify=True).check
    assert check is not None
    assert check.intact


def test_threads_that_ask_at_once_share_a_flush_of_the_log(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one writes, the others search, and the next one writes for all who have come meanwhile."""
    gallery.enrol("ann", [photo(1)])
    vault, flushes = gallery._vault, list[int]()
    log = vault.store.log

    def slow(drafts: Sequence[AuditDraft], auditor: Auditor) -> None:
        flushes.append(len(drafts))
        end = time.monotonic() + 20
        while len(flushes) == 1 and vault._in_force.waiting.qsize() < 12 - len(drafts) and time.monotonic() < end:
            time.sleep(0.01)
        log(drafts, auditor)

    monkeypatch.setattr(vault.store, "log", slow)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda n: gallery.acting(f"asker {n}").identify(photo(1, n)), range(12)))
    assert len(flushes) == 2
    assert sum(flushes) == 12
    report = gallery.audit(verify=True)
    assert {line.actor for line in report.lines[2:]} == {f"asker {n}" for n in range(12)}
    assert report.check is not None
    assert report.check.intact


def test_nobody_gets_an_answer_that_is_not_logged(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery.enrol("ann", [photo(1)])

    def full(*_: object) -> None:
        time.sleep(0.01)
        raise GalleryError("The disk is full.")

    def ask(number: int) -> str:
        try:
            gallery.identify(photo(1, number))
        except GalleryError as error:
            return error.message
        return "answered"

    with monkeypatch.context() as patch, ThreadPoolExecutor(6) as pool:
        patch.setattr(gallery._vault.store, "log", full)
        assert set(pool.map(ask, range(12))) == {"The disk is full."}
    assert ask(0) == "answered"


def test_two_who_make_the_same_gallery_share_it(place: Place) -> None:
    verifier, together = pattern_verifier(), threading.Barrier(4)

    def make(worker: int) -> Gallery | GalleryError:
        together.wait()
        try:
            gallery = Gallery.open(place.address, verifier, key=KEY, create=True)
        except GalleryError as error:
            return error
        gallery.enrol(f"person {worker}", [photo(worker)])
        return gallery

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(4)))
    galleries = [one for one in made if isinstance(one, Gallery)]
    assert len(galleries) == 4, made
    assert {one.stats().subjects for one in galleries} == {4}
    for one in galleries:
        one.close()
