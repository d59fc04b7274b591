"""No module of the using half, and no request, can load a pickle or open a file that the caller names."""

import ast
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import twinlens
from tests.hostile import Canary
from tests.serving.service.made import small_bundle
from twinlens.errors import TwinlensError
from twinlens.images import read_image
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.keys import read_key
from twinlens.serving.models import find_model
from twinlens.serving.service.keys import Keyring
from twinlens.serving.verifier import Verifier

ROOT = Path(twinlens.__file__).parent
# What can run, call or load what it is given, with all that is beneath it.
FORBIDDEN = (
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "torch", "lightning"),
    *("pandas", "onnx.load", "multiprocessing", "concurrent.futures.ProcessPoolExecutor", "runpy", "code", "codeop"),
    *("zipimport", "imp", "ctypes", "cffi", "pty", "pdb", "builtins", "importlib.import_module", "importlib.util"),
    *("importlib.machinery", "subprocess", "os.system", "os.popen", "os.fork", "os.posix_spawn", "urllib.request"),
    *("numpy.load", "numpy.fromfile", "numpy.memmap", "numpy.loadtxt", "numpy.genfromtxt", "numpy.ctypeslib"),
    *("yaml.load", "yaml.full_load", "yaml.unsafe_load", "yaml.UnsafeLoader", "yaml.FullLoader", "yaml.Loader"),
    *("requests", "ftplib", "xmlrpc"),
)
BUILTINS = ("eval", "exec", "compile", "__import__", "globals", "breakpoint")
METHODS = ("load_extension", "enable_load_extension", "register_custom_ops_library", "allow_pickle")
# What somebody has looked at: fixed commands and names, and the kind of an error.
ALLOWED = {
    "faces/finder.py": {"importlib.util.find_spec"},
    "origin.py": {"subprocess", "subprocess.run", "subprocess.CalledProcessError"},
    "serving/gallery/trial_postgres.py": {"subprocess", "subprocess.SubprocessError"},
}


def used_modules() -> list[Path]:
    """All modules of ours that the using half imports, also within functions, and those that these import."""
    found = set((ROOT / "serving").rglob("*.py"))
    waiting = list(found)
    while waiting:
        for path in imported(ast.parse(waiting.pop().read_text(encoding="utf-8"))):
            if path not in found:
                found.add(path)
                waiting.append(path)
    return sorted(found)


def imported(tree: ast.AST) -> Iterator[Path]:
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.startswith("twinlens."):
                place = ROOT.parent.joinpath(*name.split("."))
                yield from (path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file())


def forbidden_in(tree: ast.AST) -> set[str]:
    """What a module uses that it must not, by its full name, whatever it calls it."""
    names = aliases(tree)
    used = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    used |= set(names.values())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            used.add(full_name(node, names))
        if isinstance(node, ast.Name) and node.id in BUILTINS:
            found.add(node.id)
        if getattr(node, "attr", None) in METHODS or getattr(node, "arg", None) in METHODS:
            found.add(ast.unparse(node))
    return found | {name for name in used if is_forbidden(name)}


def aliases(tree: ast.AST) -> dict[str, str]:
    """What each imported name is in full."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
            found |= {name: name for alias in node.names if not alias.asname for name in [alias.name.partition(".")[0]]}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def full_name(node: ast.expr, names: dict[str, str]) -> str:
    """The dotted name of an expression that begins with something imported; empty if it is none."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = full_name(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def is_forbidden(name: str) -> bool:
    families = name.startswith(("os.exec", "os.spawn"))
    return families or any(name == each or name.startswith(f"{each}.") for each in FORBIDDEN)


@pytest.mark.parametrize("path", used_modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_the_using_half_can_run_what_it_reads(path: Path) -> None:
    found = forbidden_in(ast.parse(path.read_text(encoding="utf-8")))
    assert found == ALLOWED.get(str(path.relative_to(ROOT)), set())


def test_all_that_the_using_half_needs_is_looked_at() -> None:
    names = {str(path.relative_to(ROOT)) for path in used_modules()}
    assert {"serving/verifier.py", "serving/client/client.py", "serving/gallery/sqlite.py", "serving/service/app.py",
            "bundle.py", "images.py", "comparison.py", "files.py", "faces/finder.py", "runs.py"} <= names  # fmt: skip
    assert not [name for name in names if name.startswith("learning/")]


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads as read",
        "def f():\n    import joblib.numpy_pickle",
        "import numpy as n\nn.load('x')",
        "from numpy import load as l",
        "import numpy\nf = numpy.fromfile",
        "import yaml\nyaml.load(x, Loader=yaml.SafeLoader)",
        "from yaml import UnsafeLoader",
        "f(x, allow_pickle=True)",
        "eval('1')",
        "g = exec",
        "import builtins",
        "__import__('x')",
        "from importlib import import_module",
        "import os\nos.execv('x', [])",
        "from os import system",
        "import subprocess as s\ns.run([])",
        "connection.enable_load_extension(True)",
        "options.register_custom_ops_library('x')",
        "from concurrent.futures import ProcessPoolExecutor",
    ],
)
def test_whoever_looks_would_see_it(source: str) -> None:
    assert forbidden_in(ast.parse(source))


def watched(folder: Path, *options: str) -> dict[str, object]:
    """What a process in which hostile requests were made has to tell."""
    command = [sys.executable, "-m", "tests.serving.watched", str(folder), *options]
    shown = subprocess.run(command, cwd=ROOT.parents[1], capture_output=True, text=True, check=True).stdout
    result: dict[str, object] = json.loads(shown)
    return result


def test_no_request_opens_loads_imports_starts_or_calls_anything_that_it_names(tmp_path: Path) -> None:
    found = watched(tmp_path)
    asked = found.pop("asked")
    assert isinstance(asked, int)
    assert asked > 600
    assert found == {"seen": [], "faults": 0, "torch": []}


def test_whoever_watches_would_see_it(tmp_path: Path) -> None:
    seen = "\n".join(watched(tmp_path, "--misbehave")["seen"])  # type: ignore[call-overload]
    for word in ("the system opened", "open (", "pickle.find_class", "socket.connect", "import ('rlcompleter'",
                 "subprocess.Popen", "somebody was called"):  # fmt: skip
        assert word in seen, word


def in_place_of_a_model(folder: Path) -> None:
    bundle = small_bundle(folder / "bundle")
    (bundle.folder / "model.onnx").write_bytes(pickle.dumps(Canary()))
    find_model(bundle.folder)


def in_place_of_a_manifest(folder: Path) -> None:
    bundle = small_bundle(folder / "bundle")
    (bundle.folder / "manifest.json").write_bytes(pickle.dumps(Canary()))
    find_model(bundle.folder)


def opened(folder: Path) -> Gallery:
    return Gallery.open(folder / "gallery.db", Verifier.load(small_bundle(folder / "bundle").folder), create=True)


def in_place_of_a_gallery(folder: Path) -> None:
    (folder / "gallery.db").write_bytes(pickle.dumps(Canary()))
    opened(folder)


def in_place_of_an_export(folder: Path) -> None:
    with opened(folder) as gallery:
        gallery.import_(folder / "canary", "a long passphrase")


@pytest.mark.parametrize(
    "read",
    [
        *(in_place_of_a_model, in_place_of_a_manifest, in_place_of_a_gallery, in_place_of_an_export),
        lambda folder: read_image(folder / "canary"),
        lambda folder: read_key(folder / "canary"),
        lambda folder: Keyring(folder / "canary").listed(),
    ],
)
def test_a_pickle_in_place_of_a_file_is_refused_in_a_sentence(tmp_path: Path, read: Callable[[Path], object]) -> None:
    (tmp_path / "canary").write_bytes(pickle.dumps(Canary()))  # unpickled, it would end the tests
    with pytest.raises(TwinlensError):
        read(tmp_path)
