"""The client and the service are two ends of one thing: what verifier and gallery say, the client says."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import twinlens
from tests.serving.client.in_process import InProcess
from tests.serving.service.made import Made, photo, service
from tests.serving.service.process import running
from twinlens.errors import ConfigError, ImageError, ServiceError
from twinlens.serving.client.asking import RefusedError
from twinlens.serving.client.client import Client
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.service.keys import Scope
from twinlens.serving.verifier import Verifier

PAGE = Path(__file__).parents[3] / "docs" / "service.md"
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    with service(tmp_path) as found:
        yield found


@pytest.fixture
def client(made: Made) -> Iterator[Client]:
    with Client(ADDRESS, transport=InProcess(made.app, made.client.portal)) as found:
        yield found


def test_decisions_are_those_of_the_verifier(made: Made, client: Client, tmp_path: Path) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    first.write_bytes(photo(1))
    second.write_bytes(photo(1, 1))
    asked = client.verify(first, str(second), fmr=0.01, prior=0.2)
    own = made.verifier.verify(first, second, fmr=0.01, prior=0.2)
    assert asked.model_copy(update={"seconds": own.seconds}) == own
    assert asked.is_match
    assert not client.verify(first, photo(2)).is_match


def test_enrol_find_and_remove(made: Made, client: Client) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    enrolled = client.enrol("4711", [photo(1), photo(1, 1)], consent="signed", source="desk", expires_at=until)
    client.enrol("Zoë Ł. #1%2F?", [photo(2)])
    assert enrolled.templates_in_all == 2
    assert client.identify(photo(1, 2), fpir=0.01, most=1).subject_id == "4711"
    assert client.identify(photo(9)).subject_id is None
    assert client.verify_subject("4711", photo(1, 2), fmr=0.001).is_match
    assert client.verify_subject("Zoë Ł. #1%2F?", photo(2)).is_match
    assert client.templates("4711") == made.gallery.templates("4711") == enrolled.templates
    assert client.templates("4711")[0].expires_at == until
    assert client.templates("4711")[0].consent == "signed"
    assert tuple(client.subjects()) == made.gallery.subjects()
    assert client.remove("4711") == 2
    assert [subject.subject_id for subject in client.subjects(after="4")] == ["Zoë Ł. #1%2F?"]
    (model,) = client.models()
    assert model.fingerprint == made.verifier.manifest.fingerprint
    report = client.audit(verify=True, since=1, most=2)
    assert report.check is not None
    assert report.check.intact
    assert [line.action for line in report.lines] == ["enrol", "enrol"]


def test_subjects_are_asked_for_page_by_page(made: Made, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinlens.serving.client.client._PAGE", 2)
    for subject in range(5):
        made.gallery.enrol(f"{subject}", [photo(subject)], allow_duplicate=True)
    assert [subject.subject_id for subject in client.subjects()] == ["0", "1", "2", "3", "4"]


def test_enrolling_again_adds_nothing(client: Client) -> None:
    client.enrol("1", [photo(1)])
    again = client.enrol("1", [photo(1)])
    assert (len(again.templates), again.templates_in_all) == (0, 1)


@pytest.mark.parametrize(
    ("ask", "kind", "words"),
    [
        (lambda client: client.templates("nobody"), "unknown-subject", "nobody"),
        (lambda client: client.verify(b"no photo", photo(1)), "unusable-photo", "The first photo"),
        (lambda client: client.verify(photo(1), photo(1), fmr=1e-12), "unsupported", ""),
        (lambda client: client.verify(photo(1), photo(1), prior=7), "invalid", "body.prior: "),
        (lambda client: client.enrol("2", [photo(1)]), "conflict", "1"),
        (lambda client: client.enrol("1", [photo(1)], expires_at=datetime(2999, 1, 1)), "invalid", "expires_at"),
    ],
)
def test_a_refusal_has_all_that_the_service_says(
    client: Client, ask: Callable[[Client], object], kind: str, words: str
) -> None:
    client.enrol("1", [photo(1)])
    with pytest.raises(ServiceError) as caught:
        ask(client)
    assert isinstance(caught.value, RefusedError)
    problem = caught.value.problem
    assert (caught.value.kind, problem.type) == (kind, f"urn:twinlens:problem:{kind}")
    assert words in str(caught.value)
    assert problem.title
    assert caught.value.remedy == problem.remedy != ""
    assert len(caught.value.request_id) == 36


@pytest.mark.parametrize("name", ["", ".", "..", "../models", "a/templates", "a\\b", " a", "a\nb", "a\x00", ".a"])
def test_no_name_leads_to_another_address(client: Client, name: str) -> None:
    for ask in (client.templates, client.remove, lambda name: client.verify_subject(name, photo(1))):
        with pytest.raises(ConfigError, match="cannot be the name"):
            ask(name)


def test_files_that_cannot_be_read_are_named_here(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="missing"):
        client.verify(tmp_path / "missing.jpg", photo(1))
    with pytest.raises(ConfigError, match="no photos"):
        client.enrol("1", [])


def test_what_files_are_called_here_is_not_told(made: Made, tmp_path: Path) -> None:
    sent: list[bytes] = []

    class Listening(InProcess):
        def handle_request(self, request: Any) -> Any:
            sent.append(request.read() + str(request.url).encode())
            return super().handle_request(request)

    (tmp_path / "secret-name.png").write_bytes(photo(1))
    with Client(ADDRESS, transport=Listening(made.app, made.client.portal)) as client:
        client.enrol("1", [tmp_path / "secret-name.png"])
    assert b"secret-name" not in sent[0]
    assert b'filename="photo"' in sent[0]


def test_the_key_lets_in(made: Made) -> None:
    made.keyring.create("other", [Scope.ADMIN])
    key = made.keyring.create("reader", [Scope.READ])
    transport = InProcess(made.app, made.client.portal)
    with Client(ADDRESS, key=f"{key}\n", transport=transport) as client:  # as it comes out of a file
        assert client.models()
        with pytest.raises(RefusedError) as caught:
            client.remove("1")
        assert caught.value.kind == "not-allowed"
        assert client.ready()
    with Client(ADDRESS, transport=transport) as stranger, pytest.raises(RefusedError, match="key is missing"):
        stranger.models()


def test_ready_or_not(made: Made, client: Client) -> None:
    assert client.ready()
    made.app.state.service.stopping = True
    assert not client.ready()


def test_the_example_in_the_documentation_runs(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("first.jpg").write_bytes(photo(1))
    Path("second.jpg").write_bytes(photo(1, 1))
    monkeypatch.setenv("KEY", made.keyring.create("all", list(Scope)))
    monkeypatch.setattr(twinlens, "Client", partial(Client, transport=InProcess(made.app, made.client.portal)), False)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, PAGE, "exec"), {})
    matched, found, listed, refused = capsys.readouterr().out.splitlines()
    assert (matched, found, listed) == ("True", "4711", "['4711']")
    assert re.fullmatch(r"unknown-subject [0-9a-f-]{36} Nobody called '4712' is enrolled\. .+", refused)


def test_every_method_is_in_the_documentation() -> None:
    named = set(re.findall(r"^\| `(\w+)\(.*\)` \| (?:`\w+`|none) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert named == {name for name in vars(Client) if not name.startswith("_")} - {"close"}


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "line\r\nX-Other: 1"])
def test_what_is_no_key_is_not_sent(key: str) -> None:
    with pytest.raises(ServiceError, match="no key"):
        Client(ADDRESS, key=key)


@pytest.mark.parametrize(
    "address", ["", "localhost:8000", "ftp://x", "http://", "file:///etc/passwd", "http://a:b@c", "http://a:b", "http://a?b"]
)  # fmt: skip
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ServiceError, match="no address"):
        Client(address)


@pytest.mark.parametrize(
    ("name", "inside", "left_out", "added"),
    [
        ("verify", Verifier.verify, set(), set()),
        ("identify", Gallery.identify, set(), set()),
        ("verify_subject", Gallery.verify, set(), set()),
        ("enrol", Gallery.enrol, {"names", "name_duplicates"}, set()),  # what the key may hear is not asked
    ],
)
def test_it_is_asked_as_verifier_and_gallery_are(
    name: str, inside: Callable[..., Any], left_out: set[str], added: set[str]
) -> None:
    asked, own = (inspect.signature(each).parameters for each in (getattr(Client, name), inside))
    assert asked.keys() - added == own.keys() - left_out
    assert all(asked[each].default == own[each].default for each in asked.keys() & own.keys())


def test_a_service_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    with running(tmp_path, threads=1, queue=0) as served, twinlens.Client(served.address, key=served.key) as client:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda i: client.enrol(f"{i}", [photo(i)], allow_duplicate=True), range(3)))
        assert [client.identify(photo(i, 1)).subject_id for i in range(3)] == ["0", "1", "2"]
        assert served.stop() == 0
        assert not client.ready()


def test_who_asks_needs_no_server() -> None:
    code = "import sys, twinlens; twinlens.Client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "httpx" in loaded
    assert not {"fastapi", "starlette", "uvicorn", "onnxruntime", "torch", "dlib"} & set(loaded)
