"""What the service is asked: fields of forms and parts of addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import File, Form, Path, UploadFile
from pydantic import AwareDatetime
from pydantic.json_schema import SkipJsonSchema

from twinlens.serving.service.answers import SUBJECT_ID

_KNOWN = "JPEG, PNG, WebP, BMP, TIFF, GIF or PPM; what it is called and said to be does not matter"
_NUMBER = "Which of several faces, counted from 1 in the order of their size; needed where none is clearly the largest."

PhotoFile = Annotated[UploadFile, File(description=f"A photo: {_KNOWN}.")]
PhotoFiles = Annotated[list[UploadFile], File(description=f"Photos of the subject: {_KNOWN}.", min_length=1)]
SubjectId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=128,
        pattern=SUBJECT_ID,
        description="Who. It stands in addresses, which proxies and browsers keep: take a number rather than a name.",
        examples=["4711"],
    ),
]
FaceNumber = Annotated[int | SkipJsonSchema[None], Form(ge=1, le=1000, description=_NUMBER)]
IsAligned = Annotated[bool, Form(description="The photo lies in LFW's frame already, so no face is looked for.")]
MatchRate = Annotated[
    float | SkipJsonSchema[None],
    Form(gt=0, lt=1, description="Decide at the threshold for this false match rate; at even odds if not given."),
]
Prior = Annotated[float, Form(gt=0, lt=1, description="Probability of a match before looking.")]
IdentificationRate = Annotated[
    float, Form(gt=0, lt=1, description="Chance that somebody who is not enrolled is named all the same, at most.")
]
Most = Annotated[int, Form(ge=1, le=100, description="How many candidates to list.")]
Note = Annotated[str, Form(max_length=1000)]
Until = Annotated[
    AwareDatetime | SkipJsonSchema[None], Form(description="When the templates have to go, with a time zone.")
]
