"""Where a gallery on a PostgreSQL server is: a URI as libpq knows it, and the schema, which ``?schema=`` names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from twinlens.errors import GalleryError

_SCHEMES = ("postgresql://", "postgres://")
_SCHEMA = "twinlens"
# Seconds until a server that has vanished without a word is given up; the system's own patience is hours.
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """One gallery on a server.

    Attributes:
        conninfo: What libpq connects by; may hold a password, so it is never shown.
        schema: The gallery's own.
        shown: What errors call it: no user, no password, no options.
    """

    conninfo: str = field(repr=False)
    schema: str
    shown: str

    @classmethod
    def parse(cls, address: str) -> PostgresAddress:
        """Read a URI.

        Raises:
            GalleryError: The name of the schema is none that needs no quotes.
        """
        place, _, query = address.partition("?")
        options = [option.partition("=") for option in query.split("&") if option]
        schemas = [unquote(value) for name, _, value in options if name == "schema"]
        others = "&".join("".join(option) for option in options if option[0] != "schema")
        schema = schemas[-1] if schemas else _SCHEMA
        if not re.fullmatch("(?!pg_)[a-z_][a-z0-9_]{0,62}", schema):
            raise GalleryError(
                f"{schema!r} is no name for a gallery's schema.", "Take lower-case letters, digits and underscores."
            )
        shown = f"{shown_dsn(address)}{f'?schema={schema}' if schemas else ''}"
        return cls(f"{place}?{others}" if others else place, schema, shown)

    def parameters(self) -> dict[str, Any]:
        """What to connect with.

        Raises:
            GalleryError: The URI is malformed.
        """
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict

        try:
            given = conninfo_to_dict(self.conninfo)
        except ProgrammingError:
            # What the driver says quotes the part it does not like, which may be the password.
            raise GalleryError(
                f"The address {self.shown} cannot be read.",
                "Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, and %40, %2F, %20 for @, / and a space.",
            ) from None
        return {"application_name": "twinlens", **_PATIENCE, **given}


def is_dsn(address: str | Path) -> bool:
    """Whether an address means a PostgreSQL server; else it means a file."""
    return str(address).startswith(_SCHEMES)


def shown_dsn(address: str) -> str:
    """A URI without user, password and options, also where a character in them should have been escaped."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
