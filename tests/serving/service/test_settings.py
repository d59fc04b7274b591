from pathlib import Path

import pytest

from twinlens.errors import ServiceError
from twinlens.serving.service.settings import ServiceSettings, load_settings


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("TWINLENS_SERVE_")]:
        monkeypatch.delenv(name)


def test_what_is_given_comes_before_the_environment_and_that_before_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TWINLENS_SERVE_PORT", "9000")
    monkeypatch.setenv("TWINLENS_SERVE_HOST", "::1")
    settings = load_settings(port=9001, host=None)
    assert (settings.port, settings.host, settings.max_faces) == (9001, "::1", 20)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_SERVE_TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2,")
    assert load_settings().trusted_proxies == ("10.0.0.1", "10.0.0.2")


def test_an_unknown_variable_is_an_error_with_the_nearest_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_SERVE_MAX_PIXEL", "1")
    with pytest.raises(ServiceError, match=r"\$TWINLENS_SERVE_MAX_PIXELS"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("max_pixels", "0"),
        ("timeout", "0"),
        ("timeout", "inf"),
        ("drain", "inf"),
        ("rate", "inf"),
        ("rate", "nan"),
        ("max_batch", "65"),
        ("threads", "x"),
        ("search", "quickly"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TWINLENS_SERVE_{name.upper()}", value)
    with pytest.raises(ServiceError, match=f"^{name}: "):
        load_settings()


def test_a_certificate_needs_its_key() -> None:
    words = r"^\$TWINLENS_SERVE_TLS_CERTIFICATE and \$TWINLENS_SERVE_TLS_KEY go together\. Give both, or neither\.$"
    with pytest.raises(ServiceError, match=words):
        load_settings(tls_certificate=Path("chain.pem"))


def test_an_option_is_named_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match=r"See --port, or \$TWINLENS_SERVE_PORT\.$"):
        load_settings(port=70_000, host=None)
    monkeypatch.setenv("TWINLENS_SERVE_TIMEOUT", "soon")
    with pytest.raises(ServiceError, match=r"\. See \$TWINLENS_SERVE_TIMEOUT\.$"):
        load_settings(port=None, host=None)


def test_settings_do_not_change() -> None:
    settings = ServiceSettings()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]
