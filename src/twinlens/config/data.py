"""Which photos, which pairs of them, and which of those are kept for validation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from twinlens.config.base import Count, Section, Share

TURNS = 4  # quarter turns until a crop is upright again


class PairsOnly(Section):
    """Only the listed pairs and whether they match are known (LFW: *image-restricted*)."""

    kind: Literal["pairs-only"] = "pairs-only"


class Identities(Section):
    """Who is on each photo is known, so pairs may be drawn at will (LFW: *unrestricted*).

    Attributes:
        pairs: Pairs drawn, half of them genuine: per epoch if ``fresh``, once for all if not.
        fresh: Draw new pairs in every epoch.
        epochs_per_pass: Epochs that see each pair once between them, in equal shares; 1 shows all pairs in every
            epoch. A training is resumed, judged and stopped by epochs, so long passes need several. Not with
            ``fresh``.
        rotations: With a loss over classes, a subject turned by a quarter, a half or three quarters is another class:
            four times as many classes and crops to learn from. For characters; crops must be square.
    """

    kind: Literal["identities"] = "identities"
    pairs: Count = 2200
    fresh: bool = True
    epochs_per_pass: Count = 1
    rotations: bool = False

    @model_validator(mode="after")
    def _a_pass_has_pairs_for_its_epochs(self) -> Identities:
        if self.fresh and self.epochs_per_pass > 1:
            raise ValueError("fresh pairs make no pass; set fresh to false, or epochs_per_pass to 1")
        if self.epochs_per_pass > self.pairs:
            raise ValueError("a pass has no more epochs than pairs")
        return self


Setting = Annotated[PairsOnly | Identities, Field(discriminator="kind")]


class LfwData(Section):
    """Labeled Faces in the Wild with its official lists.

    Attributes:
        view: 1 for development (``pairsDevTrain``/``pairsDevTest``), 2 for the ten folds that are reported.
        fold: With view 2, and only there, the fold (1 to 10) that is kept for testing.
        setting: What the training may know.
        root: Folder or archive that holds the images, with the lists in it or beside it; found by itself if not
            given.
    """

    kind: Literal["lfw"] = "lfw"
    view: Literal[1, 2] = 1
    fold: Annotated[int, Field(ge=1, le=10)] | None = None
    setting: Setting = PairsOnly()
    root: Path | None = None

    @model_validator(mode="after")
    def _fold_goes_with_view_2(self) -> LfwData:
        if (self.view == 2) != (self.fold is not None):
            raise ValueError("view 2 needs a fold from 1 to 10, and view 1 has none")
        return self


class OmniglotData(Section):
    """Handwritten characters: background alphabets to train on, evaluation alphabets to test on.

    Attributes:
        protocol: ``halves`` takes background alphabets for training and validation and all 20 evaluation alphabets
            for the test. ``koch2015`` takes the alphabets and drawers of Koch et al. (2015), pairs within an
            alphabet, and equally many training pairs of each; these are drawn once, and ``split.validation`` must
            be 0.25, as ten of forty alphabets are not for training.
        setting: A subject is a character, and which one a drawing shows is known.
        test_pairs: Pairs drawn once from the test characters, at most; with ``koch2015`` from the validation
            characters, too.
        root: Folder or archive that holds ``images_background``, ``images_evaluation`` and ``all_runs``; found by
            itself if not given.
    """

    kind: Literal["omniglot"] = "omniglot"
    protocol: Literal["halves", "koch2015"] = "halves"
    setting: Identities = Identities(pairs=30000, fresh=False)
    test_pairs: Count = 10000
    root: Path | None = None

    @model_validator(mode="after")
    def _koch_s_pairs_can_be_shared_out(self) -> OmniglotData:
        if self.protocol == "koch2015" and self.setting.fresh:
            raise ValueError("protocol koch2015 draws its pairs once; set setting.fresh to false")
        if self.protocol == "koch2015" and self.setting.pairs % 60:
            raise ValueError("protocol koch2015 needs a multiple of 60 pairs: both kinds of 30 alphabets alike")
        return self


class FolderData(Section):
    """Photos of your own: one folder per subject.

    Attributes:
        root: The folder (or archive) that holds one folder per subject.
        test: Share of the subjects that is kept for testing; which ones does not depend on the run's seed.
        setting: Whose photos are whose follows from the folders.
        test_pairs: Pairs drawn once from the test subjects, half of them genuine where there are enough.
    """

    kind: Literal["folder"] = "folder"
    root: Path
    test: Share = 0.2
    setting: Identities = Identities()
    test_pairs: Count = 1000


class PairsData(Section):
    """Pairs of your own: a CSV with the columns ``first``, ``second`` and ``is_genuine``.

    Attributes:
        list: The CSV file; paths in it are relative to its folder.
        test: Share of the pairs that is kept for testing, by whole groups of connected photos; which ones does not
            depend on the run's seed.
        setting: Only the listed pairs are known.
    """

    kind: Literal["pairs"] = "pairs"
    list: Path
    test: Share = 0.2
    setting: PairsOnly = PairsOnly()


class SyntheticData(Section):
    """Procedural portraits for tests and offline trials; never quoted as a result.

    Attributes:
        subjects: How many people are drawn up.
        per_subject: Portraits of each.
        seed: What portraits are drawn; the run's own seed has no say in it.
        test: Share of the subjects that is kept for testing.
        setting: Whose portraits are whose is known.
        test_pairs: Pairs drawn once from the test subjects, half of them genuine where there are enough.
    """

    kind: Literal["synthetic"] = "synthetic"
    subjects: Annotated[int, Field(ge=10)] = 200
    per_subject: Annotated[int, Field(ge=2)] = 6
    seed: Annotated[int, Field(ge=0)] = 0
    test: Share = 0.3
    setting: Identities = Identities()
    test_pairs: Count = 600


DataConfig = Annotated[LfwData | OmniglotData | FolderData | PairsData | SyntheticData, Field(discriminator="kind")]


class SplitConfig(Section):
    """How the validation part is cut off.

    Attributes:
        kind: ``subjects`` shares nobody between training and validation; ``pairs`` draws pairs at random, as
            most published projects do, and leaks: every figure from it is marked.
        validation: Share of the pairs (pairs-only) or subjects (identities; of Omniglot, alphabets) kept for
            validation.
        seed: Of which these are, and of the pairs drawn from them; the run's if not given. Runs of several seeds that
            are to teach one network need the same.
    """

    kind: Literal["subjects", "pairs"] = "subjects"
    validation: Share = 0.1
    seed: Annotated[int, Field(ge=0)] | None = None
