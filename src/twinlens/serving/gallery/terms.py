"""Under which photos are enrolled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from twinlens.errors import ConfigError

_LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which photos are enrolled.

    Attributes:
        consent: What the subject has agreed to, and when.
        source: Where the photos are from; the name of each file if empty.
        expires_at: When the templates have to go; never if ``None``.
        keep_photos: Whether the photos are kept, sealed.
        allow_poor: Whether a photo may be worse than nearly all that the model is known to work on.
        allow_duplicate: Whether a photo may look like somebody else who is enrolled.
        name_duplicates: Whether it is said who that is.

    Raises:
        ConfigError: A note is too long, or the time of expiry has no time zone, is over or will never be.
    """

    consent: str = ""
    source: str = ""
    expires_at: datetime | None = None
    keep_photos: bool = False
    allow_poor: bool = False
    allow_duplicate: bool = False
    name_duplicates: bool = True

    def __post_init__(self) -> None:
        for name, note in (("consent note", self.consent), ("source", self.source)):
            if len(note) > _LONGEST_NOTE:
                raise ConfigError(f"The {name} has {len(note)} characters.", f"{_LONGEST_NOTE} are allowed.")
        if self.expires_at is None:
            return
        if self.expires_at.tzinfo is None:
            raise ConfigError(f"{self.expires_at} has no time zone.", "Give one, such as UTC.")
        try:
            self.expires_at.astimezone(UTC)
        except OverflowError as error:
            raise ConfigError(f"{self.expires_at} is beyond the end of time.", "Leave it out.") from error
        if self.expires_at <= datetime.now(UTC):
            raise ConfigError(f"{self.expires_at:%Y-%m-%d %H:%M} is over.", "Give a time to come.")
