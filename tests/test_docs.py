"""What the documentation says is what there is."""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import yaml
from tools import cli_reference, config_reference

from twinlens.cli.main import app
from twinlens.config import (
    Config,
    augmentation,
    base,
    data,
    load_config,
    losses,
    networks,
    optimisation,
    refinement,
    sections,
    sizing,
    training,
)
from twinlens.config.base import Section
from twinlens.config.load_sweep import load_sweep
from twinlens.data.lfw import read_lfw
from twinlens.data.protocols import make_partition
from twinlens.data.sources import locate_lfw

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), DOCS / "results" / "README.md", *sorted(DOCS.parent.glob("*.md"))]
GUIDE = ("guide.md", "data.md", "learn.md", "sweeps.md", "know.md", "use.md")
STALE = "docs/{} is out of date; run: make docs"


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The blocks of one language on the guide's pages."""
    return [block for page in GUIDE for block in re.findall(rf"```{language}\n(.*?)```", text(page), re.DOTALL)]


def test_configuration_is_up_to_date() -> None:
    assert text("configuration.md") == config_reference.reference(), STALE.format("configuration.md")


def test_commands_are_up_to_date() -> None:
    assert text("commands.md") == cli_reference.reference(), STALE.format("commands.md")


def section_classes() -> list[type[Section]]:
    modules = (augmentation, base, data, losses, networks, optimisation, refinement, sections, sizing, training)
    values = [value for module in modules for value in vars(module).values()]
    return list({value: None for value in values if isinstance(value, type) and issubclass(value, Section)})


@pytest.mark.parametrize("section", section_classes())
def test_every_key_has_a_row_or_is_a_heading(section: type[Section]) -> None:
    for key in section.model_fields.keys() - {"kind"}:
        assert re.search(rf"^(\| `[\w.]*\b{key}\b[\w.]*` \||## {key}$)", text("configuration.md"), re.MULTILINE), key


def test_defaults_in_the_table_are_those_in_force() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \|[^|]+\| `(.+?)` \|", text("configuration.md"), re.MULTILINE)
    table = dict(reversed(rows))  # the default kind comes first
    config = Config(name="plain").model_dump(mode="json")
    sections_of_one_kind = ("split", "frame", "network", "training", "evaluation")
    expected = {key: value for section in sections_of_one_kind for key, value in leaves(config[section], section)}
    del expected["network.kind"]  # a heading
    assert {key: yaml.safe_load(table[key]) for key in expected} == expected


def leaves(values: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}.{key}")
        else:
            yield f"{prefix}.{key}", value


def commands() -> list[list[str]]:
    """Every call of twinlens in the guide."""
    lines = "".join(blocks("sh")).replace("\\\n", "").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("twinlens ")]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_commands_in_the_guide_exist_with_their_options(arguments: list[str]) -> None:
    words = [word for word in arguments if word != ">"]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {option: parameter for parameter in command.params for option in parameter.opts}
    for i, word in enumerate(words):
        if word.startswith("-"):
            assert word in known
        elif i and words[i - 1] == "--set":
            assert "=" in word


def trainings() -> list[list[str]]:
    return [words for words in commands() if words[0] == "train" and not words[1].endswith(".yaml")]


@pytest.mark.parametrize("arguments", trainings(), ids=" ".join)
def test_trainings_in_the_guide_name_recipes_and_keys_that_exist(arguments: list[str]) -> None:
    overrides = [word for before, word in pairwise(arguments) if before == "--set"]
    load_config(arguments[1], overrides)


@pytest.mark.parametrize("recipe", blocks("yaml"), ids=lambda recipe: str(yaml.safe_load(recipe)["name"]))
def test_recipes_in_the_guide_are_recipes(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    (load_sweep if "vary" in yaml.safe_load(recipe) else load_config)(tmp_path / "recipe.yaml")


@pytest.mark.parametrize("arguments", [words for words in commands() if words[0] == "sweep"], ids=" ".join)
def test_sweeps_in_the_guide_can_be_begun(arguments: list[str]) -> None:
    load_sweep(arguments[1], vary=[word for before, word in pairwise(arguments) if before == "--vary"])


def anchors(page: Path) -> set[str]:
    """What the headings are called in links, as GitHub has it."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS.parent)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
        other = page.parent / target if target else page
        assert other.exists(), target
        assert not anchor or anchor in anchors(other), f"{target}#{anchor}"


@pytest.mark.parametrize("page", ["concepts.md", *GUIDE])
def test_files_of_the_repository_that_are_named_exist(page: str) -> None:
    named = re.findall(r"`((?:tests|src)/[\w/.]+)`", text(page))
    assert [name for name in named if not (DOCS.parent / name).exists()] == []


@pytest.mark.lfw
def test_pairs_that_the_thresholds_of_quick_rest_on(
    data_folder: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_CACHE", str(shared_cache))
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    dataset = read_lfw(locate_lfw())
    validation = make_partition(load_config("quick"), dataset).validation.samples
    codes = dataset.subject_codes[validation]
    impostors = int(np.triu(codes[:, None] != codes).sum())
    words = " ".join(text("concepts.md").split())
    assert f"has {len(validation)} validation photos of View 1, which give {impostors:,} such pairs" in words
    assert 30_000 < impostors < 300_000  # enough for 0.1 %, not for 0.01 %
