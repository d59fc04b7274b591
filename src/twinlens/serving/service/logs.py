"""Logs as JSON, one object a line, that name no subject, no file and nothing of a face.

Messages of other people's modules and of exceptions may hold anything, so only where they come from is told.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

LOGGER = logging.getLogger("twinlens.service")

# Whose messages are known to hold nothing that must stay out.
_OURS = ("twinlens", "uvicorn")


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON; what is in its attribute ``fields`` comes last."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        content: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name.partition(".")[0] in _OURS:
            content["event"] = record.getMessage().partition("\n")[0]
        content |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            content |= described(record.exc_info[1])
        return json.dumps(content)  # in ASCII: some characters beyond it end lines, or speak to terminals


def described(error: BaseException) -> dict[str, Any]:
    """An exception by its kind, what caused it, and the places it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    cause = error.__cause__
    return {
        "error": type(error).__name__,
        "cause": None if cause is None else type(cause).__name__,
        "where": [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
    }


def log_configuration(level: str = "INFO") -> dict[str, Any]:
    """For :func:`logging.config.dictConfig`: everything to standard error, through :class:`JsonFormatter`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        # Pillow's complaints about a photo are for whoever has sent it.
        "loggers": {"PIL": {"level": "CRITICAL"}} | {name: {"level": level} for name in _OURS},
    }
