"""What commands on a gallery have in common: where it is, its key, its model, who asks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import BaseModel

    from twinlens.serving.gallery.archive import Secret
    from twinlens.serving.gallery.gallery import Gallery
    from twinlens.serving.gallery.keys import Key
    from twinlens.serving.gallery.search import SearchKind

Address = Annotated[
    str,
    typer.Option(
        "--gallery",
        "-g",
        metavar="FILE|DSN",
        envvar="TWINLENS_GALLERY",
        help="The gallery: a file, or postgresql://USER@HOST/DATABASE.",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Its key.",
        show_default="$TWINLENS_GALLERY_KEY, $TWINLENS_GALLERY_KEY_FILE, or FILE.key beside the gallery",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|BUNDLE|RUN",
        help="The model: one that comes with twinlens, or a folder.",
        show_default="the gallery's own, if it comes with twinlens; of a new one lfw-identities",
    ),
]
Face = Annotated[
    int | None,
    typer.Option(
        "--face",
        min=1,
        help="Which face of the photo, counted from 1, the largest first.",
        show_default="the one that stands out",
    ),
]
Search = Annotated[
    Literal["auto", "exact", "index"],
    typer.Option(
        help="Compare with every template, or with those that PostgreSQL's index holds for near; auto takes the index "
        "beyond 100,000 templates."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def open_keeping(address: str, key_file: Path | None) -> Gallery:
    """The gallery without a model, for what needs none."""
    from twinlens.serving.gallery.gallery import Gallery

    return Gallery.open(address, key=given_key(key_file), actor=user())


def open_recognising(
    address: str, key_file: Path | None, model: str | None, *, create: bool = False, search: SearchKind = "auto"
) -> Gallery:
    """The gallery with the model whose templates it holds.

    Raises:
        TwinlensError: There is no gallery, no model, or the one is not for the other.
    """
    from twinlens.serving.gallery.gallery import Gallery
    from twinlens.serving.gallery.opening import store_exists
    from twinlens.serving.models import DEFAULT
    from twinlens.serving.verifier import Verifier

    is_new = create and not store_exists(address)
    verifier = Verifier.load(model or (DEFAULT if is_new else _own_model(address)))
    gallery = Gallery.open(address, verifier, key=given_key(key_file), create=create, actor=user(), search=search)
    if is_new:
        _tell_of_new(address, key_file)
    return gallery


def open_importing(file: Path, secret: Secret, address: str, key_file: Path | None) -> Gallery:
    """The gallery that an exported file is to be added to; if there is none, one is made for what is in it.

    Raises:
        TwinlensError: The file is none or does not open, or the gallery cannot be opened.
    """
    from collections import deque

    from twinlens.serving.gallery.access import Content, make_vault
    from twinlens.serving.gallery.archive import read_archive, read_header
    from twinlens.serving.gallery.opening import store_exists

    header = read_header(file)
    if not store_exists(address):
        deque(read_archive(file, secret), maxlen=0)  # nothing is made for what does not open
        content = Content(header.model, header.fingerprint, header.dim)
        make_vault(address, given_key(key_file), user(), content).store.close()
        _tell_of_new(address, key_file)
    return open_keeping(address, key_file)


def say(lines: Iterable[str]) -> None:
    """Print lines as they come."""
    for line in lines:
        typer.echo(line)


def json_list(values: Iterable[BaseModel]) -> Iterator[str]:
    """Values as one list of JSON, a line each."""
    begun = False
    for value in values:
        yield f"{',' if begun else '['}{value.model_dump_json()}"
        begun = True
    yield "]" if begun else "[]"


def say_count(name: str, number: int, sentence: str, *, as_json: bool) -> None:
    """Print how many there were: as JSON, or in a sentence."""
    import json

    typer.echo(json.dumps({name: number}) if as_json else sentence)


def given_key(key_file: Path | None) -> Key | None:
    """The key that was given on the command line."""
    from twinlens.serving.gallery.keys import read_key

    return None if key_file is None else read_key(key_file)


def user() -> str:
    """Who is to be named in the log."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody is known by this number, as in some containers
        return f"user {os.getuid()}"


def _own_model(address: str) -> str:
    """The name of the model whose templates a gallery holds.

    Raises:
        GalleryError: It does not come with twinlens, so somebody has to say where it is.
    """
    from contextlib import closing

    from twinlens.errors import GalleryError
    from twinlens.serving.gallery.opening import open_store
    from twinlens.serving.models import shipped_models

    with closing(open_store(address)) as store:
        model = store.header().model
    if model not in shipped_models():
        raise GalleryError(
            f"The gallery holds templates of the model {model}, which does not come with twinlens.",
            "Say where it is: --model BUNDLE.",
        )
    return model


def _tell_of_new(address: str, key_file: Path | None) -> None:
    from twinlens.serving.gallery.access import gallery_file, shown_address
    from twinlens.serving.gallery.keys import KEY, KEY_FILE, key_beside

    typer.echo(f"Made the gallery {shown_address(address)}.", err=True)
    path = gallery_file(address)
    if path is not None and key_file is None and not os.environ.get(KEY) and not os.environ.get(KEY_FILE):
        typer.echo(
            f"Its key is in {key_beside(path)}. Keep it apart from the gallery and its backups, and do not lose it: "
            "without it nobody is found any more.",
            err=True,
        )
