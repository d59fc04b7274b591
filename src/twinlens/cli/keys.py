"""``twinlens keys``: who may ask the service for what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from twinlens.serving.service.keys import ApiKey, Keyring, Scope

app = typer.Typer(help="Make, list and revoke the keys of the service.", no_args_is_help=True)

KeysFile = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar="FILE",
        envvar="TWINLENS_SERVE_KEYS",
        help="Where the keys are.",
        show_default="keys.json in the user's configuration",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom the key is for; stands in logs.")],
    scope: Annotated[
        list[str], typer.Option(metavar="read|enrol|admin", help="What it allows; may be given several times.")
    ],
    days: Annotated[float | None, typer.Option(min=0, help="Until it expires.", show_default="it does not")] = None,
    keys: KeysFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: the only time that anybody sees it.

    read: verify, identify, ask which model decides. enrol: enrol, list and remove subjects. admin: look at the audit
    log and the metrics. None includes another.
    """
    import json

    key = _keyring(keys).create(name, _scopes(scope), _expiry(days))
    if as_json:
        typer.echo(json.dumps({"name": name, "key": key}))
    else:
        typer.echo(key)
        typer.echo("Keep it now: it is stored nowhere.", err=True)


@app.command("list")
def list_command(keys: KeysFile = None, as_json: AsJson = False) -> None:
    """List all keys that were ever made: for whom, with which scopes, and whether they are valid."""
    import json
    from datetime import UTC, datetime

    now, ring = datetime.now(UTC), _keyring(keys)
    if as_json:
        found = [key.model_dump(mode="json", exclude={"digest"}) | {"state": key.state(now)} for key in ring.listed()]
        typer.echo(json.dumps(found, indent=1))
    elif not ring.listed():
        typer.echo(f"{ring.path} holds no key, so only programs on this machine are served.")
    else:
        _print_table(ring.listed(), now)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key lets in no more.")], keys: KeysFile = None
) -> None:
    """Revoke a key; a running service refuses it from the next request on."""
    _keyring(keys).revoke(name)
    typer.echo(f"The key {name} lets nobody in any more.")


def _keyring(path: Path | None) -> Keyring:
    from twinlens.serving.service.keys import Keyring, default_path

    return Keyring(path or default_path())


def _scopes(names: list[str]) -> list[Scope]:
    from twinlens.errors import ServiceError
    from twinlens.serving.service.keys import Scope

    unknown = [name for name in names if name not in set(Scope)]
    if unknown:
        raise ServiceError(f"There is no scope {unknown[0]!r}.", f"There are {', '.join(Scope)}.")
    return [Scope(name) for name in names]


def _expiry(days: float | None) -> datetime | None:
    from datetime import UTC, datetime, timedelta

    from twinlens.errors import ServiceError

    try:
        return None if days is None else datetime.now(UTC) + timedelta(days=days)
    except OverflowError as error:
        raise ServiceError(f"{days:g} days are too many.", "Leave --days out for a key that never expires.") from error


def _print_table(keys: tuple[ApiKey, ...], now: datetime) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("name", "scopes", "state", "made", "expires"):
        table.add_column(heading)
    for key in keys:
        expires = "never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d}"
        table.add_row(key.name, " ".join(key.scopes), key.state(now), f"{key.created_at:%Y-%m-%d}", expires)
    Console().print(table)
