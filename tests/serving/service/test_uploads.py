"""Whatever is sent as a photo: no crash, no fault, bounded memory, no pickle, and no file that the caller names."""

import ast
import json
import resource
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import twinlens
from tests.hostile import KINDS, hostile_files
from tests.serving.service.made import Made, photo, service

SEED = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with service(tmp_path_factory.mktemp("service"), faces=True, max_pixels=4_000_000) as found:
        yield found


def test_hostile_files_are_refused_or_taken_and_nothing_breaks(made: Made) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    statuses: Counter[int] = Counter()
    for i, hostile in enumerate(hostile_files(SEED, 20 * len(KINDS), (photo(1), photo(1, form="JPEG")))):
        path, field = [("/v1/identify", "photo"), ("/v1/subjects/a/templates", "photos")][i % 2]
        answer = made.client.post(path, files=[(field, (f"{hostile.kind}.jpg", hostile.content))])
        assert answer.status_code in (200, 201, 409, 413, 422), (hostile.kind, i, answer.text)
        if answer.status_code >= 400:
            problem = answer.json()
            assert problem["remedy"]
            assert "Traceback" not in answer.text
            assert not any(word in problem["detail"] for word in ("/site-packages/", ".py", "0x")), problem["detail"]
        statuses[answer.status_code] += 1
    assert statuses[422] > 15 * len(KINDS)
    assert made.client.get("/readyz").status_code == 200
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 600_000  # kilobytes; the files themselves and what packs them are in it


def test_a_seed_gives_the_same_files_again() -> None:
    once, again = (list(hostile_files(1, 2 * len(KINDS))) for _ in range(2))
    assert once == again
    assert {each.kind for each in once} == set(KINDS)


WATCHED = """
import json, sys
from pathlib import Path
from tests.hostile import hostile_files
from tests.serving.service.made import photo, service, upload

folder = Path(sys.argv[1])
chosen = folder / "chosen-by-the-caller.png"
chosen.write_bytes(photo(1))
seen = []

def watch(event, arguments):
    if event == "open" and "chosen-by-the-caller" in str(arguments[0]):
        seen.append(["open", str(arguments[0])])
    elif event in ("pickle.find_class", "os.system", "subprocess.Popen"):
        seen.append([event, str(arguments[:2])])

with service(folder) as made:
    made.client.post("/v1/subjects/one/templates", files=upload(photos=photo(1)))  # everything is imported
    sys.addaudithook(watch)
    paths = [str(chosen), f"file://{chosen}", "../" * 20 + str(chosen), f"{chosen}\\0.png"]
    statuses = []
    for path in paths:
        right = photo(1)
        asks = [
            ("/v1/verify", {"files": [("first", (path, right)), ("second", (path, path.encode()))]}),
            ("/v1/verify", {"data": {"first": path, "second": path}, "files": [("x", ("x", b""))]}),
            ("/v1/verify", {"data": {"first": path}, "files": [("second", (path, right))]}),
            ("/v1/identify", {"files": [("photo", (path, path.encode()))]}),
            ("/v1/identify", {"json": {"photo": path}}),
            ("/v1/identify", {"params": {"photo": path}}),
            ("/v1/subjects/one/templates", {"files": [("photos", (path, path.encode()))], "data": {"source": path}}),
            ("/v1/subjects/one/templates", {"files": [("photos", (path, right))], "data": {"consent": path}}),
        ]
        statuses += [made.client.post(address, **ask).status_code for address, ask in asks]
        statuses.append(made.client.get("/v1/subjects/" + path.replace("\\0", "%00")).status_code)
        statuses.append(made.client.get("/static-offline-docs/" + path.replace("\\0", "%00")).status_code)
    for hostile in hostile_files(0, 150):
        statuses.append(made.client.post("/v1/identify", files=upload(photo=hostile.content)).status_code)
print(json.dumps({"seen": seen, "faults": sum(status >= 500 for status in statuses), "asked": len(statuses),
                  "torch": "torch" in sys.modules or "lightning" in sys.modules}))
"""


def test_no_request_unpickles_anything_or_opens_a_file_that_it_names(tmp_path: Path) -> None:
    root = Path(twinlens.__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(WATCHED), str(tmp_path)]
    shown = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert json.loads(shown) == {"seen": [], "faults": 0, "asked": 190, "torch": False}


FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "torch"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "load_extension", "enable_load_extension", "unsafe_load"}


def used_modules() -> list[Path]:
    root = Path(twinlens.__file__).parent
    folders = [path for folder in ("serving", "faces", "config") for path in (root / folder).rglob("*.py")]
    return folders + [root / f"{name}.py" for name in ("bundle", "comparison", "images", "files", "types", "runs")]


@pytest.mark.parametrize("path", used_modules(), ids=lambda path: path.stem)
def test_no_module_of_the_using_half_can_execute_what_it_reads(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & FORBIDDEN_MODULES
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in FORBIDDEN_MODULES
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                assert function.id not in FORBIDDEN_CALLS
            elif isinstance(function, ast.Attribute):
                owner = function.value.id if isinstance(function.value, ast.Name) else ""
                assert function.attr not in FORBIDDEN_CALLS - {"compile"}
                assert (owner, function.attr) not in {("np", "load"), ("numpy", "load"), ("yaml", "load")}
            assert not any(keyword.arg == "allow_pickle" for keyword in node.keywords)
