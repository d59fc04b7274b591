"""Time a step of training a compact network on one core, and what each part and each choice adds to it.

    OMP_NUM_THREADS=1 python -m benchmarks.training_speed

Crops are noise, which takes as long as faces. Times are of the processor, not of the clock, and the shortest of several
rounds; a round goes through everything in turn, so that whatever else the machine does slows all of it down alike. What
may be compared are the ratios to the recipe's own step. What begins with *as it was* twinlens has left behind.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from kornia.geometry.transform import warp_affine
from pytorch_metric_learning.losses import CosFaceLoss
from torch import nn

from twinlens.config import Config, load_config
from twinlens.data.dataset import Dataset, Part, Partition
from twinlens.data.splits import draw_pairs
from twinlens.files import write_json
from twinlens.learning.allocator import keep_freed_memory
from twinlens.learning.augment import _warp, augment
from twinlens.learning.batches import ClassBatches
from twinlens.learning.module import SiameseModule
from twinlens.learning.networks.compact import Places
from twinlens.learning.networks.prelu import FastPReLU
from twinlens.learning.optimise import build_optimiser
from twinlens.learning.train import train
from twinlens.origin import machine, source_commit
from twinlens.progress import track
from twinlens.runs import Run
from twinlens.types import Sample, UInt8Array

RESULT = Path(__file__).parents[1] / "docs" / "results" / "hard" / "training_speed.json"
_RECIPE = "ablation/base"  # lfw-identities-margin, but that the network looks at crops of 72×72 and is all there is
_CLASSES = 3635  # of its training part
_BATCHES = 24  # in an epoch of the whole training; the recipe has 69


@dataclass(frozen=True)
class Case:
    """One way to train.

    Attributes:
        overrides: Of the recipe.
        layers: Kinds of layers, and what takes the place of each of them.
    """

    overrides: tuple[str, ...] = ()
    layers: Mapping[type[nn.Module], Callable[[nn.Module], nn.Module]] = field(default_factory=dict)


CASES = {
    "the recipe": Case(),
    "batches of 32": Case(("training.batch_size=32",)),
    "batches of 64": Case(("training.batch_size=64",)),
    "batches of 256": Case(("training.batch_size=256",)),
    "crops of 56×56": Case(("frame.height=56", "frame.width=56")),
    "crops of 92×92": Case(("frame.height=92", "frame.width=92")),
    "crops of 112×112": Case(("frame.height=112", "frame.width=112")),
    "widths 16, 32, 64, 128": Case(("network.widths=[16,32,64,128]",)),
    "widths 32, 48, 96, 192": Case(("network.widths=[32,48,96,192]",)),
    "widths 32, 64, 128, 224": Case(("network.widths=[32,64,128,224]",)),
    "no distortions": Case(("augment.kind=none",)),
    "float32": Case(("training.precision=32",)),
    "float32, channels first": Case(("training.precision=32", "training.channels_last=false")),
    "channels first": Case(("training.channels_last=false",)),
    "ReLU": Case(layers={FastPReLU: lambda _: nn.ReLU()}),
    "SiLU": Case(layers={FastPReLU: lambda _: nn.SiLU()}),
    "maps without normalisation": Case(layers={nn.BatchNorm2d: lambda _: nn.Identity()}),
    "as it was: PReLU of torch": Case(layers={FastPReLU: lambda one: nn.PReLU(len(one.weight))}),
    "as it was: places by convolution": Case(layers={Places: lambda one: _convolution(one)}),
}


class Step:
    """One step of a training, and its parts."""

    def __init__(self, case: Case) -> None:
        config = load_config(_RECIPE, case.overrides)
        size = config.training.batch_size
        partition, crops = material(config, photos=2 * size)
        self.module = SiameseModule(config, partition, crops).train()
        for kind, make in case.layers.items():
            _replace(self.module.twin.network, kind, make)
        self.twin, self.objective, self.augment = self.module.twin, self.module.objective, config.augment
        self.is_narrow = config.training.precision != "32"
        self.optimiser = build_optimiser(self.module.layers(), config.optimiser)
        self.former_optimiser = torch.optim.AdamW(self.module.parameters())
        # As many classes as the recipe has, though there are not so many photos here.
        self.objective.criteria[0].directions = nn.Parameter(torch.randn(_CLASSES, self.twin.dim))
        self.objective.start_epoch(config.loss.warmup_epochs)
        self.former = CosFaceLoss(_CLASSES, self.twin.dim, margin=0.3, scale=24)
        self.former.cross_entropy = nn.CrossEntropyLoss(reduction="none", label_smoothing=0.1)
        labels = np.random.default_rng(0).integers(0, _CLASSES, 2 * size)
        self.batches = ClassBatches(crops, partition.train.samples, labels, size, 1, seed=0, epoch=0)
        self.images = self.distort()
        self.embeddings = self.embed().detach().float().requires_grad_()
        self()

    def gather(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Copy crops and labels of a batch."""
        crops, labels, _ = self.batches[0]
        return crops, labels

    def distort(self) -> torch.Tensor:
        """Distort them."""
        return augment(self.module._images(self.gather()[0]), self.augment)

    def embed(self) -> torch.Tensor:
        """Embed distorted crops."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.is_narrow):
            return self.twin.embed(self.images)

    def learn(self) -> None:
        """Embed them, and take the gradient of any loss."""
        self.embed().float().square().mean().backward()

    def judge(self) -> None:
        """Judge embeddings, and take the gradient."""
        self.objective(self.embeddings, self.gather()[1]).loss.backward()

    def judge_as_it_was(self) -> None:
        """The same with the loss of pytorch-metric-learning, and its cosines once more for the accuracy."""
        self.former(self.embeddings, self.gather()[1]).backward()
        with torch.no_grad():
            self.former.get_logits(self.embeddings).argmax(1)

    def warp(self) -> None:
        """Move the pixels of crops."""
        images = self.module._images(self.gather()[0])
        _warp(images, torch.eye(3).expand(len(images), 3, 3))

    def warp_as_it_was(self) -> None:
        """The same by kornia."""
        images = self.module._images(self.gather()[0])
        maps = torch.eye(3).expand(len(images), 3, 3)[:, :2]
        warp_affine(images, maps, images.shape[-2:], padding_mode="border", align_corners=True)

    def change(self) -> None:
        """Change the weights."""
        self.optimiser.step()

    def change_as_it_was(self) -> None:
        """Change them tensor by tensor."""
        self.former_optimiser.step()

    def __call__(self) -> None:
        """All of it."""
        self.images = self.distort()
        embeddings = self.embed()
        self.objective(embeddings, self.gather()[1]).loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad()


class WholeTraining:
    """The recipe as twinlens trains it: what Lightning, validation of eight photos and checkpoints add."""

    def __call__(self) -> float:
        """Seconds of a step: two epochs more, over as many steps as these have."""
        return (self._seconds(epochs=3) - self._seconds(epochs=1)) / 2 / _BATCHES

    def _seconds(self, epochs: int) -> float:
        config = load_config(_RECIPE, [f"training.max_epochs={epochs}", "training.threads=1"])
        partition, crops = material(config, photos=_BATCHES * config.training.batch_size)
        with tempfile.TemporaryDirectory() as folder:
            start = time.process_time()
            train(config, partition, crops, Run(Path(folder) / "run"))
            return time.process_time() - start


def material(config: Config, photos: int) -> tuple[Partition, UInt8Array]:
    """Noise as photos, two of each subject; the last eight validate."""
    samples = tuple(Sample(f"{i // 2}/{i % 2}.png", f"{i // 2}") for i in range(photos + 8))
    dataset = Dataset("noise", Path(), samples)

    def part(start: int, end: int) -> Part:
        chosen = np.arange(start, end)
        return Part(chosen, draw_pairs(chosen, dataset.subject_codes, 8, seed=0))

    rest = part(photos, photos + 8)
    crops = np.random.default_rng(0).integers(0, 256, (len(samples), *config.frame.shape), dtype=np.uint8)
    return Partition("noise", dataset, part(0, photos), rest, rest, dropped_pairs=0, leaks=False), crops


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    steps = {name: Step(case) for name, case in CASES.items()}
    own = steps["the recipe"]
    parts = {
        "gather": own.gather,
        "gather and distort": own.distort,
        "embed, and its gradient": own.learn,
        "judge, and its gradient": own.judge,
        "change the weights": own.change,
        "as it was: change the weights tensor by tensor": own.change_as_it_was,
        "as it was: judge by pytorch-metric-learning": own.judge_as_it_was,
        "of the distortions: move pixels": own.warp,
        "as it was: move pixels by kornia": own.warp_as_it_was,
    }
    seconds = shortest({**steps, **parts}, asked.rounds)
    # In the same minute, as the machine may be slower by now.
    whole = min(WholeTraining()() / shortest({"step": own}, 10)["step"] for _ in track(range(3), "Training", 3))
    step = seconds["the recipe"]
    images = {name: load_config(_RECIPE, case.overrides).training.batch_size for name, case in CASES.items()}
    result = {
        "commit": source_commit(),
        "machine": machine(),
        "rounds": asked.rounds,
        "images_per_second": round(images["the recipe"] / step),
        "time_of_an_image": {name: round(seconds[name] / images[name] / (step / 128), 3) for name in CASES},
        "share_of_a_step": {name: round(seconds[name] / step, 4) for name in parts},
        "whole_training": round(whole, 3),
    }
    write_json(asked.out, result)
    print(asked.out)


def shortest(jobs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Processor seconds of each job in its best round."""
    found = dict.fromkeys(jobs, float("inf"))
    for _ in track(range(rounds), "Timing steps", rounds):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            found[name] = min(found[name], time.process_time() - start)
    return found


def _replace(network: nn.Module, kind: type[nn.Module], make: Callable[[nn.Module], nn.Module]) -> None:
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is kind:
                setattr(module, name, make(child))


def _convolution(places: nn.Module) -> nn.Module:
    assert isinstance(places, Places)
    channels, size = places.out_channels, (places.kernel_size[0], places.kernel_size[1])
    return nn.Conv2d(channels, channels, size, groups=channels, bias=False).to(memory_format=torch.channels_last)


if __name__ == "__main__":
    main()
