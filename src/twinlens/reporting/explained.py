"""What drove a decision, in words."""

from __future__ import annotations

from twinlens.evaluation.figures import NOTHING_MATCHES
from twinlens.explaining.decision import ExplainedDecision, PhotoExplanation, Spot
from twinlens.reporting.wording import decimal, percent, probability

# Parts of a photo that are named; what is left over is little.
_NAMED = 3


def headline(decision: ExplainedDecision) -> str:
    """The decision: ``Match`` or ``No match``."""
    return "Match" if decision.is_match else "No match"


def figures(decision: ExplainedDecision) -> str:
    """Score, threshold and probability."""
    threshold = "beyond every score" if decision.threshold == NOTHING_MATCHES else decimal(decision.threshold, 2)
    return (
        f"score {decimal(decision.score, 2)}, threshold {threshold}, "
        f"match probability {probability(decision.probability)} at a prior of {percent(decision.prior, 0)}"
    )


def findings(decision: ExplainedDecision) -> list[str]:
    """Where the attribution lies, what spoke most for a match and against it, and whether that alone decided."""
    photos = {"A": decision.first, "B": decision.second}
    if not any(photo.shares for photo in photos.values()):
        return ["Nothing that is covered changes the score: the network does not look at these photos."]
    found = [f"{letter}: {_location(photo)}." for letter, photo in photos.items() if photo.shares]
    if decision.area_outside is not None:
        found.append(f"By area, {percent(decision.area_outside, 0)} of what the network sees is outside the face.")
    spots_for = {letter: photo.strongest_for for letter, photo in photos.items()}
    spots_against = {letter: photo.strongest_against for letter, photo in photos.items()}
    return [*found, _strongest("for", "falls", spots_for), _strongest("against", "rises", spots_against)]


def _location(photo: PhotoExplanation) -> str:
    named = ", ".join(f"{part} {percent(share, 0)}" for part, share in list(photo.shares.items())[:_NAMED])
    return named if photo.outside is None else f"{named}; in all {percent(photo.outside, 0)} outside the face"


def _strongest(side: str, moves: str, spots: dict[str, Spot | None]) -> str:
    known = {letter: spot for letter, spot in spots.items() if spot is not None}
    if not known:
        return f"No spot speaks {side} a match."
    letter = max(known, key=lambda letter: abs(known[letter].change))
    spot = known[letter]
    turns = "turns" if spot.turns else "does not turn"
    return (
        f"Most {side} a match speaks a spot on {letter}, {spot.part}: covering it, the score {moves} by "
        f"{decimal(abs(spot.change), 2)}, which alone {turns} the decision."
    )
