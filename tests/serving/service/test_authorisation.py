"""Who is let in where: every route, every scope, every state of a key; and who is where there are no keys."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.serving.service.made import Client, Made, photo, service, upload
from twinlens.errors import ServiceError
from twinlens.serving.service.keys import Keyring, Scope
from twinlens.serving.service.security import refuse_lost_keys, refuse_others_without_keys
from twinlens.serving.service.settings import ServiceSettings

OPEN = "open"
# What a route needs. A route that is not listed here fails the first test.
NEEDS: dict[tuple[str, str], str] = {
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/docs/oauth2-redirect"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("POST", "/v1/verify"): Scope.READ,
    ("GET", "/v1/models"): Scope.READ,
    ("POST", "/v1/identify"): Scope.READ,
    ("POST", "/v1/subjects/{subject_id}/verify"): Scope.READ,
    ("POST", "/v1/subjects/{subject_id}/templates"): Scope.ENROL,
    ("GET", "/v1/subjects"): Scope.ENROL,
    ("GET", "/v1/subjects/{subject_id}"): Scope.ENROL,
    ("DELETE", "/v1/subjects/{subject_id}"): Scope.ENROL,
    ("GET", "/v1/audit"): Scope.ADMIN,
    ("GET", "/metrics"): Scope.ADMIN,
}
FILES = {
    "/v1/verify": upload(first=photo(1), second=photo(1)),
    "/v1/identify": upload(photo=photo(1)),
    "/v1/subjects/{subject_id}/verify": upload(photo=photo(1)),
    "/v1/subjects/{subject_id}/templates": upload(photos=photo(1)),
}
BAD = ("none", "wrong", "expired", "revoked", "empty", "basic")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with service(tmp_path_factory.mktemp("service")) as made:
        yield made


@pytest.fixture(scope="module")
def headers(guarded: Made) -> dict[str, dict[str, str]]:
    """A key of each scope, of none of each, and every kind of key that is none."""
    ring = guarded.keyring
    found = {scope: bearer(ring.create(f"only-{scope}", [scope])) for scope in Scope}
    for scope in Scope:
        found[f"all but {scope}"] = bearer(ring.create(f"but-{scope}", [other for other in Scope if other != scope]))
    expired = ring.create("expired", list(Scope), datetime.now(UTC) + timedelta(seconds=1))
    revoked = ring.create("revoked", list(Scope))
    ring.revoke("revoked")
    time.sleep(1.1)
    valid = ring.create("valid", list(Scope))
    basic = {"Authorization": f"Basic {valid}"}
    wrong = {"wrong": bearer(valid[:-2] + "AA"), "expired": bearer(expired), "revoked": bearer(revoked)}
    return found | wrong | {"none": {}, "empty": {"Authorization": "Bearer "}, "basic": basic}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def status(made: Made, route: tuple[str, str], headers: dict[str, str]) -> int:
    method, path = route
    made.gallery.enrol("somebody", [photo(1)])
    answer = made.client.request(
        method, path.replace("{subject_id}", "somebody"), headers=headers, files=FILES.get(path)
    )
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return answer.status_code


def test_every_route_is_in_the_table(guarded: Made) -> None:
    described = {
        (method.upper(), path) for path, methods in guarded.app.openapi()["paths"].items() for method in methods
    }
    hidden = {("GET", path) for path in ("/docs", "/docs/oauth2-redirect", "/openapi.json")}
    assert described | hidden == set(NEEDS)


@pytest.mark.parametrize(
    ("route", "needs"), NEEDS.items(), ids=lambda each: " ".join(each) if isinstance(each, tuple) else each
)
def test_who_is_let_in(guarded: Made, headers: dict[str, dict[str, str]], route: tuple[str, str], needs: str) -> None:
    expected = {
        **{scope: 200 if needs in (OPEN, scope) else 403 for scope in Scope},
        **{f"all but {scope}": 403 if needs == scope else 200 for scope in Scope},
        **dict.fromkeys(BAD, 200 if needs == OPEN else 401),
    }
    found = {who: status(guarded, route, given) for who, given in headers.items()}
    assert {who: 200 if code == 201 else code for who, code in found.items()} == expected


def test_the_description_says_which_scope_each_route_needs(guarded: Made) -> None:
    for path, methods in guarded.app.openapi()["paths"].items():
        for method, route in methods.items():
            needs = NEEDS[method.upper(), path]
            assert route.get("security", []) == ([] if needs == OPEN else [{"key": [needs]}])


def test_a_revoked_key_is_refused_with_the_next_request(made: Made) -> None:
    headers = made.with_key(Scope.READ)
    assert made.client.get("/v1/models", headers=headers).status_code == 200
    made.keyring.revoke("key0")
    assert made.client.get("/v1/models", headers=headers).status_code == 401
    assert made.client.get("/v1/models").status_code == 401


@pytest.mark.parametrize("allowed", [False, True])
def test_only_who_may_read_hears_whom_a_duplicate_looks_like(made: Made, allowed: bool) -> None:
    """Else a key that may only enrol could ask who is on any photo."""
    made.gallery.enrol("secret", [photo(1)])
    form, files = {"allow_duplicate": str(allowed)}, upload(photos=photo(1, 1))
    enrols = made.with_key(Scope.ENROL)
    reads_too = made.with_key(Scope.ENROL, Scope.READ)
    for headers, hears in ((enrols, False), (reads_too, True)):
        answer = made.client.post("/v1/subjects/other/templates", headers=headers, files=files, data=form)
        assert answer.status_code == (201 if allowed else 409)
        assert ("secret" in answer.text) == hears
        assert ("score" in answer.text) == hears
        assert "would be identified as" in answer.text
        line = [line for line in made.gallery.audit().lines if line.action == "duplicate"][-1]
        assert (line.actor, line.subject_id) == (f"key{int(hears)}", "secret")
        if allowed:
            made.gallery.remove("other")


def test_a_body_is_not_read_before_it_is_known_whose_it_is(made: Made) -> None:
    made.with_key(Scope.READ)
    parsed: list[object] = []
    made.app.state.service.workers.run = parsed.append
    answer = made.client.post("/v1/verify", content=b"x" * 100_000, headers={"Content-Type": "multipart/form-data"})
    assert answer.status_code == 401  # and not 400, which reading it would give
    assert not parsed


@pytest.mark.parametrize(
    "path", ["/static-offline-docs/../app.py", "/static-offline-docs/%2e%2e/%2e%2e/core.py", "//etc/passwd"]
)
def test_files_of_the_description_are_the_only_ones_given(made: Made, path: str) -> None:
    assert made.client.get("/static-offline-docs/swagger-ui.css").status_code == 200
    assert made.client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ({}, True),
        ({"Host": "localhost:8000"}, True),
        ({"Host": "[::1]:8000"}, True),
        ({"Host": "127.0.0.1:8000", "Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Host": "evil.example:8000"}, False),  # a name that was made to lead here
        ({"Host": "0.0.0.0:8000"}, False),
        ({"Host": "127.0.0.1.evil.example"}, False),
        ({"Host": ""}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"X-Forwarded-For": "192.0.2.1"}, False),
        ({"Forwarded": "for=192.0.2.1"}, False),
    ],
)
def test_without_keys_programs_on_this_machine_are_served_and_nobody_else(
    made: Made, headers: dict[str, str], admitted: bool
) -> None:
    answer = made.client.get("/v1/models", headers=headers)
    assert answer.status_code == (200 if admitted else 403)
    if not admitted:
        assert answer.json()["type"] == "urn:twinlens:problem:not-local"


@pytest.mark.parametrize(("address", "code"), [("::1", 200), ("127.0.0.9", 200), ("192.0.2.1", 403), ("unix", 403)])
def test_without_keys_other_machines_are_refused(made: Made, address: str, code: int) -> None:
    assert Client(made.app, made.client.portal, address).get("/v1/models").status_code == code


def test_with_keys_it_does_not_matter_where_one_comes_from(made: Made) -> None:
    headers = made.with_key(Scope.READ) | {"Host": "service.example", "Origin": "https://page.example"}
    answer = Client(made.app, made.client.portal, "192.0.2.1").get("/v1/models", headers=headers)
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "others", [{"host": "0.0.0.0"}, {"host": "::"}, {"host": "example.org"}, {"trusted_proxies": ("10.0.0.1",)},
               {"cors_origins": ("https://page.example",)}],
)  # fmt: skip
def test_others_are_served_only_where_a_valid_key_exists(tmp_path: Path, others: dict[str, object]) -> None:
    ring = Keyring(tmp_path / "keys.json")
    settings = ServiceSettings(keys=ring.path, **others)
    refuse_others_without_keys(ServiceSettings(keys=ring.path), ring)
    with pytest.raises(ServiceError, match="has no valid key"):
        refuse_others_without_keys(settings, ring)
    ring.create("desk", [Scope.READ])
    refuse_others_without_keys(settings, ring)
    ring.revoke("desk")
    with pytest.raises(ServiceError, match="twinlens keys create"):
        refuse_others_without_keys(settings, ring)


def test_web_pages_of_configured_origins_may_ask_with_a_key(tmp_path: Path) -> None:
    with service(tmp_path, cors_origins=("https://page.example",)) as made:
        headers = made.with_key(Scope.READ)
        asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "authorization"}  # fmt: skip
        allowed = made.client.request("OPTIONS", "/v1/verify", headers=asked)
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://page.example"
        refused = made.client.request("OPTIONS", "/v1/verify", headers=asked | {"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in refused.headers
        answer = made.client.get("/v1/models", headers=headers | {"Origin": "https://page.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://page.example"


def test_rates_are_counted_by_key(tmp_path: Path) -> None:
    with service(tmp_path, rate=60, burst=3) as made:
        one, other = made.with_key(Scope.READ), made.with_key(Scope.READ)
        answers = [made.client.get("/v1/models", headers=one) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[0].headers["RateLimit"].startswith('"key";r=2;t=')
        assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=3'
        assert re.fullmatch("[1-9][0-9]*", answers[3].headers["Retry-After"])
        assert answers[3].json()["type"] == "urn:twinlens:problem:rate-limited"
        assert made.client.get("/v1/models", headers=other).status_code == 200
        assert made.client.get("/healthz").status_code == 200


def test_a_file_of_keys_that_is_broken_lets_nobody_in(made: Made) -> None:
    headers = made.with_key(Scope.READ)
    made.keyring.path.write_text("{")
    answer = made.client.get("/v1/models", headers=headers)
    assert answer.status_code == 500
    assert "keys.json" not in answer.text


def test_keys_that_were_named_and_are_lost_do_not_open_the_service_at_its_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Keyring(tmp_path / "keys.json")
    with pytest.raises(ServiceError, match=r"keys\.json is to hold the keys, and is not there"):
        refuse_lost_keys(ServiceSettings(keys=ring.path), ring)
    refuse_lost_keys(ServiceSettings(), ring)  # the usual place, where there may never have been a key
    monkeypatch.setenv("TWINLENS_SERVE_KEYS", str(ring.path))
    with pytest.raises(ServiceError, match="make a first key: twinlens keys create NAME --scope read --keys"):
        refuse_lost_keys(ServiceSettings(), ring)
    ring.create("desk", [Scope.READ])
    ring.revoke("desk")
    refuse_lost_keys(ServiceSettings(), ring)
