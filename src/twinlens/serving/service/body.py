"""The body of a request: bounded while it comes in, and kept in memory, as photos have no business on a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from fastapi import UploadFile
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

# Seconds that an answer waits for a body that nobody wants.
_PATIENCE = 2.0
# Of the fields of a form that are no files.
_MOST_FIELDS, _MOST_BYTES = 20, 16_384


class BoundedBody:
    """Receives the body of one request, and no more of it than allowed.

    Args:
        scope: Of the request.
        receive: Gives the next piece.
        most: Bytes that the body may have.
    """

    def __init__(self, scope: Scope, receive: Receive, most: int) -> None:
        headers = Headers(scope=scope)
        self._receive = receive
        self._most = most
        self._announced = _number(headers.get("content-length", "0"))
        self._asks_first = headers.get("expect", "").lower() == "100-continue"
        self._size = 0
        self._begun = self._ended = False

    def refuse_announced(self) -> None:
        """Refuse a body that says beforehand that it is too large.

        Raises:
            HTTPException: 413.
        """
        if self._announced > self._most:
            raise self._too_large()

    async def __call__(self) -> Message:
        """The next piece.

        Raises:
            HTTPException: 413, if there is too much of it.
        """
        self._begun = True
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._size > self._most:
            raise self._too_large()
        return message

    async def discard(self) -> None:
        """Read what is left, as somebody who is still sending may not hear an answer.

        Who has asked whether to send at all is not made to; and what is too large or too slow is not read to its end.
        """
        if self._asks_first and not self._begun:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while not self._ended and self._size <= self._most:
                    message = await self._receive()
                    self._size += len(message.get("body", b""))
                    self._ended = not message.get("more_body", False)

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"The request has more than {self._most:,} bytes")


class PhotoRequest(Request):
    """A request whose form stays in memory and has the fields that it may have.

    Args:
        scope: Of the request.
        receive: Gives the next piece of the body, and has an end.
        fields: Names of the fields.
        most_files: Files that there may be.
    """

    def __init__(self, scope: Scope, receive: Receive, fields: Collection[str], most_files: int) -> None:
        super().__init__(scope, receive)
        self._fields = fields
        self._most_files = most_files

    # FastAPI awaits the form and nothing else, so it need not be a context manager as well. Its limits are for all
    # applications; ours are for photos.
    async def form(self, **_limits: Any) -> FormData:  # type: ignore[override]
        """The parsed form.

        Raises:
            HTTPException: 415, 400 or 422: it is no form, broken, or has a field that means nothing.
        """
        kind, parameters = parse_options_header(self.headers.get("content-type"))
        if kind != b"multipart/form-data":
            raise HTTPException(415, "The request is no form with files, multipart/form-data")
        # Python looks for a module of each encoding that it is asked for, and never forgets that there was none.
        if parameters.get(b"charset", b"utf-8").lower() != b"utf-8":
            raise HTTPException(415, "The form is not in UTF-8")
        try:
            form = await _InMemory(
                self.headers,
                self.stream(),
                max_files=self._most_files,
                max_fields=_MOST_FIELDS,
                max_part_size=_MOST_BYTES,
            ).parse()
        except MultiPartException as error:
            raise HTTPException(400, error.message) from error
        unknown = sorted(set(form) - set(self._fields))
        if unknown:
            await form.close()
            raise HTTPException(422, f"There is no field {unknown[0]!r:.80}, but {', '.join(sorted(self._fields))}")
        return form


async def contents(*photos: UploadFile) -> tuple[bytes, ...]:
    """What was sent as photos, which the form gives up: a request that waits has its photos in memory once."""
    taken = []
    for photo in photos:
        taken.append(await photo.read())
        await photo.close()
    return tuple(taken)


class _InMemory(MultiPartParser):
    spool_max_size = 0  # never to a file; the body is bounded as a whole


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
