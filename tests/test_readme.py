"""What the README shows is what there is."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.workflow.conftest import TINY
from twinlens.config import dump_recipe, parse_config, recipe_names

README = Path(__file__).parents[1] / "README.md"
SYNTHETIC = {"kind": "synthetic", "subjects": 40, "per_subject": 4, "test_pairs": 60}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.slow
def test_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_cache: Path) -> None:
    """As it stands, but for a recipe that takes seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    values = {**TINY, "data": SYNTHETIC, "split": {"validation": 0.3}}
    (tmp_path / "tiny.yaml").write_text(dump_recipe(parse_config({"name": "quick", **values}, "tiny")))
    (example,) = blocks("python")
    for name in ("first.jpg", "second.jpg"):
        Image.new("RGB", (250, 250), (180, 150, 130)).save(tmp_path / name)
    exec(compile(example.replace('"quick"', '"tiny.yaml"'), "README.md", "exec"), {})
    assert (tmp_path / "runs" / "python" / "report.html").is_file()


def test_recipes_that_are_named_exist() -> None:
    named = re.findall(r"twinlens train ([a-z0-9-]+)", README.read_text(encoding="utf-8"))
    assert named
    assert set(named) <= set(recipe_names())


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)", README.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (README.parent / target).exists()] == []
