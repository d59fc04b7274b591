"""What training lowers.

A loss over *pairs* learns from whether two photos show one subject; a loss over *classes* from which photos show one.
Where only pairs are known, a class is what genuine pairs join, and a photo without a genuine pair is one by itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twinlens.config.base import Positive, Section


class BinaryCrossEntropy(Section):
    """Cross-entropy of the pair's match probability, the paper's loss; L2 belongs to the optimiser.

    The comparison is the paper's: a weighted L1 distance whose weights are learned.
    """

    kind: Literal["binary-cross-entropy"] = "binary-cross-entropy"


class Contrastive(Section):
    """Genuine pairs are pulled together, impostor pairs pushed ``margin`` apart (Chopra et al., 2005); cosine score.

    Attributes:
        margin: Euclidean distance of embeddings of length 1, from which on an impostor pair costs nothing.
    """

    kind: Literal["contrastive"] = "contrastive"
    margin: Annotated[float, Field(gt=0, le=2)] = 1.0


class Triplet(Section):
    """An anchor is to be nearer to its own class than to another, by ``margin`` (Schroff et al., 2015); cosine score.

    Attributes:
        margin: Difference of Euclidean distances of embeddings of length 1.
        mining: Which triplets of a batch count: ``all`` that break the margin, those whose other class is nearer than
            the own (``hard``), or those where it is not (``semihard``).
    """

    kind: Literal["triplet"] = "triplet"
    margin: Annotated[float, Field(gt=0, le=2)] = 0.2
    mining: Literal["all", "semihard", "hard"] = "semihard"


class SupervisedContrastive(Section):
    """Each photo is to find the others of its class among the batch (Khosla et al., 2020); cosine score.

    Attributes:
        temperature: What cosines are divided by.
    """

    kind: Literal["supervised-contrastive"] = "supervised-contrastive"
    temperature: Positive = 0.1


class MultiSimilarity(Section):
    """Pairs of the batch weigh the more, the worse they are (Wang et al., 2019); cosine score.

    Attributes:
        alpha: Sharpness of the weights of pairs within a class.
        beta: Sharpness of the weights of pairs across classes.
        base: The cosine that both are measured from.
    """

    kind: Literal["multi-similarity"] = "multi-similarity"
    alpha: Positive = 2.0
    beta: Positive = 50.0
    base: Annotated[float, Field(ge=-1, le=1)] = 0.5


class MarginSoftmax(Section):
    """Softmax over the training classes, whose right one must win by a margin; cosine score.

    Attributes:
        margin_type: ``cosine`` takes the margin off the cosine (CosFace; Wang et al., 2018), ``angle`` adds it to the
            angle (ArcFace; Deng et al., 2019).
        margin: Of the cosine, or of the angle in radians.
        scale: What cosines are multiplied by.
        warmup_epochs: Epochs until the full margin is reached, linearly.
        label_smoothing: Share of the target that is spread over all classes.
    """

    kind: Literal["margin-softmax"] = "margin-softmax"
    margin_type: Literal["cosine", "angle"] = "cosine"
    margin: Annotated[float, Field(ge=0, le=1)] = 0.3
    scale: Positive = 24.0
    warmup_epochs: Annotated[int, Field(ge=0)] = 0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0


ClassLoss = Annotated[
    Triplet | SupervisedContrastive | MultiSimilarity | MarginSoftmax,
    Field(discriminator="kind"),
]


class WeightedLoss(Section):
    """One term of a sum.

    Attributes:
        weight: Its weight.
        loss: A loss over classes.
    """

    weight: Positive = 1.0
    loss: ClassLoss


class SumOfLosses(Section):
    """Several losses over classes at once.

    Attributes:
        terms: What is added up.
    """

    kind: Literal["sum"] = "sum"
    terms: Annotated[tuple[WeightedLoss, ...], Field(min_length=1)]


PairLoss = BinaryCrossEntropy | Contrastive
Loss = Annotated[
    BinaryCrossEntropy | Contrastive | Triplet | SupervisedContrastive | MultiSimilarity | MarginSoftmax | SumOfLosses,
    Field(discriminator="kind"),
]
