"""``docs/results/README.md``: everything that was published, from the committed files alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from twinlens.errors import RunError
from twinlens.files import whole_folder, write_text
from twinlens.reporting import wording
from twinlens.reporting.compare.contenders import Contender, read_contender
from twinlens.reporting.compare.recipes import Recipe, group
from twinlens.reporting.compare.testing import RESAMPLES
from twinlens.reporting.results.ablation import read_studies
from twinlens.reporting.results.ablation_text import (
    study_commands,
    study_figure,
    study_summary,
    study_table,
    study_terms,
    study_title,
)
from twinlens.reporting.results.chapters import Chapter, Told, chapters, tell
from twinlens.reporting.results.imported import read_imported
from twinlens.reporting.results.leak import leak_finding, leak_table
from twinlens.reporting.results.omniglot import (
    PAPER,
    PAPER_ONESHOT,
    beside_the_paper,
    official_table,
    omniglot_table,
)
from twinlens.reporting.results.publish import is_tested, published
from twinlens.reporting.results.recipe_file import commands
from twinlens.reporting.results.rows import anchor
from twinlens.reporting.results.table import results_table
from twinlens.reporting.results.versus import BASELINE
from twinlens.reporting.results.view2 import view2_table
from twinlens.reporting.sweep.sentences import caveats, importance_sentence, verdict
from twinlens.reporting.sweep.stored import read_sweep_result
from twinlens.types import Interval

LEAKING = "koch2015-lfw-leaky"
FIGURES = "figures"
_VIEW1 = "lfw-view1"


@dataclass(frozen=True)
class Page:
    """The page and its figures, not yet written.

    Attributes:
        text: Markdown.
        figures: SVG by file name, for the folder ``figures`` beside the page.
    """

    text: str
    figures: dict[str, str]


@dataclass(frozen=True)
class Leak:
    """Recipes whose validation leaks, beside one whose validation does not.

    Attributes:
        table: Markdown.
        finding: What the two together show; empty where there is but one.
        told: What is said about those that leak.
    """

    table: str
    finding: str
    told: tuple[Told, ...]


def write_page(folder: Path) -> Path:
    """Write ``README.md`` and its figures into the folder of all published results; errors as :func:`make_page`."""
    page = make_page(folder)
    with whole_folder(folder / FIGURES, replace=True) as temporary:
        for name, svg in page.figures.items():
            write_text(temporary / name, svg)
    path = folder / "README.md"
    write_text(path, page.text)
    return path


def make_page(folder: Path) -> Page:
    """Make the page from the published results.

    Raises:
        RunError: There are none, or one cannot be read.
        ConfigError: The recipe of one has keys that this version does not know.
    """
    runs = [read_contender(path) for path in published(folder)]
    if not runs:
        raise RunError(f"There is no result in {folder}.", "Publish a run first: twinlens results publish RUN.")
    tested = {run.folder.name: run for run in runs if run.result.test is not None}
    view1 = [run for run in tested.values() if _is_view1(run) and not run.result.provenance.leaks]
    told = chapters(group(view1))
    characters = [tell(*_alone(tested[name])) for name in PAPER if name in tested]
    leak = _leak(tested)
    studies, alone = read_studies(folder)
    text = (
        _environment()
        .get_template("results.md.j2")
        .render(
            chapters=told,
            baseline=BASELINE,
            resamples=RESAMPLES,
            leak=leak,
            leaking=LEAKING,
            characters=[(one, beside_the_paper(tested[one.label])) for one in characters],
            paper_oneshot=PAPER_ONESHOT,
            sweeps=_sweeps(folder / "sweeps"),
            studies=studies,
            untested=[run.folder.name for run in runs if not is_tested(run.result)] + alone,
            figures=FIGURES,
            **_tables(folder, runs, tested),
        )
    )
    figures = _figures(told, [*characters, *(leak.told if leak else ())])
    return Page(text, figures | {f"ablation-{study.base.name}.svg": study_figure(study) for study in studies})


def _tables(folder: Path, runs: Sequence[Contender], tested: Mapping[str, Contender]) -> dict[str, object]:
    """What the template shows of everything but LFW's View 1."""
    imported = read_imported(folder)
    retrained = [run for run in runs if run.result.view2]
    others = [run for name, run in tested.items() if not _is_view1(run) and name not in PAPER]
    return {
        "view2": view2_table([run.result for run in retrained], imported),
        "view2_commands": _commands(retrained),
        "omniglot": omniglot_table(tested),
        "official": official_table(run for run in tested.values() if run.result.name not in PAPER),
        "imported": imported,
        "elsewhere": results_table((), imported) if imported else "",
        "others": results_table([run.result for run in others]) if others else "",
        "others_commands": _commands(others),
    }


def _commands(runs: Sequence[Contender]) -> list[str]:
    return [line for run in runs for line in commands(run.result, run.folder)]


def _alone(run: Contender) -> tuple[Recipe, Interval]:
    """A run that is held against nothing."""
    assert run.result.test is not None
    (recipe,) = group([run])
    return recipe, run.result.test.accuracy


def _is_view1(run: Contender) -> bool:
    return run.result.test is not None and run.result.test.protocol == _VIEW1


def _leak(tested: Mapping[str, Contender]) -> Leak | None:
    """Nothing, unless a recipe that leaks was run."""
    leaking = [run for run in tested.values() if _is_view1(run) and run.result.provenance.leaks]
    if not leaking:
        return None
    honest = [tested[BASELINE].result] if BASELINE in tested else []
    return Leak(
        table=leak_table([*honest, *(run.result for run in leaking)]),
        finding=leak_finding(honest[0], leaking[0].result) if honest else "",
        told=tuple(tell(*_alone(run)) for run in leaking),
    )


def _sweeps(folder: Path) -> dict[str, str]:
    """What each published sweep came to, by its name."""
    found = {path.parent.name: read_sweep_result(path.parent) for path in sorted(folder.glob("*/sweep.json"))}
    return {name: " ".join([verdict(one), *caveats(one), importance_sentence(one)]) for name, one in found.items()}


def _figures(told: Sequence[Chapter], others: Sequence[Told]) -> dict[str, str]:
    recipes = [*others, *(recipe for chapter in told for recipe in chapter.recipes)]
    overviews = {chapter.figure_name: chapter.figure for chapter in told}
    return overviews | {recipe.figure_name: recipe.figure for recipe in recipes}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("twinlens.reporting"),
        autoescape=False,  # noqa: S701 - this is Markdown, of files that are committed
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    studies = (study_title, study_terms, study_table, study_summary, study_commands)
    environment.filters |= wording.FILTERS | {"anchor": anchor} | {one.__name__: one for one in studies}
    return environment
