from pathlib import Path

import pytest
import torch

from tests.learning.small import SIZE, fit, small_config, small_partition
from twinlens.errors import ConfigError
from twinlens.learning.checkpoints import SafetensorsIO
from twinlens.learning.initial import start_from
from twinlens.learning.module import SiameseModule
from twinlens.runs import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    torch.set_num_threads(1)
    return fit(small_config(training={"max_epochs": 1}), tmp_path_factory.mktemp("runs") / "first")[1]


def test_training_starts_from_the_network_of_the_best_epoch_and_from_its_own_head(run: Run, tmp_path: Path) -> None:
    # A rate at which nothing moves shows what the training started from.
    still = {"kind": "sgd", "learning_rate": 1e-30}
    loss = {"kind": "margin-softmax"}
    config = small_config(loss=loss, optimiser=still, initial={"run": str(run.folder)}, training={"max_epochs": 1})
    started, _ = fit(config, tmp_path / "second")
    best = SafetensorsIO().load_checkpoint(run.best)["state_dict"]
    for name, value in started.twin.state_dict().items():
        first = best[f"twin.{name}"]
        assert torch.equal(value, first.half().float() if value.dim() > 1 else first)  # rounded when it was finished
    assert not any(name.startswith("objective.head") for name in started.state_dict())


def test_network_of_another_form_is_refused_with_its_layer(run: Run) -> None:
    network = {**small_config().network.model_dump(mode="json"), "dense": 8}
    module = SiameseModule(small_config(network=network), *small_partition())
    before = {name: value.clone() for name, value in module.twin.state_dict().items()}
    with pytest.raises(ConfigError, match=r"dense\.linear\.weight is of shape 16×\d+ in .* and 8×\d+ here"):
        start_from(module.twin, run)
    assert all(torch.equal(value, before[name]) for name, value in module.twin.state_dict().items())


def test_layer_that_is_missing_is_told(run: Run) -> None:
    network = {**small_config().network.model_dump(mode="json"), "batch_norm": True}
    module = SiameseModule(small_config(network=network), *small_partition())
    with pytest.raises(ConfigError, match=r"norm\.weight is of shape missing in"):
        start_from(module.twin, run)


def test_crop_of_another_size_is_refused(run: Run) -> None:
    config = small_config(frame={"height": SIZE + 8, "width": SIZE})
    with pytest.raises(ConfigError, match="the same network and the same frame"):
        start_from(SiameseModule(config, *small_partition()).twin, run)
