"""What is fitted on top of a trained network: a space where its embeddings compare better, and descriptors beside it.

Everything is fitted on training photos. Where several values are given for a key, the validation pairs choose.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twinlens.config.base import Count, Portion, Section

Dims = Annotated[tuple[Count, ...], Field(min_length=1)]
Shrinkage = Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)]


class NoMetric(Section):
    """Embeddings are compared as the loss has it."""

    kind: Literal["none"] = "none"


class PcaWhitening(Section):
    """The principal components of all training photos, each scaled to variance 1; cosine score. Needs no labels.

    Attributes:
        dims: Numbers of components to choose from; never more than the training photos allow.
    """

    kind: Literal["pca"] = "pca"
    dims: Dims = (50, 100, 150, 200, 300)


class WithinClassWhitening(Section):
    """Principal components, in which then photos of one class differ by as much in every direction; cosine score.

    Where identities are known a class is a subject, and where only pairs are, what listed genuine pairs join.

    Attributes:
        dims: Numbers of principal components to choose from; never more than the training photos allow.
        shrinkage: Shares of the covariance within classes to choose from that are replaced by that of a sphere.

    References:
        A. O. Hatch, S. Kajarekar and A. Stolcke (2006), Within-class covariance normalization for SVM-based speaker
        recognition, Interspeech.
    """

    kind: Literal["whitening"] = "whitening"
    dims: Dims = (50, 100, 150, 200, 300)
    shrinkage: Shrinkage = (0.0, 0.1)


class TwoCovariance(Section):
    """Principal components, in which then the covariances within and between classes say how likely two photos show one
    subject (PLDA, Joint Bayesian); the score is that log-likelihood ratio.

    Attributes:
        dims: Numbers of principal components to choose from; never more than the training photos allow.
        shrinkage: Shares of the covariance within classes to choose from that are replaced by that of a sphere.

    References:
        N. Brümmer and E. de Villiers (2010), The speaker partitioning problem, Odyssey.
        D. Garcia-Romero and C. Y. Espy-Wilson (2011), Analysis of i-vector length normalization in speaker recognition
        systems, Interspeech.
        D. Chen, X. Cao, L. Wang, F. Wen and J. Sun (2012), Bayesian face revisited: a joint formulation, ECCV.
    """

    kind: Literal["plda"] = "plda"
    dims: Dims = (50, 100, 150, 200, 300)
    shrinkage: Shrinkage = (0.0, 0.1)


FittedMetric = Annotated[PcaWhitening | WithinClassWhitening | TwoCovariance, Field(discriminator="kind")]
Metric = Annotated[NoMetric | PcaWhitening | WithinClassWhitening | TwoCovariance, Field(discriminator="kind")]


class NoFusion(Section):
    """The network decides alone."""

    kind: Literal["none"] = "none"


class LocalPatterns(Section):
    """Histograms of local binary patterns in the cells of a grid, compared in a space of their own.

    Their score is added to the network's; what each weighs minimises the cost of the log-likelihood ratio on the
    validation pairs. They see the crop at its full size, which does them good: let ``network.input`` keep the network's
    own small. With ``inference.flip`` they are averaged over the crop and its mirror image.

    Attributes:
        radii: How far the eight neighbours of a pixel are that make its pattern, in pixels; one histogram each.
        region: Shares of a crop's height and width, around its middle, that the grid covers. What varies most in a
            photo, such as a background, should stay outside.
        cells: Rows and columns of the grid.
        colour: Count patterns of red minus green besides those of the grey crop.
        components: Principal components of a histogram that are kept, the same for all cells of a radius.
        metric: The space that all histograms together are compared in.
        apart: Compare each radius, each of four bands of rows and each of three of columns in a space of its own
            instead, and add up the scores. From few photos, many small spaces learn more than a large one.

    References:
        T. Ojala, M. Pietikäinen and T. Mäenpää (2002), Multiresolution gray-scale and rotation invariant texture
        classification with local binary patterns, IEEE Transactions on Pattern Analysis and Machine Intelligence 24.
        T. Ahonen, A. Hadid and M. Pietikäinen (2006), Face description with local binary patterns, IEEE Transactions on
        Pattern Analysis and Machine Intelligence 28.
        T. K. Ho (1998), The random subspace method for constructing decision forests, IEEE Transactions on Pattern
        Analysis and Machine Intelligence 20: why many small spaces.
    """

    kind: Literal["lbp"] = "lbp"
    radii: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 2, 3, 4)
    region: tuple[Portion, Portion] = (1.0, 1.0)
    cells: tuple[Count, Count] = (13, 12)
    colour: bool = False
    components: Annotated[int, Field(ge=1, le=59)] = 16
    metric: FittedMetric = TwoCovariance()
    apart: bool = False


Fusion = Annotated[NoFusion | LocalPatterns, Field(discriminator="kind")]
