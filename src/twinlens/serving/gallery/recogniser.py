"""A model that looks for people in a gallery."""

from __future__ import annotations

from dataclasses import dataclass

from twinlens.serving.decision import log_likelihood_ratio
from twinlens.serving.gallery.search import Search, SearchKind, make_search
from twinlens.serving.gallery.space import Spaces, refuse_other_model
from twinlens.serving.gallery.values import Candidate
from twinlens.serving.gallery.vault import Vault
from twinlens.serving.thresholds import IdentificationThreshold, identification_threshold
from twinlens.serving.verifier import Verifier
from twinlens.types import Float32Array


@dataclass(frozen=True, slots=True)
class Finding:
    """Whom an embedding may be of.

    Attributes:
        candidates: The most similar subjects, the most similar first.
        limit: From which score on one of them is meant.
        subjects: Among how many.
        templates: How many templates of theirs were compared.
    """

    candidates: tuple[Candidate, ...]
    limit: IdentificationThreshold
    subjects: int
    templates: int

    @property
    def named(self) -> Candidate | None:
        """Who is meant; none if it is nobody who is enrolled."""
        return next((candidate for candidate in self.candidates[:1] if candidate.is_match), None)


@dataclass(frozen=True, slots=True, eq=False)
class Recogniser:
    """What a gallery recognises people with.

    Attributes:
        verifier: The model.
        spaces: In which embeddings of the model are kept.
        search: Finds similar ones.
    """

    verifier: Verifier
    spaces: Spaces
    search: Search

    @classmethod
    def of(cls, vault: Vault, verifier: Verifier, kind: SearchKind) -> Recogniser:
        """Of a gallery, with the model whose embeddings it holds.

        Raises:
            GalleryError: It holds those of another model, or there is no such search.
        """
        refuse_other_model(vault.opened.header, verifier.manifest)
        spaces = Spaces(verifier.manifest)
        return cls(verifier, spaces, make_search(vault, spaces, kind))

    def look_up(self, embedding: Float32Array, fpir: float, most: int) -> Finding:
        """The subjects most similar to an embedding, and from which score on one of them is meant.

        Args:
            embedding: float32 ``(dim,)``.
            fpir: Chance that somebody who is not enrolled is taken for somebody who is, at most.
            most: How many subjects, at most.

        Raises:
            ConfigError: The model cannot support the rate among so many.
        """
        ranking = self.search.rank(embedding, most)
        # Each template is a chance to err, so they are counted, and not the subjects.
        limit = identification_threshold(self.verifier.manifest, fpir, max(1, ranking.templates))
        candidates = tuple(
            Candidate(
                subject_id=one.subject_id,
                score=one.score,
                is_match=one.score >= limit.threshold,
                log_likelihood_ratio=log_likelihood_ratio(self.verifier.manifest, one.score, one.templates),
            )
            for one in ranking.best
        )
        return Finding(candidates, limit, ranking.subjects, ranking.templates)


@dataclass(slots=True)
class Sight:
    """What all who act on one gallery recognise people with; whoever changes it, changes it for all.

    Attributes:
        recogniser: None where the gallery was opened without a model.
        search: The search that was asked for.
    """

    recogniser: Recogniser | None
    search: SearchKind
