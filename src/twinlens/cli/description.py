"""A dataset's analysis as tables in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from twinlens.data.description import Description, Most, PartDescription, Shared, Size, Spread
from twinlens.reporting.advice import Advice, advise, sizing_lines

_SHOWN = 12  # lines of a list before it is cut short; the JSON has them all
_GROUPS = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, 50), (51, None))


def print_description(description: Description) -> None:
    """Print the analysis on standard output, with red for what makes figures untrue."""
    console = Console(highlight=False)
    edition = f" ({description.variant})" if description.variant else ""
    console.print(Text(f"{description.dataset}{edition}, {description.protocol}", style="bold"))
    console.print(Text(f"{description.images:,} images of {description.subjects:,} subjects in all.\n"))
    console.print(_parts(description))
    console.print(_per_subject(description))
    if description.shared:
        console.print(_shared(description.shared))
    for line in _remarks(description):
        console.print(line, soft_wrap=True)
    if description.sized:
        console.print(Text("\nSized to the amount of data; a key that is given stays:", style="bold"))
        for key in sizing_lines(description.sized):
            console.print(Text(f"  {key}"), soft_wrap=True)
    if description.prospects is not None:
        sizes = {name: part.size for name, part in description.parts.items()}
        console.print(_bears(advise(description.prospects, sizes)))


def _parts(description: Description) -> Table:
    parts = description.parts
    table = _table("Parts", "", *parts)
    rows: dict[str, Callable[[PartDescription], str]] = {
        "images": lambda part: f"{part.size.images:,}",
        "subjects": lambda part: f"{part.size.subjects:,}",
        "pairs": lambda part: f"{part.size.pairs:,}",
        "  genuine (same subject)": lambda part: f"{part.size.genuine_pairs:,}",
        "  impostor (two subjects)": lambda part: f"{part.size.impostor_pairs:,}",
        "most images of one subject": lambda part: _most(part.per_subject.most_images),
        "most genuine pairs of one": lambda part: _most(part.per_subject.most_genuine_pairs),
        "brightness (middle 90 %)": lambda part: _spread(part.brightness),
        "sharpness (middle 90 %)": lambda part: _spread(part.sharpness),
        "exact duplicates (same file)": lambda part: f"{part.exact_duplicates:,}",
        "near-duplicates (same picture)": lambda part: f"{part.near_duplicates:,}",
        "photos with known errors": lambda part: f"{len(part.errata):,}" if description.errata_known else "-",
    }
    for title, cell in rows.items():
        table.add_row(title, *(Text(cell(part)) for part in parts.values()))
    return table


def _per_subject(description: Description) -> Table:
    """How many subjects have how many images."""
    parts = description.parts.values()
    table = _table("Subjects by their number of images", "images of one subject", *description.parts)
    for low, high in _GROUPS:
        counts = [
            sum(subjects for images, subjects in part.per_subject.distribution if low <= images <= (high or images))
            for part in parts
        ]
        if any(counts):
            title = f"{low}" if low == high else f"{low} to {high}" if high else f"{low} or more"
            table.add_row(title, *(f"{count:,}" for count in counts))
    medians = (f"{part.per_subject.median:g}" for part in parts)
    table.add_row("median", *medians, style="dim")
    return table


def _shared(shared: tuple[Shared, ...]) -> Table:
    table = _table("In both parts (all should be 0)", "", *(f"{row.first}, {row.second}" for row in shared))
    rows: dict[str, Callable[[Shared], int]] = {
        "subjects": lambda row: row.subjects,
        "images": lambda row: row.images,
        "pairs with a shared subject": lambda row: row.touched_pairs,
        "exact duplicates (same file)": lambda row: row.exact_duplicates,
        "near-duplicates (same picture)": lambda row: row.near_duplicates,
    }
    for title, value in rows.items():
        table.add_row(title, *(_alarm(value(row)) for row in shared))
    return table


def _remarks(description: Description) -> Iterator[Text]:
    for row in description.shared:
        if row.subjects:
            yield Text(
                f"LEAK: {row.first} and {row.second} share {row.subjects:,} subjects. In {row.touched_pairs:,} of "
                f"{description.parts[row.second].size.pairs:,} {row.second} pairs occurs a subject of {row.first}, "
                f"so figures on {row.second} are too good.",
                style="bold red",
            )
    if description.dropped_pairs:
        yield Text(f"Left out: {description.dropped_pairs:,} pairs that straddle training and validation.")
    if description.broken:
        yield Text(
            f"Skipped {len(description.broken):,} broken images, and {description.broken_pairs:,} pairs with them:",
            style="yellow",
        )
        yield from _some(Text(f"  {name}") for name in description.broken)
    if description.duplicates:
        yield Text("Duplicates, with the part of each photo (red across parts):")
        yield from _some(_duplicates(description))
    errata = [(name, erratum) for name, part in description.parts.items() for erratum in part.errata]
    if errata:
        yield Text("Known errors, scored as listed:")
        yield from _some(Text(f"  {name}: {erratum.image}: {erratum.text}") for name, erratum in errata)
    if description.official:
        train, test = _words(description.official.train), _words(description.official.test)
        both = f"{description.official.shared_subjects} people and {description.official.shared_images} images in both"
        yield Text(f"View 1 by its lists: {train} to train, {test} to test, {both}.")


def _bears(advice: list[Advice]) -> Table:
    """What the parts of a recipe bear; what they do not is yellow."""
    table = Table.grid(padding=(0, 2))
    table.title, table.title_style, table.title_justify = "\nWhat so much data can say", "bold", "left"
    for one in advice:
        table.add_row(one.topic, one.text, style="yellow" if one.too_little else "")
    return table


def _duplicates(description: Description) -> Iterator[Text]:
    for twin in description.duplicates:
        sign = "=" if twin.exact else "≈"
        line = f"  {twin.first} {sign} {twin.second} ({twin.first_part}; {twin.second_part})"
        yield Text(line, style="" if twin.first_part == twin.second_part else "red")


def _some(lines: Iterator[Text]) -> Iterator[Text]:
    every = list(lines)
    yield from every[:_SHOWN]
    if len(every) > _SHOWN:
        yield Text(f"  and {len(every) - _SHOWN:,} more (see --json)", style="dim")


def _table(title: str, first: str, *columns: str) -> Table:
    return Table(
        Column(first, no_wrap=True),
        *(Column(name, justify="right") for name in columns),
        title=title,
        title_justify="left",
        title_style="bold",
    )


def _most(most: Most | None) -> str:
    return f"{most.count:,} ({most.subject_id})" if most else "-"


def _spread(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.p05:.2f} to {spread.p95:.2f})"


def _alarm(value: int) -> Text:
    return Text(f"{value:,}", style="bold red" if value else "green")


def _words(size: Size) -> str:
    return f"{size.pairs:,} pairs, {size.images:,} images and {size.subjects:,} people"
