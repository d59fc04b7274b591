"""What a training takes over from earlier models."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from twinlens.config.base import Positive, Section


class InitialWeights(Section):
    """Where the network's weights come from.

    Attributes:
        run: Folder of another run, of whose best epoch they are; drawn if not given. Both networks and frames must be
            of the same form. What that run has seen counts as seen.
    """

    run: Path | None = None


class Distillation(Section):
    """Earlier models that the network learns from, besides its own loss; what they have seen counts as seen.

    They see the training crops as they are, the network sees them distorted.

    Attributes:
        teachers: Folders of runs or bundles, whose scores are cosines; none if not given. One of the same recipe makes
            a self-distillation, several make an ensemble that one network learns.
        follow: ``similarities`` pulls the cosine of any two crops of a batch towards the mean of the teachers'
            (relational distillation; Park et al., 2019; Tung and Mori, 2019). ``embeddings`` turns a linear map of the
            embedding, which is learned along and left behind, towards the teachers' embeddings.
        weight: Of the mean square of the difference of cosines, or of one minus the cosine, beside the loss.
    """

    teachers: tuple[Path, ...] = ()
    follow: Literal["similarities", "embeddings"] = "similarities"
    weight: Positive = 100.0
