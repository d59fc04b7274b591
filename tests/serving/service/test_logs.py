import json
import logging
import logging.config
import subprocess
import sys
from io import StringIO

import pytest

from tests.serving.service.made import Made, photo, upload
from twinlens.errors import GalleryError
from twinlens.serving.service.logs import LOGGER, JsonFormatter, log_configuration


@pytest.fixture
def lines() -> StringIO:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    for logger in (LOGGER, logging.getLogger("stranger")):
        logger.addHandler(handler)
    LOGGER.setLevel("INFO")
    yield stream
    for logger in (LOGGER, logging.getLogger("stranger")):
        logger.removeHandler(handler)
    LOGGER.setLevel("NOTSET")


def read(stream: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_for_each_request(made: Made, lines: StringIO) -> None:
    answer = made.client.get("/v1/models")
    (line,) = read(lines)
    assert line.pop("ms") > 0  # type: ignore[operator]
    assert line.pop("time")
    assert line == {
        "level": "info",
        "logger": "twinlens.service",
        "event": "request",
        "request_id": answer.headers["X-Request-ID"],
        "key": "local",
        "method": "GET",
        "route": "/v1/models",
        "status": 200,
    }


def test_a_fault_is_told_by_kind_and_place_and_not_by_what_it_says(
    made: Made, lines: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        try:
            raise OSError("anna.png")
        except OSError as error:
            raise errors.pop() from error

    errors: list[Exception] = [GalleryError("template of anna"), ValueError("anna"), TypeError("anna")]
    monkeypatch.setattr(made.verifier, "verify", fail)
    for status, kind in [(500, "TypeError"), (500, "ValueError"), (503, "GalleryError")]:
        answer = made.client.post("/v1/verify", files=upload(first=photo(1), second=photo(1)))
        line = read(lines)[-1]
        assert (answer.status_code, line["error"], line["cause"], line["level"]) == (status, kind, "OSError", "error")
        assert any(str(place).startswith("test_logs.py:") for place in line["where"])  # type: ignore[attr-defined]
    assert "anna" not in lines.getvalue()


def test_what_other_modules_say_may_hold_anything_and_is_left_out(lines: StringIO) -> None:
    logging.getLogger("stranger").warning("photo %r", b"bytes of a face")
    try:
        raise ValueError("bytes of a face")
    except ValueError:
        logging.getLogger("stranger").exception("oh")
    assert [line["logger"] for line in read(lines)] == ["stranger", "stranger"]
    assert "face" not in lines.getvalue()


def test_the_configuration_is_one_that_python_takes() -> None:
    before = logging.getLogger().handlers[:]
    configuration = log_configuration()
    assert logging.config.DictConfigurator(configuration).configure_formatter(configuration["formatters"]["json"])
    assert logging.getLogger().handlers == before


def test_what_pillow_says_of_a_photo_is_not_logged() -> None:
    code = (
        "import logging.config\n"
        "from twinlens.serving.service.logs import log_configuration\n"
        "logging.config.dictConfig(log_configuration())\n"
        "for name in ('PIL.TiffImagePlugin', 'stranger'): logging.getLogger(name).error('Too many samples.')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [json.loads(line)["logger"] for line in ended.stderr.splitlines()] == ["stranger"]
