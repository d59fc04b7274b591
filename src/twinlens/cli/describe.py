"""``twinlens data describe``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twinlens.config import Config
    from twinlens.config.data import DataConfig
    from twinlens.data.dataset import Partition
    from twinlens.data.description import Description


def describe_command(
    target: Annotated[
        str,
        typer.Argument(
            metavar="NAME|RECIPE|FOLDER|CSV",
            help="lfw (its View 1), omniglot or synthetic; a recipe; a folder of folders, one per subject; a CSV "
            "of pairs.",
        ),
    ],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole analysis as JSON.")] = False,
    sheet: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Write a contact sheet.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write plots that open offline.")] = None,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave out images that cannot be read.")] = False,
) -> None:
    """Say what a dataset holds: images, subjects, pairs, what its parts share, duplicates, known errors.

    Of a recipe these are the parts that train, validate and test, and what so much data can say: how wide the interval
    of the accuracy will be, and which false match rates it bears. Of anything else it is what is there before a part
    is kept for validation. In the JSON, parts.train.size and parts.test.size have the images, subjects and pairs,
    shared has what two parts have in common, official has LFW View 1 as its own lists give it, sized what automatic
    sizing makes of the recipe, and prospects what the figures will be able to say.
    """
    from twinlens.errors import ConfigError
    from twinlens.files import write_text

    if sheet is not None and sheet.suffix.lower() != ".png":
        raise ConfigError(f"--sheet {sheet} is no PNG file.", "Give a name that ends in .png.")
    description, partition = _analyse(target, overrides or (), skip_broken=skip_broken)
    if sheet is not None:
        _write_sheet(partition, sheet)
    if plot is not None:
        write_text(plot, _page(description))
    if as_json:
        typer.echo(description.model_dump_json(indent=1))
    else:
        from twinlens.cli.description import print_description

        print_description(description)


def _analyse(target: str, overrides: Iterable[str], *, skip_broken: bool) -> tuple[Description, Partition]:
    from twinlens.config import Config, Frame
    from twinlens.data.datasets import open_dataset
    from twinlens.data.describe import describe, lists_of
    from twinlens.data.store import open_store
    from twinlens.data.uncut import uncut

    found = _find(target, overrides)
    if isinstance(found, Config):
        return _analyse_recipe(found, skip_broken=skip_broken)
    store = open_store(open_dataset(found), Frame(), skip_broken=skip_broken)
    partition = uncut(found, store.dataset, store.broken)
    return describe(partition, store, lists_of(found)), partition


def _analyse_recipe(recipe: Config, *, skip_broken: bool) -> tuple[Description, Partition]:
    """The parts that a recipe makes, and what they bear."""
    from twinlens.data.describe import describe, lists_of
    from twinlens.evaluation.prospects import prospects
    from twinlens.workflow.preparation import prepare
    from twinlens.workflow.sizing import resolve

    config, sized = resolve(recipe)
    prepared = prepare(config, skip_broken=skip_broken)
    description = describe(prepared.partition, prepared.store, lists_of(config.data))
    expected = prospects(prepared.partition, config.evaluation, config.seed)
    return description.model_copy(update={"sized": sized, "prospects": expected}), prepared.partition


def _find(target: str, overrides: Iterable[str]) -> Config | DataConfig:
    """What is meant: a recipe, if nothing else; else a dataset's name, a folder or a list of pairs."""
    data = _data(target)
    if data is None:
        from twinlens.config import load_config

        return load_config(target, overrides)
    if overrides:
        from twinlens.errors import ConfigError

        raise ConfigError(
            f"--set changes a recipe, and {target} is none.",
            "Describe a recipe: twinlens data describe own-faces --set data.root=PHOTOS.",
        )
    return data


def _data(target: str) -> DataConfig | None:
    """The data that is meant, unless it is that of a recipe."""
    from twinlens.config.data import FolderData, LfwData, OmniglotData, PairsData, SyntheticData
    from twinlens.errors import ConfigError

    named: dict[str, DataConfig] = {"lfw": LfwData(), "omniglot": OmniglotData(), "synthetic": SyntheticData()}
    if target in named:
        return named[target]
    path = Path(target)
    if path.is_dir():
        return FolderData(root=path)
    if path.suffix.lower() == ".csv":
        return PairsData(list=path)
    if path.is_file() and path.suffix.lower() not in (".yaml", ".yml"):
        raise ConfigError(f"{path} is neither a recipe (.yaml) nor a list of pairs (.csv).", "Unpack an archive first.")
    if not path.exists() and len(path.parts) > 1:
        raise ConfigError(f"There is no folder or file {path}.", "Check the path.")
    return None


def _write_sheet(partition: Partition, path: Path) -> None:
    import numpy as np

    from twinlens.data.sheet import contact_sheet, one_of_each
    from twinlens.files import whole_file

    parts = (partition.train, partition.validation, partition.test)
    samples = np.unique(np.concatenate([part.samples for part in parts]))
    sheet = contact_sheet(partition.dataset, one_of_each(partition.dataset, samples))
    with whole_file(path) as temporary:
        sheet.save(temporary, "PNG")


def _page(description: Description) -> str:
    """A page with the figures of the report's data section, that needs nothing but itself."""
    from html import escape

    from plotly.offline import get_plotlyjs

    from twinlens.reporting.figures.data import data_charts

    title = f"{description.dataset} {description.variant}".strip()
    figures = [
        f"<figure><h2>{escape(chart.title)}</h2>"
        f"{chart.figure.to_html(full_html=False, include_plotlyjs=False)}"
        f"<figcaption>{escape(chart.text)}</figcaption></figure>"
        for chart in data_charts(description)
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        "<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; "
        "color: #1B2430 } figure { margin: 2rem 0 } figcaption { color: #5B6675 }</style>"
        f"<script>{get_plotlyjs()}</script></head>\n<body><h1>{escape(title)}</h1>\n{''.join(figures)}\n"
        "</body></html>\n"
    )
