"""What must not be loaded where, and how fast the command line answers."""

import resource
import subprocess
import sys
from pathlib import Path

import twinlens

LEARNING = {"torch", "lightning", "kornia", "optuna", "tensorboard", "twinlens.learning"}
HEAVY = LEARNING | {"numpy", "scipy", "sklearn", "pydantic", "plotly", "onnxruntime", "jinja2", "PIL", "yaml"}

# Imports one module after the other and says of each what is there of the learning.
IMPORT_ALL = """
import importlib, sys
learning, *modules = map(str.split, sys.stdin)
for (module,) in modules:
    importlib.import_module(module)
    print(module, *sorted(set(learning) & set(sys.modules)))
"""


def run(code: str, given: str = "") -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], input=given, check=True, capture_output=True, text=True).stdout


def loaded_by(module: str) -> set[str]:
    return set(run(f"import sys, {module}; print(*sys.modules)").split())


def test_what_is_loaded_is_seen() -> None:
    assert {"twinlens.learning", "torch"} <= loaded_by("twinlens.learning.networks")


def modules() -> list[str]:
    """The names of all modules."""
    root = Path(twinlens.__file__).parent
    paths = (path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py"))
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)


def test_nothing_outside_of_learning_loads_torch() -> None:
    others = [name for name in modules() if not name.startswith("twinlens.learning")]
    assert {"twinlens.workflow.training", "twinlens.serving.encoder", "twinlens.reporting.report"} <= set(others)
    shown = run(IMPORT_ALL, "\n".join([" ".join(LEARNING), *others]))
    assert shown.splitlines() == others


def test_package_and_command_line_start_without_anything_heavy() -> None:
    for module in ("twinlens", "twinlens.cli.main"):
        assert not loaded_by(module) & HEAVY


def processor_seconds_of_children() -> float:
    """Those that ended processes took, which do not grow with what else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_answers_at_once() -> None:
    seconds = []
    for _ in range(5):
        start = processor_seconds_of_children()
        shown = run("import sys; sys.argv = ['twinlens', '--help']; from twinlens.cli.main import main; main()")
        seconds.append(processor_seconds_of_children() - start)
        assert "train" in shown
    assert min(seconds) < 0.4
