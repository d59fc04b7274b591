"""The form of a dataset's analysis: numbers alone, so that every report can carry it and draw its figures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from twinlens.config.sizing_rule import Sized

PartName = Literal["train", "validation", "test", "all"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Size(_Value):
    """How much there is; ``pairs`` are listed or, where identities may be used, drawn."""

    images: int
    subjects: int
    pairs: int
    genuine_pairs: int
    impostor_pairs: int


class Most(_Value):
    """The subject with the most of something."""

    subject_id: str
    count: int


class PerSubject(_Value):
    """Examples per class.

    Attributes:
        minimum: Fewest images of one subject.
        median: Median over the subjects.
        maximum: Most images of one subject.
        distribution: For each number of images that occurs, ascending: that number, and how many subjects have it.
        most_images: Of whom there are the most images.
        most_genuine_pairs: Who is in the most genuine pairs; None if there are none.
    """

    minimum: int
    median: float
    maximum: int
    distribution: tuple[tuple[int, int], ...]
    most_images: Most
    most_genuine_pairs: Most | None


class Spread(_Value):
    """How a measure is spread over the images of a part; ``edges`` has one entry more than ``counts``."""

    minimum: float
    p05: float
    p25: float
    median: float
    p75: float
    p95: float
    maximum: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Erratum(_Value):
    """A known error about a photo of a part, and in how many of its pairs the photo is. Scored as listed."""

    image: str
    text: str
    pairs: int


class PartDescription(_Value):
    """One part.

    Attributes:
        size: How much there is.
        per_subject: Examples per class.
        brightness: Mean luma of each crop, 0 (black) to 1 (white).
        sharpness: Standard deviation of each crop's discrete Laplacian over that of the crop itself; blur lowers
            it, contrast does not change it.
        exact_duplicates: Pairs of files with equal content.
        near_duplicates: Pairs of other files that show the same picture.
        errata: Known errors among the photos of its pairs.
    """

    size: Size
    per_subject: PerSubject
    brightness: Spread
    sharpness: Spread
    exact_duplicates: int
    near_duplicates: int
    errata: tuple[Erratum, ...]


class Shared(_Value):
    """What two parts have in common.

    Attributes:
        first: Name of the part that comes first.
        second: Name of the other.
        subjects: Subjects in both.
        images: Images in both.
        touched_pairs: Pairs of the second part with a subject of the first.
        exact_duplicates: Pairs of files with equal content, one in each.
        near_duplicates: Pairs of other files that show the same picture, one in each.
    """

    first: PartName
    second: PartName
    subjects: int
    images: int
    touched_pairs: int
    exact_duplicates: int
    near_duplicates: int


class Duplicate(_Value):
    """Two photos that show the same picture, and the parts that they are in, joined by commas if several."""

    first: str
    second: str
    exact: bool
    same_subject: bool
    first_part: str
    second_part: str


class OfficialView1(_Value):
    """LFW View 1 as its lists have it, before anything is kept for validation."""

    train: Size
    test: Size
    shared_subjects: int
    shared_images: int


class ExpectedInterval(_Value):
    """How wide the interval of the test accuracy will be about, if the accuracy is this; half of it, as a share."""

    accuracy: float
    half_width: float


class RateProspect(_Value):
    """Whether there will be 30 expected errors at a false match rate, which is the least that a rate may rest on.

    Attributes:
        fmr: The rate.
        impostor_pairs: How many it takes.
        threshold: Whether a threshold for it will rest on that many.
        test: Whether the test can show that many.
    """

    fmr: float
    impostor_pairs: int
    threshold: bool
    test: bool


class Prospects(_Value):
    """What figures on these parts will be able to say, known before anything is trained.

    Attributes:
        level: Of the intervals.
        intervals: For some accuracies.
        threshold_impostor_pairs: Pairs of different validation subjects that thresholds for false match rates rest on.
        test_impostor_pairs: Impostor pairs of the test.
        rates: From lax to strict.
        n_way: Sizes of one-shot tasks that are asked for.
        largest_n_way: The largest that the test subjects allow; 0 if they allow none.
    """

    level: float
    intervals: tuple[ExpectedInterval, ...]
    threshold_impostor_pairs: int
    test_impostor_pairs: int
    rates: tuple[RateProspect, ...]
    n_way: tuple[int, ...]
    largest_n_way: int


class Description(_Value):
    """The analysis of a dataset and of the parts that it is cut into.

    Attributes:
        dataset: Its name.
        variant: Which edition of the photos; empty if there is just one.
        protocol: How it was cut.
        images: Images of the whole dataset.
        subjects: Subjects of the whole dataset.
        broken: Images that could not be read and were left out.
        broken_pairs: Listed pairs that were left out with them.
        dropped_pairs: Listed pairs that straddle training and validation and were left out.
        leaks: Whether training and validation share subjects by design of the split.
        parts: ``train``, ``validation`` and ``test`` as far as there are such; ``all`` if nothing is cut.
        shared: What each two parts have in common.
        duplicates: Examples of duplicates: across parts first, then those under two names; at most 50.
        errata_known: Whether there was a list of errata to look into.
        official: The official figures, for LFW View 1.
        sized: What automatic sizing makes of this much data; of a recipe that asks for it.
        prospects: What figures on the parts will be able to say; of a recipe.
    """

    dataset: str
    variant: str
    protocol: str
    images: int
    subjects: int
    broken: tuple[str, ...]
    broken_pairs: int
    dropped_pairs: int
    leaks: bool
    parts: dict[PartName, PartDescription]
    shared: tuple[Shared, ...]
    duplicates: tuple[Duplicate, ...]
    errata_known: bool
    official: OfficialView1 | None
    sized: Annotated[tuple[Sized, ...], Field(exclude_if=lambda sized: not sized)] = ()
    prospects: Annotated[Prospects | None, Field(exclude_if=lambda prospects: prospects is None)] = None
