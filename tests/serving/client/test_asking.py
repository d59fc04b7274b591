"""What is asked again and what is not, and what is said of answers that are none."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from twinlens.errors import ServiceError
from twinlens.serving.client.asking import Asker, RefusedError
from twinlens.serving.service.answers import Health
from twinlens.serving.service.problems import KINDS, MEDIA_TYPE, Kind, Problem

ADDRESS = "https://faces.example/prefix/"
GOOD = httpx.Response(200, json={"status": "ready", "of a newer service": 1})
Step = httpx.Response | Callable[[httpx.Request], httpx.Response]


def refusal(kind: Kind, **headers: str) -> httpx.Response:
    problem = Problem(type=kind.uri, title=kind.title, status=kind.status, detail="No.", remedy="Do.",
                      instance="urn:uuid:0b0e8d0c-6a0f-4a43-9c5b-3f6f3a6a2c11")  # fmt: skip
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(kind.status, content=problem.model_dump_json(), headers={"Content-Type": MEDIA_TYPE, **names})


def failing(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("as was to be expected", request=request)

    return fail


class Script:
    """A service that does one thing after another, and remembers what it was asked."""

    def __init__(self, *steps: Step) -> None:
        self._steps: Iterator[Step] = iter(steps)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        step = next(self._steps)
        return step if isinstance(step, httpx.Response) else step(request)

    def asker(self, **changed: Any) -> Asker:
        values = {"key": "twinlens_x", "timeout": 20.0, "retries": 3} | changed
        return Asker(ADDRESS, transport=httpx.MockTransport(self), sleep=self.waits.append, **values)


def ask(asker: Asker, **content: Any) -> Health:
    return asker.ask(Health, "POST", "v1/verify", **content)


FILES = {"files": [("first", ("photo", b"bytes"))], "form": {"fmr": 0.1, "aligned": True, "face": None}}
NOT_BEGUN = [
    refusal(KINDS[[kind.name for kind in KINDS].index(name)], Retry_After="1")
    for name in ("rate-limited", "busy", "stopping")
]


@pytest.mark.parametrize(
    "before", [*NOT_BEGUN, failing(httpx.ConnectError), failing(httpx.ConnectTimeout)], ids=lambda _: ""
)
def test_what_was_not_begun_is_asked_again_with_all_that_belongs_to_it(before: Step) -> None:
    script = Script(before, before, GOOD)
    assert ask(script.asker(), **FILES) == Health(status="ready")
    first, *others = script.requests
    assert len(others) == 2
    for request in (first, *others):
        assert request.url == "https://faces.example/prefix/v1/verify"
        assert request.headers["Authorization"] == "Bearer twinlens_x"
        assert request.content == first.content
    assert b"bytes" in first.content
    assert b"true" in first.content
    assert b"face" not in first.content


def test_it_waits_as_long_as_it_is_told_and_a_little_more() -> None:
    kind = next(kind for kind in KINDS if kind.name == "rate-limited")
    script = Script(refusal(kind, Retry_After="7"), failing(httpx.ConnectError), failing(httpx.ConnectError), GOOD)
    ask(script.asker())
    for wait, least in zip(script.waits, (7, 0.4, 0.8), strict=True):
        assert least <= wait <= 1.5 * least


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_only_what_was_not_begun_is_asked_again(kind: Kind) -> None:
    script = Script(*[refusal(kind, Retry_After="1")] * 4)
    with pytest.raises(RefusedError) as caught:
        ask(script.asker())
    assert len(script.requests) == (4 if kind.name in ("rate-limited", "busy", "stopping") else 1)
    assert caught.value.kind == kind.name
    assert (caught.value.problem.title, str(caught.value)) == (kind.title, "No. Do.")
    assert caught.value.request_id == "0b0e8d0c-6a0f-4a43-9c5b-3f6f3a6a2c11"


def test_it_does_not_wait_for_ever() -> None:
    kind = next(kind for kind in KINDS if kind.name == "rate-limited")
    for headers in ({"Retry_After": "21"}, {"Retry_After": "tomorrow"}, {}):
        script = Script(refusal(kind, **headers))
        with pytest.raises(RefusedError):
            ask(script.asker())
    script = Script(*NOT_BEGUN)
    with pytest.raises(RefusedError):
        ask(script.asker(), retries=0)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ReadTimeout, "https://faces.example/prefix said nothing for 20 s"),
        (httpx.WriteTimeout, "may have been changed"),
        (httpx.ReadError, "broke off"),
        (httpx.WriteError, "broke off"),
        (httpx.RemoteProtocolError, "may have been changed"),
        (httpx.ConnectError, "cannot be reached: as was to be expected"),
    ],
)
def test_a_broken_connection_is_told_in_a_sentence(error: type[httpx.TransportError], words: str) -> None:
    script = Script(*[failing(error)] * 4)
    with pytest.raises(ServiceError, match=words) as caught:
        ask(script.asker())
    assert not isinstance(caught.value, RefusedError)
    assert len(script.requests) == (4 if error is httpx.ConnectError else 1)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, html="<h1>Bad Gateway</h1>"),
        httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
        httpx.Response(404),
        httpx.Response(200, text="It works!"),
        httpx.Response(200, json={"status": "something else"}),
        httpx.Response(503, content=b"{", headers={"Content-Type": MEDIA_TYPE, "Retry-After": "1"}),
        httpx.Response(200, content=b"\xff"),
    ],
    ids=lambda answer: str(answer.status_code),
)
def test_answers_of_somebody_else_are_told(answer: httpx.Response) -> None:
    script = Script(answer)
    with pytest.raises(ServiceError, match=f"answered {answer.status_code} with .* no answer of this service"):
        ask(script.asker())
    assert len(script.requests) == 1  # and nobody else is asked with the key


def test_the_key_is_in_no_message() -> None:
    for step in (failing(httpx.ConnectError), httpx.Response(500), NOT_BEGUN[0]):
        with pytest.raises(ServiceError) as caught:
            ask(Script(step).asker(key="twinlens_secret", retries=0))
        assert "twinlens_secret" not in str(caught.value) + repr(caught.value)


def test_problems_are_read_as_they_are_written() -> None:
    answer = refusal(KINDS[0])
    assert Problem.model_validate_json(answer.content).model_dump(mode="json") == json.loads(answer.content)
