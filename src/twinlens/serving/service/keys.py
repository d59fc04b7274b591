"""API keys: who may ask the service for what.

They lie in one JSON file that is written whole under a lock and read again as soon as it has changed, so that a key
that is revoked on the command line is refused by a running service with the next request. The file can lie on a
read-only file system and be copied to other machines like any configuration.

A key is 256 random bits, so its plain SHA-256 is as good as a slow password hash: nobody guesses it, however fast.
The file therefore holds nothing that lets anybody in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_config_path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from twinlens.errors import ServiceError
from twinlens.files import write_text
from twinlens.locks import locked

# What a key begins with, so that a scanner of repositories and logs can tell one when it sees it.
PREFIX = "twinlens_"

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class Scope(StrEnum):
    """What a key allows; none includes another.

    Attributes:
        READ: Verify, identify, and ask which model decides.
        ENROL: Enrol and remove subjects, and list them.
        ADMIN: Look at the audit log and the metrics; it changes nothing.
    """

    READ = "read"
    ENROL = "enrol"
    ADMIN = "admin"


class ApiKey(BaseModel):
    """What is kept of a key.

    Attributes:
        name: Whom it was given to; stands in logs and in the audit log, so it is never given twice.
        digest: SHA-256 of the key, 64 hex digits.
        scopes: What it allows.
        created_at: When, in UTC.
        expires_at: When it ends, in UTC; never if ``None``.
        revoked_at: When it was revoked, in UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Name
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: tuple[Scope, ...]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None

    def state(self, now: datetime) -> Literal["valid", "expired", "revoked"]:
        """Whether it still lets in."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "valid"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[1] = 1
    keys: tuple[ApiKey, ...] = ()


class Keyring:
    """The keys in a file; several threads and processes may share it.

    Args:
        path: The file; missing, it holds no key.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[ApiKey, ...] = ()
        self._ever_locked = False

    def listed(self) -> tuple[ApiKey, ...]:
        """All that were ever created, in that order.

        Raises:
            ServiceError: The file cannot be read or is no file of keys.
        """
        stamp = self._stamp()
        if stamp is None:
            return ()
        if stamp != self._seen:
            self._keys = _read(self.path)
            self._seen = stamp
        return self._keys

    def is_open(self) -> bool:
        """Whether no key was ever created, so that none can be asked for.

        Once there was one it stays false, for as long as the process lives: neither a revoked last key nor a lost file
        opens a service that runs.
        """
        self._ever_locked = self._ever_locked or bool(self.listed())
        return not self._ever_locked

    def is_missing(self) -> bool:
        """Whether there is no file."""
        return self._stamp() is None

    def find(self, key: str, now: datetime) -> ApiKey | None:
        """The valid key that was given, in a time that does not tell how near a wrong one is."""
        digest = _digest(key)
        found = None
        for each in self.listed():
            if hmac.compare_digest(each.digest, digest):
                found = each
        return found if found is not None and found.state(now) == "valid" else None

    def create(self, name: str, scopes: Collection[Scope], expires_at: datetime | None = None) -> str:
        """Make a key; this is the only time that anybody sees it.

        Raises:
            ServiceError: The name is taken or no name, there is no scope, or the time is over already.
        """
        key, now = PREFIX + secrets.token_urlsafe(32), datetime.now(UTC)
        if not scopes:
            raise ServiceError("A key without a scope allows nothing.", f"Give one or more of {', '.join(Scope)}.")
        if expires_at is not None and expires_at <= now:
            raise ServiceError(f"{expires_at:%Y-%m-%d %H:%M} UTC is over already.", "Give a time in the future.")
        try:
            made = ApiKey(
                name=name,
                digest=_digest(key),
                scopes=tuple(scope for scope in Scope if scope in scopes),
                created_at=now,
                expires_at=expires_at,
            )
        except ValidationError as error:
            raise ServiceError(
                f"{name!r} is no name for a key.", "Take up to 64 letters, digits, dots, dashes and underscores."
            ) from error
        with locked(self._lock):
            if any(each.name == name for each in self.listed()):
                raise ServiceError(f"There was a key {name!r} already.", "Take another name, so that logs stay clear.")
            self._write((*self.listed(), made))
        return key

    def revoke(self, name: str) -> ApiKey:
        """Let a key in no more; it stays listed.

        Raises:
            ServiceError: There is none of this name, or it was revoked before.
        """
        with locked(self._lock):
            found = next((each for each in self.listed() if each.name == name), None)
            if found is None:
                known = ", ".join(each.name for each in self.listed()) or "none"
                raise ServiceError(f"{self.path} has no key {name!r}.", f"There are: {known}.")
            if found.revoked_at is not None:
                raise ServiceError(f"The key {name!r} was revoked on {found.revoked_at:%Y-%m-%d at %H:%M} UTC.")
            revoked = found.model_copy(update={"revoked_at": datetime.now(UTC)})
            self._write(tuple(revoked if each is found else each for each in self.listed()))
        return revoked

    @property
    def _lock(self) -> Path:
        return self.path.with_name(f".{self.path.name}.lock")

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ServiceError(f"{self.path} cannot be read: {error.strerror}.", "Check its permissions.") from error
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _write(self, keys: tuple[ApiKey, ...]) -> None:
        write_text(self.path, _File(keys=keys).model_dump_json(indent=1) + "\n")


def default_path() -> Path:
    """Where keys lie unless somebody says otherwise."""
    return user_config_path("twinlens") / "keys.json"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def _read(path: Path) -> tuple[ApiKey, ...]:
    try:
        return _File.model_validate_json(path.read_bytes()).keys
    except OSError as error:
        raise ServiceError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "content"
        raise ServiceError(f"{path} is no file of keys: {place}: {first['msg']}.", "Put back a copy of it.") from error
