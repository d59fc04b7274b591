"""A gallery: people who are enrolled, and who of them is on a photo."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from twinlens.errors import ConfigError, GalleryError
from twinlens.serving.decision import Verification
from twinlens.serving.gallery import access, enrolling, identifying, logbook, moving, overview, reenrolling, values
from twinlens.serving.gallery.archive import Secret
from twinlens.serving.gallery.keys import Key
from twinlens.serving.gallery.recogniser import Recogniser, Sight
from twinlens.serving.gallery.search import SearchKind
from twinlens.serving.gallery.shots import read_shots
from twinlens.serving.gallery.subject import subject_name
from twinlens.serving.gallery.terms import Terms
from twinlens.serving.gallery.vault import Vault
from twinlens.serving.intake import Photo
from twinlens.serving.thresholds import identification_threshold
from twinlens.serving.verifier import Verifier


class Gallery:
    """People who are enrolled, and who of them is on a photo; :meth:`open` gives one. Several threads may share it."""

    def __init__(self, vault: Vault, sight: Sight, address: str | Path) -> None:
        self._vault = vault
        self._sight = sight
        self._address = address

    @classmethod
    def open(
        cls,
        address: str | Path,
        verifier: Verifier | None = None,
        *,
        key: Key | None = None,
        create: bool = False,
        actor: str = "python",
        search: SearchKind = "auto",
    ) -> Gallery:
        """Open a gallery.

        Args:
            address: A file, or ``postgresql://...``.
            verifier: The model whose templates it holds; only what needs none goes without.
            key: Its key, if not where :func:`~twinlens.serving.gallery.keys.find_key` looks.
            create: Make a gallery for the model if there is none.
            actor: Who is to be named in the log.
            search: ``exact``, in memory; by the database's ``index``; or ``auto``: by the index, if there is one and
                the gallery holds more than 100,000 templates as it is opened.

        Raises:
            GalleryError: There is no gallery, no key, the key does not fit, or it holds templates of another model.
        """
        vault = access.open_or_make(address, key, actor, verifier.manifest if create and verifier else None)
        try:
            recogniser = Recogniser.of(vault, verifier, search) if verifier else None
        except BaseException:
            vault.store.close()
            raise
        return cls(vault, Sight(recogniser, search), address)

    def acting(self, actor: str) -> Gallery:
        """The same gallery, for somebody else to be named in the log."""
        return Gallery(self._vault.acting(actor), self._sight, self._address)

    def enrol(
        self,
        subject_id: str,
        photos: Sequence[Photo],
        *,
        names: Sequence[str] | None = None,
        consent: str = "",
        source: str = "",
        expires_at: datetime | None = None,
        keep_photos: bool = False,
        allow_poor: bool = False,
        allow_duplicate: bool = False,
        name_duplicates: bool = True,
        face: int | None = None,
        aligned: bool = False,
    ) -> values.Enrolment:
        """Remember photos of a subject, all of them or none; when this returns they are durable.

        A photo that is enrolled as this subject already is left out, so doing it again does no harm.

        Args:
            subject_id: Who; is kept in the open, so take a number where the name itself is a secret.
            photos: Paths, encoded images or RGB pixels.
            names: What messages call them.
            consent: What the subject has agreed to, and when; kept sealed.
            source: Where the photos are from; the name of each file if not given; kept sealed.
            expires_at: When the templates have to go, with a time zone; never if not given.
            keep_photos: Keep the photos, sealed, for another model one day.
            allow_poor: Take a photo that is worse than nearly all that the model is known to work on.
            allow_duplicate: Take a photo that would be identified as somebody else.
            name_duplicates: Say who that is, and how alike; the log has it in any case.
            face: Which face of each photo, counted from 1, where there are several.
            aligned: Whether the photos lie in LFW's frame already.

        Raises:
            ImageError: A photo cannot be read, or a face is missing, not clear or not good enough.
            DuplicateError: A photo would be identified as another subject.
            ConfigError: Something was asked for that makes no sense.
        """
        start, name = perf_counter(), subject_name(subject_id)
        terms = Terms(consent, source, expires_at, keep_photos, allow_poor, allow_duplicate, name_duplicates)
        recogniser = self._recogniser()
        shots = read_shots(recogniser.verifier, photos, names, face, aligned)
        return enrolling.enrol(self._vault, recogniser, name, shots, terms, start)

    def identify(
        self, photo: Photo, *, fpir: float = 0.01, most: int = 5, face: int | None = None, aligned: bool = False
    ) -> values.Identification:
        """Say who is on a photo, or that it is nobody who is enrolled.

        Args:
            photo: A path, an encoded image or RGB pixels.
            fpir: Chance that somebody who is not enrolled is named all the same, at most; the threshold rises with
                the number of templates to keep it.
            most: How many candidates are listed, at most.
            face: Which face of the photo, counted from 1, where there are several.
            aligned: Whether the photo lies in LFW's frame already.

        Raises:
            ImageError: The photo cannot be read, or a face is missing or not clear.
            ConfigError: The model cannot support the rate among so many.
        """
        start, recogniser = perf_counter(), self._recogniser()
        if most < 1:
            raise ConfigError(f"{most} candidates cannot be listed.", "Ask for one or more.")
        identification_threshold(recogniser.verifier.manifest, fpir, 1)  # mistakes are told before any work is done
        (shot,) = read_shots(recogniser.verifier, [photo], None, face, aligned)
        return identifying.identify(self._vault, recogniser, shot, fpir, most, start)

    def verify(
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
            photo: A path, an encoded image or RGB pixels.
            fmr: Chance that another one is taken for this subject, at most; decided at even odds if not given.
            prior: Probability of a match before looking, in (0, 1).
            face: Which face of the photo, counted from 1, where there are several.
            aligned: Whether the photo lies in LFW's frame already.

        Raises:
            UnknownSubjectError: Nobody is called so, or all templates of the subject have expired.
            ImageError: The photo cannot be read, or a face is missing or not clear.
            ConfigError: The prior is no probability, or the model cannot support the rate.
        """
        start, recogniser, name = perf_counter(), self._recogniser(), subject_name(subject_id)
        recogniser.verifier.decide(0.0, fmr=fmr, prior=prior)  # mistakes are told before any work is done
        (shot,) = read_shots(recogniser.verifier, [photo], None, face, aligned)
        return identifying.verify(self._vault, recogniser, name, shot, fmr, prior, start)

    def subjects(self, *, after: str = "", most: int | None = None) -> tuple[values.SubjectSummary, ...]:
        """Who is enrolled, sorted by name; at most ``most`` of those that come after ``after``."""
        return overview.list_subjects(self._vault, after, most)

    def templates(self, subject_id: str) -> tuple[values.TemplateSummary, ...]:
        """The templates of a subject, in the order they were enrolled; an error if nobody is called so."""
        return overview.list_templates(self._vault, subject_name(subject_id))

    def stats(self) -> values.Stats:
        """What the gallery holds."""
        return overview.count(self._vault)

    def check(self) -> None:
        """See that the gallery can be reached, and has the key and the model that it was opened with."""
        self._vault.refuse_replaced()

    def remove(self, subject_id: str) -> int:
        """Remove a subject, so that nothing of it stays in any file of the gallery; how many templates there were.

        Raises:
            UnknownSubjectError: Nobody is called so.
        """
        return self._vault.remove(subject_name(subject_id))

    def expire(self, now: datetime | None = None) -> int:
        """Remove the templates whose time is over; how many there were. They match nobody in any case."""
        return self._vault.expire(now or datetime.now(UTC))

    def rekey(self, key: Key | None = None) -> None:
        """Give the gallery another key and another rotation, without a photo; see :func:`moving.rekey`.

        Args:
            key: That it is to have from now on; if not given, the one beside the gallery's file is changed there.

        Raises:
            GalleryError: Another process has changed the gallery meanwhile, or no key lies beside it.
        """
        access.change_key(self._vault, self._address, key)

    def reenrol(self, verifier: Verifier) -> int:
        """Move the gallery to another model by the photos that were kept; how many templates it has.

        Raises:
            GalleryError: Not all photos were kept, or another process has changed the gallery meanwhile.
            ImageError: The new model finds no face in one of them.
        """
        reenrolled = reenrolling.reenrol(self._vault, verifier)
        self._sight.recogniser = Recogniser.of(self._vault, verifier, self._sight.search)
        return reenrolled

    def export(self, path: str | Path, secret: Secret) -> int:
        """Write all templates to a sealed file; how many there were. See :func:`moving.export_archive`."""
        return moving.export_archive(self._vault, Path(path), secret)

    def import_(self, path: str | Path, secret: Secret) -> int:
        """Add templates of a sealed file; how many are new. See :func:`moving.import_archive`."""
        return moving.import_archive(self._vault, Path(path), secret)

    def copy_to(self, address: str | Path) -> int:
        """Copy everything to another place; how many templates there were. See :func:`access.copy_vault`."""
        return access.copy_vault(self._vault, address)

    def audit(
        self, *, verify: bool = False, since: int = 0, most: int | None = None, last: int | None = None,
        noted: tuple[int, str] | None = None,
    ) -> values.AuditReport:  # fmt: skip
        """Who did what; see :func:`logbook.read_log`."""
        return logbook.read_log(self._vault, verify=verify, since=since, most=most, last=last, noted=noted)

    def close(self) -> None:
        """Let go of files and connections, for all who act on the gallery."""
        self._vault.store.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _recogniser(self) -> Recogniser:
        if self._sight.recogniser is None:
            raise GalleryError("The gallery was opened without a model.", "Give open a verifier.")
        return self._sight.recogniser
