"""How long, how fast, and what decides."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from twinlens.config.base import Count, NonNegative, Section, Share

Monitor = Literal["validation_loss", "validation_auc", "validation_oneshot"]


class TrainingConfig(Section):
    """How long, how fast, and what decides.

    Attributes:
        batch_size: Pairs in a batch, on each process; with a loss over classes, crops.
        per_class: With a loss over classes, crops of each class in a batch, at most half of it where the loss compares
            classes; each training crop comes once per epoch, and again where a class would be short.
        classes: With a loss over classes, what one is: ``known`` takes what the setting tells, subjects or what genuine
            pairs join. ``photos`` takes each photo for one, which needs to know nobody: with ``per_class`` 2 and the
            loss supervised-contrastive that is SimCLR (Chen et al., 2020), a pretraining without labels.
        accumulate: Batches whose mean gradient makes one optimiser step, where memory is short. Batches that are left
            over at the end of an epoch make a step as well, but their sum is divided by ``accumulate`` all the same:
            the last 5 batches of 13 by 8, which is five eighths of their mean gradient.
        max_epochs: Never more than these.
        average_decay: What is left of a moving average of the weights after a step, such as 0.999: validation, the
            best epoch and the model then take the average in the weights' place. None is made if not given.
        monitor: What decides on the best epoch and on stopping: the validation loss, the validation AUC, which asks
            for the right order of scores alone, or the N-way one-shot accuracy on validation subjects, N being the
            largest of ``evaluation.n_way`` that they allow; on Omniglot the accuracy of 20-way runs within alphabets.
        patience: Epochs without improvement before stopping.
        min_delta: What counts as an improvement: more than this.
        precision: ``auto`` takes bfloat16 where the processor computes it natively.
        channels_last: Memory layout NHWC, which is faster in bfloat16.
        threads: CPU threads of each process; the cores, shared evenly, if not given.
        devices: Processes (CPU) or accelerators (GPU) per machine.
        nodes: Machines.
    """

    batch_size: Count = 32
    per_class: Count = 2
    classes: Literal["known", "photos"] = "known"
    accumulate: Count = 1
    max_epochs: Count = 200
    average_decay: Share | None = None
    monitor: Monitor = "validation_loss"
    patience: Count = 20
    min_delta: NonNegative = 0.0
    precision: Literal["auto", "bf16-mixed", "32"] = "auto"
    channels_last: bool = True
    threads: Count | None = None
    devices: Count = 1
    nodes: Count = 1

    @model_validator(mode="before")
    @classmethod
    def _precision_may_be_a_number(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("precision") == 32:
            return {**values, "precision": "32"}
        return values
