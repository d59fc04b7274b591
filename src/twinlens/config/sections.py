"""The whole configuration: every section and what must hold between them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twinlens.config.augmentation import Augmentation, Mixing, NoAugmentation, NoMixing
from twinlens.config.base import Count, Frame, Section
from twinlens.config.data import (
    DataConfig,
    FolderData,
    Identities,
    LfwData,
    OmniglotData,
    PairsData,
    SplitConfig,
    SyntheticData,
)
from twinlens.config.losses import BinaryCrossEntropy, ClassLoss, Loss, MarginSoftmax, PairLoss, SumOfLosses
from twinlens.config.networks import CompactNetwork, FixedNormalisation, Inference, KochNetwork, Network, Normalisation
from twinlens.config.optimisation import AdamW, CosineSchedule, ExponentialSchedule, Optimiser, Sgd
from twinlens.config.predecessors import Distillation, InitialWeights
from twinlens.config.refinement import Fusion, LocalPatterns, Metric, NoFusion, NoMetric
from twinlens.config.sizing import AutomaticSizing, NoSizing, Sizing
from twinlens.config.training import TrainingConfig


class EvaluationConfig(Section):
    """How figures are computed; none of this may be chosen on test pairs.

    Attributes:
        prior: Probability of a match before looking, for the match probability.
        level: Confidence level of every interval.
        resamples: Bootstrap resamples over subjects.
        n_way: Sizes of the one-shot tasks; those with more ways than a part has subjects are left out.
        oneshot_trials: Random one-shot tasks per size.
    """

    prior: Annotated[float, Field(gt=0, lt=1)] = 0.5
    level: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    resamples: Annotated[int, Field(ge=100)] = 1000
    n_way: Annotated[tuple[Annotated[int, Field(ge=2)], ...], Field(min_length=1)] = (5, 20)
    oneshot_trials: Count = 1000


class Config(Section):
    """Everything a run depends on, besides the photos.

    Attributes:
        name: Of the run, its folder under ``runs`` and its model; lower case letters, digits, dots and hyphens.
        seed: Of everything that is drawn: validation subjects, pairs, weights, distortions, resamples.
        data: Which photos, and what the training may know of them.
        split: How the validation part is cut off.
        sizing: Where the values of keys come from that the recipe leaves out.
        frame: How a photo becomes a crop.
        normalisation: How a crop becomes what the network sees.
        network: What turns a crop into an embedding.
        initial: Where the network's weights come from.
        inference: What else is done with a crop where nothing is learned.
        loss: What training lowers.
        distillation: Earlier models that the network learns from, besides its own loss.
        augment: Distortions of the training crops.
        mixing: Crops that show two classes at once, made after the distortions.
        optimiser: How the weights are changed.
        schedule: How the learning rates change from epoch to epoch.
        training: How long, how fast, and what decides.
        metric: The space in which the trained network's embeddings are compared.
        fusion: What is joined with the trained network.
        evaluation: How figures are computed.
        logger: Where a training is shown while it runs: files for TensorBoard in the run's folder, or MLflow.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    seed: Annotated[int, Field(ge=0)] = 0
    data: DataConfig = LfwData()
    split: SplitConfig = SplitConfig()
    sizing: Sizing = NoSizing()
    frame: Frame = Frame()
    normalisation: Normalisation = FixedNormalisation()
    network: Network = KochNetwork()
    initial: InitialWeights = InitialWeights()
    inference: Inference = Inference()
    loss: Loss = BinaryCrossEntropy()
    distillation: Distillation = Distillation()
    augment: Augmentation = NoAugmentation()
    mixing: Mixing = NoMixing()
    optimiser: Optimiser = Sgd()
    schedule: Annotated[ExponentialSchedule | CosineSchedule, Field(discriminator="kind")] = ExponentialSchedule()
    training: TrainingConfig = TrainingConfig()
    metric: Metric = NoMetric()
    fusion: Fusion = NoFusion()
    evaluation: EvaluationConfig = EvaluationConfig()
    logger: Literal["tensorboard", "mlflow"] = "tensorboard"

    @property
    def split_seed(self) -> int:
        """Of the validation part."""
        return self.seed if self.split.seed is None else self.split.seed

    @model_validator(mode="after")
    def _split_fits_the_setting(self) -> Config:
        if self.split.kind == "pairs" and isinstance(self.data.setting, Identities):
            raise ValueError("split.kind 'pairs' needs listed pairs; set data.setting.kind to pairs-only")
        return self

    @model_validator(mode="after")
    def _split_is_the_protocol_s(self) -> Config:
        of_koch = isinstance(self.data, OmniglotData) and self.data.protocol == "koch2015"
        if of_koch and self.split != SplitConfig(validation=0.25):
            raise ValueError(
                "protocol koch2015 says which 10 of 40 alphabets validate; set split.validation to 0.25 only"
            )
        return self

    @model_validator(mode="after")
    def _sizing_is_for_data_without_a_protocol(self) -> Config:
        own = isinstance(self.data, FolderData | PairsData | SyntheticData)
        if isinstance(self.sizing, AutomaticSizing) and not own:
            raise ValueError(f"sizing is for data of your own; {self.data.kind} has parts that are given")
        return self

    @model_validator(mode="after")
    def _passes_are_of_pairs(self) -> Config:
        setting = self.data.setting
        passes = isinstance(setting, Identities) and setting.epochs_per_pass > 1
        if passes and not isinstance(self.loss, PairLoss):
            raise ValueError("data.setting.epochs_per_pass is for losses over pairs; leave it out")
        return self

    @model_validator(mode="after")
    def _rotations_make_classes_of_square_crops(self) -> Config:
        if not (isinstance(self.data.setting, Identities) and self.data.setting.rotations):
            return self
        if isinstance(self.loss, PairLoss):
            raise ValueError("data.setting.rotations make classes, and this loss is over pairs; leave it out")
        if self.frame.height != self.frame.width:
            raise ValueError("data.setting.rotations need square crops; set frame.height and frame.width alike")
        return self

    @model_validator(mode="after")
    def _batches_hold_what_the_loss_compares(self) -> Config:
        if isinstance(self.loss, PairLoss):
            return self
        compares = any(not isinstance(loss, MarginSoftmax) for loss in self._losses)
        size, group = self.training.batch_size, self.training.per_class
        if compares and group == 1:
            raise ValueError("training.per_class must be 2 or more: this loss compares crops of one class")
        least, why = group, "a batch holds training.per_class crops of each class"
        if compares:
            least, why = 2 * group, "this loss compares classes, and a batch holds training.per_class crops of each"
        if self._normalises_batches and group == 1:
            least, why = 3, "the network normalises batches, and of twos a single crop may be left over"
        if size < least:
            raise ValueError(f"training.batch_size must be {least} or more: {why}")
        return self

    @property
    def _losses(self) -> list[PairLoss | ClassLoss]:
        return [term.loss for term in self.loss.terms] if isinstance(self.loss, SumOfLosses) else [self.loss]

    @property
    def _normalises_batches(self) -> bool:
        return isinstance(self.network, CompactNetwork) or self.network.batch_norm

    @model_validator(mode="after")
    def _mixed_crops_have_classes(self) -> Config:
        if not isinstance(self.mixing, NoMixing) and not isinstance(self.loss, MarginSoftmax):
            raise ValueError(
                f"mixing makes crops of two classes at once, which only the loss margin-softmax can judge, and "
                f"{self.loss.kind} cannot; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _teachers_know_every_crop(self) -> Config:
        if self.distillation.teachers and not isinstance(self.mixing, NoMixing):
            raise ValueError("distillation.teachers see no mixed crops; leave out the teachers or mixing")
        turned = isinstance(self.data.setting, Identities) and self.data.setting.rotations
        if self.distillation.teachers and turned:
            raise ValueError("distillation.teachers see no turned crops; leave out the teachers or the rotations")
        return self

    @model_validator(mode="after")
    def _photos_are_classes_of_a_loss_over_classes(self) -> Config:
        if self.training.classes == "photos" and isinstance(self.loss, PairLoss):
            raise ValueError(
                f"training.classes 'photos' is for losses over classes, and {self.loss.kind} is over pairs"
            )
        return self

    @model_validator(mode="after")
    def _network_s_input_is_in_the_frame(self) -> Config:
        middle = self.network.middle(self.frame)
        size = self.network.input or middle
        if size[0] > middle[0] or size[1] > middle[1]:
            raise ValueError(
                f"network.input is what a crop, or its middle {middle[0]}×{middle[1]} by network.region, is scaled "
                "down to; enlarge frame.height and frame.width"
            )
        return self

    @model_validator(mode="after")
    def _what_is_joined_can_be_added(self) -> Config:
        distance = isinstance(self.loss, BinaryCrossEntropy) and isinstance(self.metric, NoMetric)
        if not isinstance(self.fusion, NoFusion) and distance:
            raise ValueError("fusion adds cosines and likelihood ratios, and this loss has neither; set metric.kind")
        return self

    @model_validator(mode="after")
    def _cells_have_pixels(self) -> Config:
        if not isinstance(self.fusion, LocalPatterns):
            return self
        (rows, columns), radius = self.fusion.cells, max(self.fusion.radii)
        middle = self.frame.middle(self.fusion.region)
        if (
            min(self.frame.height - 2 * radius, middle[0]) < rows
            or min(self.frame.width - 2 * radius, middle[1]) < columns
        ):
            raise ValueError(
                f"fusion.cells: a crop of {self.frame.height}×{self.frame.width} has no {rows}×{columns} cells with "
                f"radius {radius}; take fewer, or enlarge frame.height and frame.width, or fusion.region"
            )
        if self.fusion.colour and self.frame.colour == "grey":
            raise ValueError("fusion.colour needs colours; set frame.colour to rgb")
        return self

    @model_validator(mode="after")
    def _layers_are_those_of_the_network(self) -> Config:
        if isinstance(self.optimiser, AdamW) or not self.optimiser.layers:
            return self
        if not isinstance(self.network, KochNetwork):
            raise ValueError("optimiser.layers names layers of the koch network; leave it out")
        learns = any(isinstance(loss, BinaryCrossEntropy | MarginSoftmax) for loss in self._losses)
        if "head" in self.optimiser.layers and not learns:
            raise ValueError(
                f"optimiser.layers.head: the loss {self.loss.kind} has no weights of its own; leave it out"
            )
        return self
