"""Every setting of the service, with its default: variables ``TWINLENS_SERVE_...`` or options of ``twinlens serve``."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from twinlens.errors import ServiceError
from twinlens.images import Limits
from twinlens.serving.gallery.search import SearchKind
from twinlens.serving.service.keys import default_path

ENVIRONMENT = "TWINLENS_SERVE_"


def _split(value: Any) -> Any:
    return [part for part in (part.strip() for part in value.split(",")) if part] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ServiceSettings(BaseSettings):
    """How the service is run.

    Attributes:
        model: Name of a model that comes with twinlens, or the folder of a bundle or a run.
        gallery: A file or the address of a PostgreSQL database; without one, only verification is served.
        search: How the gallery is searched: exact, by PostgreSQL's index, or auto, which takes the index if there is
            one and the gallery holds more than 100,000 templates as the service starts.
        host: Address to listen at. Anything but this machine's own demands a key.
        port: Port to listen at; 0 takes a free one.
        keys: File of API keys.
        max_body_bytes: Size of a request.
        max_photo_bytes: Size of one encoded photo.
        max_pixels: Width times height of a photo. Each thread takes up to 20 bytes a pixel for a moment.
        max_faces: Faces that a photo may show.
        max_photos: Photos of one request.
        expiry: Seconds between two looks for templates whose time is over, which are then removed.
        timeout: Seconds for a request, from its first byte to its answer.
        threads: Requests that are worked on at once.
        queue: Requests that may wait for a thread, with their bodies in memory.
        encoder_threads: CPU threads of the network; as many as the process may use if not given.
        batch_wait: Seconds that a crop waits for others to be embedded with.
        max_batch: Crops that are embedded at once.
        rate: Requests that a key may make in a minute, on average.
        burst: Requests that a key may make at once.
        drain: Seconds between the signal to stop and closing the port, in which a load balancer may notice.
        cors_origins: Origins whose web pages may call the service; none if empty.
        trusted_proxies: Addresses of proxies whose word on the caller's address is believed; none if empty.
        tls_certificate: File of a certificate chain in PEM, if the service speaks TLS itself.
        tls_key: File of its private key.
    """

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT, frozen=True, extra="forbid", env_ignore_empty=True)

    model: str = "lfw-identities"
    gallery: str | None = None
    search: SearchKind = "auto"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    keys: Annotated[Path, Field(default_factory=default_path)]
    max_body_bytes: Count = 20 * 2**20
    max_photo_bytes: Count = 10 * 2**20
    max_pixels: Count = 24_000_000
    max_faces: Count = 20
    max_photos: Annotated[int, Field(ge=2)] = 10
    expiry: Positive = 3600.0
    timeout: Positive = 30.0
    threads: Count = 4
    queue: Annotated[int, Field(ge=0)] = 44
    encoder_threads: Count | None = None
    batch_wait: Annotated[float, Field(ge=0, le=1)] = 0.002
    max_batch: Annotated[int, Field(ge=1, le=64)] = 64
    rate: Positive = 600.0
    burst: Count = 60
    drain: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    cors_origins: Names = ()
    trusted_proxies: Names = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    @model_validator(mode="after")
    def _key_and_certificate(self) -> ServiceSettings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError(f"${ENVIRONMENT}TLS_CERTIFICATE and ${ENVIRONMENT}TLS_KEY go together")
        return self

    @property
    def photo_limits(self) -> Limits:
        """How large a photo may be."""
        return Limits(self.max_photo_bytes, self.max_pixels, self.max_faces)


def load_settings(**given: Any) -> ServiceSettings:
    """The settings: what is given and not ``None``, else from the environment, else the default.

    Args:
        given: Values of the options that there are, by the names of the settings.

    Raises:
        ServiceError: A value is wrong, or the environment has a variable that means nothing.
    """
    _refuse_unknown_variables()
    try:
        return ServiceSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # what is wrong is no single one
            raise ServiceError(f"{first['ctx']['error']}.", "Give both, or neither.") from error
        name = str(first["loc"][0])
        option = f"--{name}, or " if name in given else ""
        raise ServiceError(f"{name}: {first['msg']}.", f"See {option}${ENVIRONMENT}{name.upper()}.") from error


def _refuse_unknown_variables() -> None:
    known = {f"{ENVIRONMENT}{name.upper()}" for name in ServiceSettings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith(ENVIRONMENT) and name.upper() not in known:
            near = get_close_matches(name.upper(), known, n=1)
            raise ServiceError(f"${name} is no setting.", f"Did you mean ${near[0]}?" if near else "Unset it.")
