"""What docs/service.md says is what there is, and its examples do what they say."""

import inspect
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.serving.service.made import Made, photo
from tests.serving.service.process import Running, running
from tests.serving.service.test_authorisation import NEEDS, OPEN
from twinlens.serving.decision import Verification
from twinlens.serving.gallery.values import Enrolment, Identification
from twinlens.serving.service import examples
from twinlens.serving.service.answers import Subject
from twinlens.serving.service.problems import KINDS
from twinlens.serving.service.settings import ENVIRONMENT, ServiceSettings

PAGE = (Path(__file__).parents[3] / "docs" / "service.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "first.jpg").write_bytes(photo(1, form="JPEG"))
    (folder / "second.jpg").write_bytes(photo(1, 1, form="JPEG"))
    with running(folder) as service:
        yield service


def test_the_examples_with_curl_work_in_their_order(served: Running) -> None:
    answers = []
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        for command in block.replace("\\\n", "").strip().splitlines():
            shown = subprocess.run(
                ["bash", "-c", command.replace("http://127.0.0.1:8000", served.address)],
                cwd=served.log.parent, env=os.environ | {"KEY": served.key}, capture_output=True, text=True, timeout=30,
            )  # fmt: skip
            assert shown.returncode == 0, shown.stdout + shown.stderr
            answers.append(shown.stdout)
    verified, enrolled, identified, claimed, page, subject, removed, models, audit, alive, ready, metrics = answers
    assert json.loads(verified)["is_match"]
    assert len(json.loads(enrolled)["templates"]) == 2
    assert json.loads(identified)["subject_id"] == "4711"
    assert json.loads(claimed)["is_match"]
    assert json.loads(page)["subjects"] == [{"subject_id": "4711", "templates": 2}]
    assert json.loads(subject)["templates"][0]["consent"] == "signed 2026-11-22"
    assert json.loads(removed) == {"subject_id": "4711", "templates": 2}
    assert json.loads(models)["models"][0]["name"] == "small"
    assert json.loads(audit)["check"]["intact"]
    assert [json.loads(each)["status"] for each in (alive, ready)] == ["alive", "ready"]
    assert "twinlens_requests_total" in metrics


def setting_rows() -> Iterator[str]:
    """A row for each setting, from what the code says of it."""
    said = dict(
        re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", attributes(ServiceSettings), re.DOTALL | re.MULTILINE)
    )
    for name, field in ServiceSettings.model_fields.items():
        default = field.default
        if name == "keys":
            shown = "`keys.json` in the user's configuration"
        elif default in (None, ()):
            shown = "none"
        else:
            shown = f"`{default}`"
        yield f"| `{ENVIRONMENT}{name.upper()}` | {' '.join(said[name].split()).rstrip('.')} | {shown} |"


def attributes(of: type) -> str:
    return inspect.getdoc(of).partition("Attributes:\n")[2]  # type: ignore[union-attr]


def between(name: str) -> list[str]:
    return PAGE.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0].splitlines()


def test_every_setting_is_in_the_table_with_its_default() -> None:
    assert between("settings") == list(setting_rows())


def test_every_problem_is_in_the_table() -> None:
    assert between("problems") == [f"| `{kind.name}` | {kind.status} | {kind.title} |" for kind in KINDS]


def test_every_route_is_in_the_table_with_its_scope() -> None:
    rows = re.findall(r"^\| (`(?:GET|POST|DELETE) .*?) \| (`?\w+`?) \|", PAGE, re.MULTILINE)
    found = {
        tuple(route.split(" ")): scope.strip("`") for routes, scope in rows for route in re.findall("`(.*?)`", routes)
    }
    hidden = {("GET", "/docs/oauth2-redirect")}
    assert found == {route: "none" if needs == OPEN else needs for route, needs in NEEDS.items() if route not in hidden}


def test_limits_in_the_text_are_those_in_force() -> None:
    defaults = {name: field.default for name, field in ServiceSettings.model_fields.items()}
    rows = dict(re.findall(r"^\| ([\w ×,-]+?) \| (.*?) \|", PAGE.partition("## Limits")[2], re.MULTILINE))
    assert rows["a request"].startswith(f"{defaults['max_body_bytes'] / 2**20:.0f} MiB")
    assert rows["an encoded photo"] == f"{defaults['max_photo_bytes'] / 2**20:.0f} MiB"
    assert rows["width × height of a photo"].startswith(f"{defaults['max_pixels'] / 1e6:.0f} million")
    assert rows["faces on a photo"] == str(defaults["max_faces"])
    assert rows["photos of a request"] == str(defaults["max_photos"])
    assert rows["requests that are worked on"] == f"{defaults['threads']} at once"
    assert rows["requests that wait"] == str(defaults["queue"])
    assert rows["requests of a key"] == f"{defaults['burst']} at once, {defaults['rate']:.0f} a minute"


def test_examples_in_the_description_are_what_answers_look_like() -> None:
    Verification.model_validate(examples.VERIFICATION, strict=False)
    Identification.model_validate(examples.IDENTIFICATION)
    Enrolment.model_validate(examples.ENROLMENT)
    Subject.model_validate(examples.SUBJECT)


def test_the_description_refers_to_nothing_that_is_not_there(made: Made) -> None:
    schema = made.app.openapi()
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(schema)))
    assert references <= set(schema["components"]["schemas"])
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            assert route["summary"]
            assert route["description"], (path, method)


def test_the_page_of_the_description_needs_no_network(served: Running, tmp_path: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.goto(f"{served.address}/docs")
        page.wait_for_selector("#operations-verification-verify")
        page.screenshot(path=tmp_path / "docs.png", full_page=True)
        browser.close()
    assert [url for url in asked if not url.startswith((served.address, "data:", "blob:"))] == []
    assert [line for line in said if line.startswith(("error", "warning"))] == []
