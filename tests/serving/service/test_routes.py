"""What the routes answer when all is well, and when it is not."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.serving.service.made import Client, Made, photo, upload
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.service.app import build_app
from twinlens.serving.service.keys import Scope


def test_verify_decides_as_the_verifier_does(made: Made) -> None:
    for second, expected in [(photo(1, 1), True), (photo(2), False)]:
        answer = made.client.post("/v1/verify", files=upload(first=photo(1), second=second), data={"prior": "0.3"})
        assert answer.status_code == 200
        shown, direct = answer.json(), made.verifier.verify(photo(1), second, prior=0.3).model_dump(mode="json")
        assert shown["is_match"] is expected
        assert shown.keys() == direct.keys()
        assert shown["score"] == pytest.approx(direct["score"])
        assert shown["probability"]["value"] == pytest.approx(direct["probability"]["value"])
        assert shown["fingerprint"] == direct["fingerprint"]


def test_a_rate_moves_the_threshold_and_one_that_is_not_supported_is_refused(made: Made) -> None:
    files = upload(first=photo(1), second=photo(1, 1))
    assert made.client.post("/v1/verify", files=files, data={"fmr": "0.001"}).json()["threshold"] == 0.6
    answer = made.client.post("/v1/verify", files=files, data={"fmr": "1e-9"})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:twinlens:problem:unsupported"
    assert "1e-06" in answer.json()["remedy"]


def test_enrol_identify_verify_look_remove(made: Made) -> None:
    files = [("photos", ("a.png", photo(7, take))) for take in (0, 1)]
    enrolled = made.client.post("/v1/subjects/seven/templates", files=files, data={"consent": "yes", "source": "desk"})
    assert enrolled.status_code == 201
    assert enrolled.json()["templates_in_all"] == 2
    assert {template["consent"] for template in enrolled.json()["templates"]} == {"yes"}

    found = made.client.post("/v1/identify", files=upload(photo=photo(7, 2))).json()
    assert (found["subject_id"], found["candidates"][0]["subject_id"], found["subjects"]) == ("seven", "seven", 1)
    assert made.client.post("/v1/identify", files=upload(photo=photo(8))).json()["subject_id"] is None
    assert made.client.post("/v1/subjects/seven/verify", files=upload(photo=photo(7, 3))).json()["is_match"]
    assert not made.client.post("/v1/subjects/seven/verify", files=upload(photo=photo(9))).json()["is_match"]

    assert len(made.client.get("/v1/subjects/seven").json()["templates"]) == 2
    assert made.client.delete("/v1/subjects/seven").json() == {"subject_id": "seven", "templates": 2}
    for answer in (
        made.client.get("/v1/subjects/seven"),
        made.client.delete("/v1/subjects/seven"),
        made.client.post("/v1/subjects/seven/verify", files=upload(photo=photo(7))),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:twinlens:problem:unknown-subject"


def test_subjects_come_page_by_page(made: Made) -> None:
    names = [f"subject {i:02}" for i in range(7)]
    for i, name in enumerate(names):
        made.gallery.enrol(name, [photo(i)])
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = made.client.get("/v1/subjects", params={"after": after, "limit": 3}).json()
        seen += [subject["subject_id"] for subject in page["subjects"]]
        after = page["after"]
    assert seen == names


def test_a_duplicate_is_a_conflict_unless_it_is_allowed(made: Made) -> None:
    made.gallery.enrol("one", [photo(1)])
    files = upload(photos=photo(1, 1))
    answer = made.client.post("/v1/subjects/two/templates", files=files)
    assert answer.status_code == 409
    assert made.client.get("/v1/subjects/two").status_code == 404
    allowed = made.client.post("/v1/subjects/two/templates", files=files, data={"allow_duplicate": "true"})
    assert allowed.json()["duplicates"][0]["subject_id"] == "one"


def test_enrolment_is_all_or_nothing(made: Made) -> None:
    files = upload(photos=photo(1)) + upload(photos=b"no photo")
    answer = made.client.post("/v1/subjects/one/templates", files=files)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Photo 2 is no image")
    assert made.gallery.stats().templates == 0


def test_without_a_gallery_only_verification_is_served(made: Made) -> None:
    app = build_app(made.app.state.service.settings, made.verifier, None)
    client = Client(app, made.client.portal)
    assert client.post("/v1/verify", files=upload(first=photo(1), second=photo(1))).json()["is_match"]
    assert client.get("/readyz").json() == {"status": "ready"}
    assert "twinlens_requests_total" in client.get("/metrics").text
    for path in ("/v1/subjects", "/v1/identify", "/v1/audit"):
        assert client.get(path).json()["type"] == "urn:twinlens:problem:not-found"
        assert path not in app.openapi()["paths"]
    app.state.service.workers.close()


def test_models_say_what_decides_and_on_what_it_rests(made: Made) -> None:
    (model,) = made.client.get("/v1/models").json()["models"]
    assert model["fingerprint"] == made.verifier.manifest.fingerprint
    assert model["thresholds"][1]["fmr"] == 0.01


def test_the_log_names_the_key_and_no_photo(made: Made) -> None:
    enrol, admin = made.with_key(Scope.ENROL), made.with_key(Scope.ADMIN)
    made.client.post("/v1/subjects/one/templates", files=upload(photos=photo(1)), headers=enrol)
    report = made.client.get("/v1/audit", params={"verify": "true"}, headers=admin).json()
    assert report["check"]["intact"]
    assert [(line["actor"], line["action"]) for line in report["lines"]][-1] == ("key0", "enrol")
    since = report["lines"][-1]["number"]
    assert made.client.get("/v1/audit", params={"since": since}, headers=admin).json()["lines"] == []
    assert len(made.client.get("/v1/audit", params={"limit": 1}, headers=admin).json()["lines"]) == 1


def test_alive_and_ready_take_no_key(made: Made) -> None:
    made.with_key(Scope.READ)
    assert made.client.get("/healthz").json() == {"status": "alive"}
    assert made.client.get("/readyz").json() == {"status": "ready"}


def test_not_ready_while_it_stops_and_nothing_new_is_taken(made: Made) -> None:
    made.app.state.service.stopping = True
    assert made.client.get("/healthz").status_code == 200
    for answer in (made.client.get("/readyz"), made.client.get("/v1/models")):
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:twinlens:problem:stopping"
        assert answer.headers["Retry-After"] == "1"


def test_not_ready_without_its_gallery(made: Made) -> None:
    made.gallery.close()
    answer = made.client.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:twinlens:problem:unavailable")


def test_not_ready_when_its_gallery_was_given_another_key(made: Made, tmp_path: Path) -> None:
    with Gallery.open(tmp_path / "gallery.db", made.verifier) as elsewhere:
        elsewhere.rekey()
    assert made.client.get("/readyz").json()["type"] == "urn:twinlens:problem:unavailable"
    answer = made.client.post("/v1/identify", files=upload(photo=photo(1)))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:twinlens:problem:unavailable")
    assert "gallery.db" not in answer.text


def test_templates_whose_time_is_over_are_removed_while_it_runs(made: Made) -> None:
    made.app.state.service.settings.__dict__["expiry"] = 0.02
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    made.gallery.enrol("brief", [photo(1)], expires_at=soon)
    made.gallery.enrol("long", [photo(2)])

    async def run() -> None:
        task = asyncio.create_task(made.app.state.service.expire())
        while made.gallery.stats().templates > 1:
            await asyncio.sleep(0.02)
        task.cancel()

    made.client.portal.call(run)
    assert datetime.now(UTC) >= soon
    assert [subject.subject_id for subject in made.gallery.subjects()] == ["long"]
    last = made.gallery.audit().lines[-1]
    assert (last.actor, last.action) == ("service", "expire")


def test_metrics_count_by_route_and_not_by_name(made: Made) -> None:
    made.gallery.enrol("somebody", [photo(1)])
    made.client.get("/v1/subjects/somebody")
    made.client.get("/nowhere")
    made.client.request("BREW", "/v1/models")
    shown = made.client.get("/metrics").text
    assert 'twinlens_requests_total{method="GET",route="/v1/subjects/{subject_id}",status="200"} 1.0' in shown
    assert 'twinlens_requests_total{method="GET",route="none",status="404"} 1.0' in shown
    assert 'method="other"' in shown
    assert "twinlens_gallery_templates 1.0" in shown
    assert "process_resident_memory_bytes" in shown
    assert "somebody" not in shown
    assert "BREW" not in shown


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/v1/subjects/", 404, "not-found"),
        ("GET", "/v1/verify", 405, "method-not-allowed"),
        ("POST", "/v1/verify", 415, "unsupported-media-type"),
        ("GET", "/v1/subjects?limit=0", 422, "invalid"),
        ("GET", "/v1/subjects?limt=1", 422, "invalid"),
        ("GET", "/v1/models?x=1", 422, "invalid"),
        ("GET", "/v1/subjects/.hidden", 422, "invalid"),
        ("DELETE", "/v1/subjects/nobody", 404, "unknown-subject"),
    ],
)
def test_every_error_is_a_problem(made: Made, method: str, path: str, status: int, kind: str) -> None:
    answer = made.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["status"]) == (f"urn:twinlens:problem:{kind}", status)
    assert problem["title"]
    assert problem["detail"]
    assert problem["remedy"]
    assert problem["instance"] == f"urn:uuid:{uuid.UUID(answer.headers['X-Request-ID'])}"
    assert ("Allow" in answer.headers) == (status == 405)


def test_what_is_wrong_with_a_field_is_said_but_not_what_was_in_it(made: Made) -> None:
    files = upload(first=photo(1))
    answer = made.client.post("/v1/verify", files=files, data={"second": "/etc/passwd", "prior": "secret"})
    fields = {error["field"] for error in answer.json()["errors"]}
    assert fields == {"body.second", "body.prior"}
    assert "passwd" not in answer.text
    assert "secret" not in answer.text


def test_a_mistyped_field_is_refused(made: Made) -> None:
    files = upload(first=photo(1), second=photo(1))
    answer = made.client.post("/v1/verify", files=files, data={"fmrr": "0.01"})
    assert answer.status_code == 422
    assert "'fmrr'" in answer.json()["detail"]


def test_a_broken_form_is_refused(made: Made) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for content in (b"", b"--x\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\nx\r\n--x--", b"garbage"):
        answer = made.client.post("/v1/verify", content=content, headers=headers)
        assert answer.status_code in (400, 422)
    answer = made.client.post("/v1/verify", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert answer.status_code == 400


def test_headers_that_every_answer_has(made: Made) -> None:
    for path in ("/healthz", "/v1/models", "/nowhere"):
        headers = made.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers
        assert "Server" not in headers


def test_a_fault_tells_nothing_outside(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of /var/gallery.db")

    monkeypatch.setattr(made.verifier, "verify", fail)
    answer = made.client.post("/v1/verify", files=upload(first=photo(1), second=photo(1)))
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:twinlens:problem:internal"
    for word in ("secret", "gallery", "RuntimeError", "Traceback"):
        assert word not in answer.text
