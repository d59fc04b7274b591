import ast
import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

import twinlens.learning
from twinlens.errors import RunError
from twinlens.learning import checkpoints
from twinlens.learning.checkpoints import SafetensorsIO

DTYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
]


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    seed = draw(st.integers(0, 100))
    values = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(seed))
    return values.to(draw(st.sampled_from(DTYPES))).mT if len(shape) > 1 else values


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text("ab.1", max_size=3) | st.integers(-3, 3)
trees = st.recursive(
    plain | tensors(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
)
checkpoint_trees = st.dictionaries(keys, trees, max_size=4)


def same(left: Any, right: Any) -> bool:
    """Equal in value and type all the way down; a NaN equals a NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, torch.Tensor):
        return left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right or (isinstance(left, float) and math.isnan(left) and math.isnan(right))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints") / "any.safetensors"


def there_and_back(tree: dict[Any, Any], file: Path) -> dict[Any, Any]:
    SafetensorsIO().save_checkpoint(tree, file)
    return SafetensorsIO().load_checkpoint(file)


@given(checkpoint_trees)
def test_nested_values_come_back_as_they_were(file: Path, tree: dict[Any, Any]) -> None:
    assert same(there_and_back(tree, file), tree)


def test_what_lightning_puts_in_comes_back(file: Path) -> None:
    tree = {
        "epoch": 3,
        "state_dict": {"layers.conv1.weight": torch.rand(2, 3), "layers.conv1.bias": torch.rand(2)},
        "optimizer_states": [{"state": {0: {"step": torch.tensor(3.0)}, 1: {"step": None}}, "param_groups": []}],
        "callbacks": {"EarlyStopping": {"best_score": torch.tensor(math.inf), "patience": 5}},
        "best": math.inf,
        "worst": -math.inf,
    }
    assert same(there_and_back(tree, file), tree)


def test_tuples_come_back_as_lists(file: Path) -> None:
    assert there_and_back({"betas": (0.9, 0.999)}, file) == {"betas": [0.9, 0.999]}


def test_like_named_keys_stay_apart(file: Path) -> None:
    tree = {"a": {"b": torch.tensor(1)}, "a.b": torch.tensor(2), "c": {1: torch.tensor(3), "1": torch.tensor(4)}}
    assert same(there_and_back(tree, file), tree)


def test_tensors_that_share_memory_or_are_strided_come_back(file: Path) -> None:
    whole = torch.rand(2, 3, 4, 4)
    tree = {
        "whole": whole,
        "again": whole,
        "part": whole[:, 1:],
        "turned": whole.mT,
        "channels_last": whole.contiguous(memory_format=torch.channels_last),
        "parameter": torch.nn.Parameter(whole).data,
        "expanded": torch.ones(1, 2).expand(5, 2),
    }
    assert same(there_and_back(tree, file), tree)


def test_tensors_of_a_graph_are_taken_out_of_it(file: Path) -> None:
    weight = torch.ones(2, requires_grad=True)
    assert not there_and_back({"w": weight * 2}, file)["w"].requires_grad


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {(1, 2): 3}, {None: 1}, [{"deep": print}]])
def test_what_cannot_come_back_is_refused_by_its_place(tmp_path: Path, value: object) -> None:
    with pytest.raises(TypeError, match="somewhere"):
        SafetensorsIO().save_checkpoint({"somewhere": value}, tmp_path / "c.safetensors")
    assert not list(tmp_path.iterdir())


def test_file_is_plain_safetensors_and_no_pickle(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    tree = {"state_dict": {"weight": torch.arange(6.0).reshape(2, 3)}}
    SafetensorsIO().save_checkpoint(tree, path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    (name,) = set(header) - {"__metadata__"}
    assert name.endswith("state_dict.weight")
    assert len(content) == 8 + length + 6 * 4
    assert torch.equal(load_file(path)[name], tree["state_dict"]["weight"])


def test_nothing_in_learning_reads_or_writes_pickles() -> None:
    sources = list(Path(twinlens.learning.__file__).parent.rglob("*.py"))
    assert len(sources) > 10
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name.partition(".")[0] for alias in node.names}
                assert not names & {"pickle", "dill", "cloudpickle", "joblib"}, source
            elif isinstance(node, ast.ImportFrom):
                assert node.module not in ("pickle", "dill", "cloudpickle", "joblib"), source
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in (("torch", "load"), ("torch", "save")), source


def test_failed_write_leaves_the_old_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.safetensors"
    SafetensorsIO().save_checkpoint({"epoch": 1}, path)

    def fail(_tensors: object, filename: Path, _metadata: object) -> None:
        filename.write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoints, "save_file", fail)
    with pytest.raises(RunError, match=r"last\.safetensors was not written.*No space left.*Free some space"):
        SafetensorsIO().save_checkpoint({"epoch": 2}, path)
    assert SafetensorsIO().load_checkpoint(path) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_new_checkpoint_replaces_the_old_one(file: Path) -> None:
    there_and_back({"epoch": 1, "more": torch.ones(9)}, file)
    assert there_and_back({"epoch": 2}, file) == {"epoch": 2}


@given(share=st.floats(0, 1, exclude_max=True))
def test_file_cut_short_anywhere_is_refused(file: Path, share: float) -> None:
    whole = file.with_name("whole.safetensors")
    SafetensorsIO().save_checkpoint({"state_dict": {"weight": torch.rand(20)}, "epoch": 3}, whole)
    content = whole.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RunError, match="is not a checkpoint of twinlens"):
        SafetensorsIO().load_checkpoint(file)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the file was executed",))


def test_foreign_files_are_refused_and_never_executed(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    for content in (pickle.dumps(Bomb()), b"", b"{}", b"\x89PNG\r\n\x1a\n" * 9, b"\xff" * 100):
        path.write_bytes(content)
        with pytest.raises(RunError, match=r"foreign\.safetensors is not a checkpoint"):
            SafetensorsIO().load_checkpoint(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"twinlens": "no JSON"}, {"twinlens": '{"tensor": "x"}'}])
def test_safetensors_of_somebody_else_are_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.ones(3)}, path, metadata)
    with pytest.raises(RunError, match=r"foreign\.safetensors is not a checkpoint"):
        SafetensorsIO().load_checkpoint(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(RunError, match="is not a checkpoint"):
            SafetensorsIO().load_checkpoint(path)


def test_removing_a_checkpoint_twice_is_once(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    SafetensorsIO().save_checkpoint({}, path)
    for _ in range(2):
        SafetensorsIO().remove_checkpoint(path)
        assert not path.exists()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_tensor_lies_in_memory_as_it_did(layout: torch.memory_format, tmp_path: Path) -> None:
    before = torch.rand(4, 3, 5, 2).to(memory_format=layout)
    SafetensorsIO().save_checkpoint({"a": [before]}, tmp_path / "c")
    after = SafetensorsIO().load_checkpoint(tmp_path / "c")["a"][0]
    assert torch.equal(after, before)
    assert after.stride() == before.stride()


def test_fused_optimiser_goes_on_with_weights_in_channels_last_memory(tmp_path: Path) -> None:
    start = torch.rand(4, 3, 2, 2).to(memory_format=torch.channels_last)
    gradients = torch.rand(4, 4, 3, 2, 2)

    def step(weights: list[torch.Tensor], optimiser: torch.optim.Optimizer, number: int) -> None:
        weights[0].grad = gradients[number].to(memory_format=torch.channels_last)
        optimiser.step()

    whole, halved = ([start.clone().requires_grad_()] for _ in range(2))
    optimisers = [torch.optim.Adam(weights, fused=True) for weights in (whole, halved)]
    for number in range(2):
        step(whole, optimisers[0], number)
        step(halved, optimisers[1], number)
    SafetensorsIO().save_checkpoint({"state": optimisers[1].state_dict()}, tmp_path / "c")
    resumed = torch.optim.Adam(halved, fused=True)
    resumed.load_state_dict(SafetensorsIO().load_checkpoint(tmp_path / "c")["state"])
    for number in (2, 3):
        step(whole, optimisers[0], number)
        step(halved, resumed, number)
    assert torch.equal(whole[0], halved[0])
