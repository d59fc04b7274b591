"""What a comparison says: the values behind its page, its tables and its JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from twinlens.evaluation.figures import Folds, OneShot
from twinlens.evaluation.paired import Difference, PairedTest
from twinlens.evaluation.seeds import Spread
from twinlens.types import Interval

# With more findings than this, it is told where each recipe stands instead of each difference.
FEW_FINDINGS = 3


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PartFigures(_Value):
    """One part of one run, judged with the best epoch's weights and what was fitted on top, if anything was.

    Attributes:
        loss: In nats, of the network's own match probability; none where its score is no logit.
        cllr: Of the calibrated match probability, in bits.
    """

    loss: float | None
    accuracy: Interval
    auc: Interval
    eer: Interval
    cllr: Interval


class RunFigures(_Value):
    """One run.

    Attributes:
        label: Unlike that of any other run here.
        recipe: Label of its recipe.
        caveats: What must be said in red beside its figures.
        best_epoch: The epoch whose weights are judged.
        epochs: How many there were.
        seconds_to_best: Until that epoch was finished.
        last_train_loss: Of the last epoch, as the training saw it.
        last_validation_loss: Of the last epoch.
        test: ``None`` if it was not tested.
        oneshot: On the test part.
        view2: Its recipe on LFW View 2, if it was retrained there.
    """

    label: str
    recipe: str
    folder: str
    seed: int
    setting: str
    caveats: tuple[str, ...]
    best_epoch: int
    epochs: int
    seconds_to_best: float
    seconds: float
    stopped_by: str
    last_train_loss: float
    last_validation_loss: float
    level: float
    train: PartFigures
    validation: PartFigures
    test: PartFigures | None
    oneshot: tuple[OneShot, ...]
    view2: Folds | None

    @property
    def without_test(self) -> str:
        """What stands in the place of test figures."""
        return "View 2 only" if self.view2 else "not tested"


class RecipeFigures(_Value):
    """One recipe: its runs, and the test figures over them; ``None`` if they were not tested."""

    label: str
    runs: tuple[str, ...]
    seeds: str
    accuracy: Spread | None
    auc: Spread | None


class Setting(_Value):
    """A key in which the recipes differ: its value by the recipe's label; recipes without the key are left out."""

    key: str
    values: dict[str, str]


class ModelTest(_Value):
    """Two runs on the same test pairs.

    Attributes:
        same_recipe: Whether only their seeds differ; then neither is better, whatever the test says.
        test: Of the first minus the second.
        corrected: Its p-value, corrected for the number of all tests of two runs (Holm).
    """

    first: str
    second: str
    same_recipe: bool
    test: PairedTest
    corrected: float


class Finding(_Value):
    """Two recipes on the same test pairs; the first is the one with the higher accuracy.

    Attributes:
        caveat: What must be said before anything else, of synthetic photos and of leaks; empty for most.
        pairs: Number of test pairs.
        first_runs: How many seeds stand behind the first.
        second_runs: How many behind the second.
        accuracy: Mean accuracy of the first minus that of the second.
        auc: Likewise.
        p_value: The largest of all tests'; where there are several seeds, what they change is in it.
        corrected: The same for the number of findings (Holm).
        better: Whether the first is better beyond noise.
    """

    first: str
    second: str
    caveat: str
    pairs: int
    first_runs: int
    second_runs: int
    accuracy: Difference
    auc: Difference
    p_value: float
    corrected: float
    better: bool


class Comparison(_Value):
    """Several runs side by side.

    Attributes:
        level: Of all intervals of differences; 1 − level is the risk of any false finding.
        resamples: Of the subjects.
        headline: What it comes to, in a sentence.
        sentences: Every finding in words, the surest first.
        standings: The same from the side of every recipe, the one with the highest accuracy first.
        doubt: Whether models or recipes are ranked here; empty if nothing is.
        seeds: What seeds change, in words, for every recipe with several runs.
        refusals: What cannot be compared, and why.
        caveats: What must be said in red.
        settings: The keys in which the recipes differ.
    """

    level: float
    resamples: int
    headline: str
    sentences: tuple[str, ...]
    standings: tuple[str, ...]
    doubt: str
    seeds: tuple[str, ...]
    refusals: tuple[str, ...]
    caveats: tuple[str, ...]
    runs: tuple[RunFigures, ...]
    recipes: tuple[RecipeFigures, ...]
    settings: tuple[Setting, ...]
    findings: tuple[Finding, ...]
    tests: tuple[ModelTest, ...]
