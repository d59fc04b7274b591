"""What answers look like, for the description of the service; a test holds them to their schemas."""

from __future__ import annotations

from typing import Any

_FINGERPRINT = "8f1d2c7b5e0a4c3f9d6b1a2e7c8f4d5b3a6e9c0d1f2b4a5c6d7e8f9a0b1c2d3e"
_QUALITY = {
    "eye_distance": 62.4,
    "sharpness": 0.21,
    "brightness": 0.47,
    "contrast": 0.19,
    "turn": -0.04,
    "nod": 0.71,
}
_TEMPLATE = {
    "template_id": "5b1c9d8e7f6a4b3c2d1e0f9a8b7c6d5e",
    "subject_id": "4711",
    "enrolled_at": "2026-11-22T08:30:00Z",
    "expires_at": "2027-11-22T08:30:00Z",
    "source": "front desk",
    "consent": "signed 2026-11-22",
    "quality": _QUALITY,
    "photo_kept": False,
    "fingerprint": _FINGERPRINT,
}
_CANDIDATE = {"subject_id": "4711", "score": 6.1, "is_match": True, "log_likelihood_ratio": 6.1}

VERIFICATION: dict[str, Any] = {
    "score": 6.1,
    "threshold": 2.195,
    "is_match": True,
    "fmr": 0.01,
    "log_likelihood_ratio": 6.1,
    "likelihood_ratio": 445.9,
    "probability": {"value": 0.998, "low": 0.996, "high": 0.999},
    "prior": 0.5,
    "qualities": [_QUALITY, _QUALITY],
    "remarks": [[], []],
    "seconds": 0.06,
    "model": "lfw-identities",
    "fingerprint": _FINGERPRINT,
}
IDENTIFICATION: dict[str, Any] = {
    "subject_id": "4711",
    "candidates": [_CANDIDATE],
    "threshold": 5.8,
    "fpir": 0.01,
    "fmr": 0.0001,
    "extrapolated": False,
    "subjects": 100,
    "templates": 120,
    "search": "exact",
    "quality": _QUALITY,
    "remarks": [],
    "seconds": 0.04,
    "model": "lfw-identities",
    "fingerprint": _FINGERPRINT,
}
ENROLMENT: dict[str, Any] = {
    "subject_id": "4711",
    "templates": [_TEMPLATE],
    "templates_in_all": 1,
    "duplicates": [],
    "remarks": [],
    "seconds": 0.05,
    "model": "lfw-identities",
    "fingerprint": _FINGERPRINT,
}
SUBJECT: dict[str, Any] = {"subject_id": "4711", "templates": [_TEMPLATE]}


def answered(example: dict[str, Any], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes an answer with an example."""
    return {status: {"content": {"application/json": {"example": example}}}}
