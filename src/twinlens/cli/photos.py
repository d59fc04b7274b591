"""Options of every command that takes two photos."""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|BUNDLE|RUN",
        help="The model: one that comes with twinlens, or a folder.",
        show_default="lfw-identities",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--fmr", help="Decide at the threshold for this false match rate, e.g. 0.01.", show_default="at even odds"
    ),
]
Prior = Annotated[float, typer.Option(help="Probability of a match before looking, between 0 and 1.")]
Faces = Annotated[
    tuple[int, int],
    typer.Option(
        "--face",
        metavar="N N",
        help="Which face of A and which of B, counted from 1, the largest first; 0 for the one that stands out.",
        show_default="0 0",
    ),
]
Aligned = Annotated[
    bool, typer.Option("--aligned", help="The photos lie in LFW's frame already; no face is looked for.")
]


def chosen_faces(numbers: tuple[int, int]) -> tuple[int | None, int | None]:
    """Which faces are meant, none where the one that stands out is."""
    first, second = numbers
    return first or None, second or None
