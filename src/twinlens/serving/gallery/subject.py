"""What a subject may be called."""

from __future__ import annotations

import unicodedata

from twinlens.errors import ConfigError, UnknownSubjectError

_LONGEST = 128
# Stands for what is no text, so that different names would be one.
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"


def subject_name(text: str) -> str:
    """The name under which a subject is kept: what looks the same is the same.

    Args:
        text: 1 to 128 characters that can be seen; spaces only between them.

    Raises:
        ConfigError: It is no such name.
    """
    name = unicodedata.normalize("NFC", text)
    if not name or name != name.strip() or len(name) > _LONGEST or not name.isprintable() or _UNREADABLE in name:
        raise ConfigError(
            f"{text[:_LONGEST]!r} cannot be the name of a subject.",
            f"Give 1 to {_LONGEST} characters that can be seen, and spaces only between them.",
        )
    return name


def unknown(subject_id: str) -> UnknownSubjectError:
    """The error that nobody is called so."""
    return UnknownSubjectError(f"Nobody called {subject_id!r} is enrolled.", "List the subjects to see who is.")
