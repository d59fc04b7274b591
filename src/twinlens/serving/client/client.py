"""A service, asked from Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from twinlens.errors import ConfigError, ServiceError
from twinlens.images import read_bytes
from twinlens.serving.client.asking import Asker, Files
from twinlens.serving.decision import Verification
from twinlens.serving.gallery.values import AuditReport, Enrolment, Identification, SubjectSummary, TemplateSummary
from twinlens.serving.service.answers import SUBJECT_ID, Health, Model, Models, Removal, Subject, SubjectPage

if TYPE_CHECKING:
    import httpx

Photo = str | Path | bytes
"""A path, or an encoded image."""

_PAGE = 1000


class Client:
    """Asks a service; several threads may share it.

    Its methods are those of :class:`~twinlens.serving.verifier.Verifier` and
    :class:`~twinlens.serving.gallery.gallery.Gallery`, and so are its answers. A request that the service has not
    begun is sent again after a while: where nothing listens yet, at 429, and at 503 where it is busy or about to stop.
    No other is: it may have been done. To verify, identify and enrol once more does no harm.

    Args:
        address: Of the service, such as ``https://faces.example.org``.
        key: That lets in; a service on this machine may have none.
        timeout: Seconds without a word from the service before it is given up. The service takes up to 30 s.
        retries: How often a request that was not begun is sent again.
        transport: Carries requests elsewhere than over the network, as tests do.

    Raises:
        ServiceError: Address or key cannot be used.
    """

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._asker = Asker(address, key, timeout, retries, transport)

    def verify(
        self,
        first: Photo,
        second: Photo,
        *,
        fmr: float | None = None,
        prior: float = 0.5,
        faces: tuple[int | None, int | None] = (None, None),
        aligned: bool = False,
    ) -> Verification:
        """Decide whether two photos show the same subject.

        Args:
            first: A path, or an encoded image.
            second: Another one.
            fmr: Decide at the threshold for this false match rate; at even odds if not given.
            prior: Probability of a match before looking, in (0, 1).
            faces: Which face of each photo, counted from 1, where there are several.
            aligned: Whether both photos lie in LFW's frame already.

        Raises:
            RefusedError: A photo cannot be used, the rate cannot be supported, or the key does not allow it.
            ServiceError: The service cannot be reached.
            ImageError: A file cannot be read.
        """
        form = {"fmr": fmr, "prior": prior, "first_face": faces[0], "second_face": faces[1], "aligned": aligned}
        files = [*_files("first", first), *_files("second", second)]
        return self._asker.ask(Verification, "POST", "v1/verify", form=form, files=files)

    def identify(
        self, photo: Photo, *, fpir: float = 0.01, most: int = 5, face: int | None = None, aligned: bool = False
    ) -> Identification:
        """Say who is on a photo, or that it is nobody who is enrolled.

        Args:
            photo: A path, or an encoded image.
            fpir: Chance that somebody who is not enrolled is named all the same, at most.
            most: How many candidates are listed, at most 100.
            face: Which face of the photo, counted from 1, where there are several.
            aligned: Whether the photo lies in LFW's frame already.

        Raises:
            RefusedError, ServiceError, ImageError: As :meth:`verify`.
        """
        form = {"fpir": fpir, "most": most, "face": face, "aligned": aligned}
        return self._asker.ask(Identification, "POST", "v1/identify", form=form, files=_files("photo", photo))

    def verify_subject(
        self,
        subject_id: str,
        photo: Photo,
        *,
        fmr: float | None = None,
        prior: float = 0.5,
        face: int | None = None,
        aligned: bool = False,
    ) -> Verification:
        """Decide whether a photo shows a subject, by the most similar of its templates.

        Args:
            subject_id: Who it is said to be.
            photo: A path, or an encoded image.
            fmr: Chance that another one is taken for this subject, at most; decided at even odds if not given.
            prior: Probability of a match before looking, in (0, 1).
            face: Which face of the photo, counted from 1, where there are several.
            aligned: Whether the photo lies in LFW's frame already.

        Raises:
            RefusedError, ServiceError, ImageError: As :meth:`verify`; also if nobody is called so.
        """
        form = {"fmr": fmr, "prior": prior, "face": face, "aligned": aligned}
        path = f"{_path(subject_id)}/verify"
        return self._asker.ask(Verification, "POST", path, form=form, files=_files("photo", photo))

    def enrol(
        self,
        subject_id: str,
        photos: Sequence[Photo],
        *,
        consent: str = "",
        source: str = "",
        expires_at: datetime | None = None,
        keep_photos: bool = False,
        allow_poor: bool = False,
        allow_duplicate: bool = False,
        face: int | None = None,
        aligned: bool = False,
    ) -> Enrolment:
        """Remember photos of a subject, all of them or none; when this returns they are durable.

        A photo that is enrolled as this subject already is left out, so doing it again does no harm.

        Args:
            subject_id: Who; stands in addresses, so take a number rather than a name. No slash, no dot in front.
            photos: Paths, or encoded images.
            consent: What the subject has agreed to, and when; kept sealed.
            source: Where the photos are from; kept sealed.
            expires_at: When the templates have to go, with a time zone; never if not given.
            keep_photos: Keep the photos, sealed, for another model one day.
            allow_poor: Take a photo that is worse than nearly all that the model is known to work on.
            allow_duplicate: Take a photo that would be identified as somebody else.
            face: Which face of each photo, counted from 1, where there are several.
            aligned: Whether the photos lie in LFW's frame already.

        Raises:
            RefusedError, ServiceError, ImageError: As :meth:`verify`; also if a photo looks like another subject.
            ConfigError: There are no photos, or the name cannot stand in an address.
        """
        if not photos:
            raise ConfigError("There are no photos to enrol.", "Give one or more.")
        form = {
            "consent": consent,
            "source": source,
            "expires_at": None if expires_at is None else expires_at.isoformat(),
            "keep_photos": keep_photos,
            "allow_poor": allow_poor,
            "allow_duplicate": allow_duplicate,
            "face": face,
            "aligned": aligned,
        }
        return self._asker.ask(
            Enrolment, "POST", f"{_path(subject_id)}/templates", form=form, files=_files("photos", *photos)
        )

    def subjects(self, *, after: str = "") -> Iterator[SubjectSummary]:
        """Who is enrolled, sorted by name, beginning behind ``after``; asked for page by page."""
        place: str | None = after
        while place is not None:
            page = self._asker.ask(SubjectPage, "GET", "v1/subjects", parameters={"after": place, "limit": _PAGE})
            yield from page.subjects
            place = page.after

    def templates(self, subject_id: str) -> tuple[TemplateSummary, ...]:
        """The templates of a subject, in the order they were enrolled; an error if nobody is called so."""
        return self._asker.ask(Subject, "GET", _path(subject_id)).templates

    def remove(self, subject_id: str) -> int:
        """Remove a subject; how many templates there were. An error if nobody is called so."""
        return self._asker.ask(Removal, "DELETE", _path(subject_id)).templates

    def models(self) -> tuple[Model, ...]:
        """Which models decide, at which thresholds, and what these rest on."""
        return self._asker.ask(Models, "GET", "v1/models").models

    def audit(self, *, since: int = 0, most: int = 100, verify: bool = False) -> AuditReport:
        """Who did what after entry ``since``, at most 1,000 entries; ``verify`` says whether all are what they were."""
        parameters = {"since": since, "limit": most, "verify": verify}
        return self._asker.ask(AuditReport, "GET", "v1/audit", parameters=parameters)

    def ready(self) -> bool:
        """Whether requests should be sent there now."""
        try:
            self._asker.ask(Health, "GET", "readyz", retries=0)
        except ServiceError:
            return False
        return True

    def close(self) -> None:
        """Let go of the connections."""
        self._asker.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _files(field: str, *photos: Photo) -> Files:
    """Photos as files of a form, which are not told what they are called on this machine."""
    return [(field, ("photo", photo if isinstance(photo, bytes) else read_bytes(Path(photo)))) for photo in photos]


def _path(subject_id: str) -> str:
    """Where a subject is; of a name that may not stand in an address nothing is asked."""
    if not re.fullmatch(SUBJECT_ID, subject_id):
        raise ConfigError(
            f"{subject_id[:128]!r} cannot be the name of a subject in a service.",
            "Give one without slashes and control characters, and without a dot or a space in front.",
        )
    return f"v1/subjects/{quote(subject_id, safe='')}"
