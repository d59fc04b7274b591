"""The log of a whole gallery."""

from dataclasses import replace

import numpy as np

from tests.serving.gallery.people import enrol_some, photo
from twinlens.serving.gallery.gallery import Gallery


def test_the_log_says_who_did_what_and_names_nobody(gallery: Gallery) -> None:
    enrol_some(gallery, 2)
    gallery.acting("bo").identify(photo(1, 5))
    gallery.identify(photo(99))
    gallery.acting("cy").verify("person 1", photo(1, 5))
    gallery.remove("person 0")
    report = gallery.audit(verify=True)
    assert [(line.actor, line.action) for line in report.lines] == [
        ("ann", "create"),
        ("ann", "enrol"),
        ("ann", "enrol"),
        ("bo", "identify"),
        ("ann", "identify"),
        ("cy", "verify"),
        ("ann", "remove"),
    ]
    assert [line.subject_id for line in report.lines] == [None, None, "person 1", "person 1", None, "person 1", None]
    assert report.lines[1].subject == report.lines[6].subject is not None
    assert report.check is not None
    assert report.check.intact
    assert report.entries == 7
    assert gallery.audit(since=5).lines == report.lines[5:]
    assert gallery.audit(last=2).lines == report.lines[5:]
    assert gallery.audit(since=7).head == report.head


def test_what_was_noted_of_the_log_must_still_be_there(gallery: Gallery) -> None:
    enrol_some(gallery, 3)
    report = gallery.audit()
    gallery.remove("person 0")
    assert gallery.audit(noted=(report.entries, report.head)).check.intact  # type: ignore[union-attr]
    for noted in ((report.entries + 9, report.head), (report.entries, "0" * 64)):
        check = gallery.audit(noted=noted).check
        assert check is not None
        assert (check.intact, check.broken) == (False, noted[0])
        assert "was cut off" in check.reason


def test_templates_that_come_or_go_without_the_log_are_noticed(gallery: Gallery) -> None:
    enrol_some(gallery, 3)
    vault = gallery._vault
    (gone,) = (record.template_id for record in vault.store.records("person 1"))
    vault.store.remove([gone], [], vault.opened.auditor)
    (kept,) = vault.store.records("person 2")
    vault.store.add([replace(kept, template_id="0" * 32, vector=np.zeros(144, np.float32))], [], vault.opened.auditor)
    check = gallery.audit(verify=True).check
    assert check is not None
    assert (check.intact, check.broken, check.missing, check.unknown) == (False, None, (gone,), ("0" * 32,))
