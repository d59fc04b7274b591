import base64
import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from twinlens.reporting.attention import Overlay
from twinlens.reporting.gallery import contact_sheet, highlighted, most_confident, walls
from twinlens.reporting.scores import ScoredPairs
from twinlens.types import UInt8Array

Photos = Callable[[str], UInt8Array]


def test_the_four_kinds_hold_every_pair_once(scores: ScoredPairs) -> None:
    shown = walls(scores, None, {}, each=10_000)
    assert sum(wall.total for wall in shown) == len(scores)
    assert [len(wall.decisions) for wall in shown] == [wall.total for wall in shown]
    assert sum(wall.total for wall in shown if wall.right) == (scores.is_match == scores.is_genuine).sum()


def test_the_surest_come_first(scores: ScoredPairs) -> None:
    missed, confused, recognised, kept_apart = walls(scores, None, {})
    genuine, matched, values = scores.is_genuine, scores.is_match, scores.score
    assert [d.score for d in missed.decisions] == sorted(values[genuine & ~matched])[:6]
    assert [d.score for d in confused.decisions] == sorted(values[~genuine & matched])[::-1][:6]
    assert [d.score for d in recognised.decisions] == sorted(values[genuine & matched])[::-1][:6]
    assert [d.score for d in kept_apart.decisions] == sorted(values[~genuine & ~matched])[:6]


def test_highlighted_pairs_are_those_that_are_shown(scores: ScoredPairs) -> None:
    for each in (1, 6, 10_000):
        names = [(scores.first[i], scores.second[i]) for i in highlighted(scores, each)]
        shown = [decision for wall in walls(scores, None, {}, each) for decision in wall.decisions]
        assert names == [(decision.first.name, decision.second.name) for decision in shown]


def test_overlays_stand_with_their_pairs(scores: ScoredPairs) -> None:
    first, second = (int(i) for i in highlighted(scores)[:2])
    overlay = Overlay("data:first", "data:second", 1.5)
    drove = {(scores.first[second], scores.second[second]): overlay}
    decisions = walls(scores, None, {}, overlays=drove)[0].decisions
    assert [decision.overlay for decision in decisions[:2]] == [None, overlay]
    assert scores.first[first] == decisions[0].first.name


def test_equal_scores_stay_in_order(scores: ScoredPairs) -> None:
    flat = ScoredPairs(**{**vars(scores), "score": np.zeros(len(scores))})
    kind = np.ones(len(scores), np.bool_)
    for matched in (True, False):
        np.testing.assert_array_equal(most_confident(flat, kind, matched), np.arange(len(scores)))


def test_errata_are_found_by_file_name(scores: ScoredPairs) -> None:
    name = walls(scores, None, {})[0].decisions[0].second.name
    stem = name.rpartition("/")[2].removesuffix(".jpg")
    flagged = walls(scores, None, {stem: "wrong identity"})[0].decisions[0]
    assert flagged.second.erratum == "wrong identity"


def test_photos_are_small_and_inside_the_page(scores: ScoredPairs, photos: Photos) -> None:
    photo = walls(scores, photos, {}, each=1)[0].decisions[0].first
    head, _, body = photo.uri.partition(",")
    assert head == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(body)))
    assert max(picture.size) <= 200
    whole = Image.fromarray(photos(photo.name)).resize(picture.size)
    assert np.abs(np.asarray(picture, float) - np.asarray(whole, float)).mean() < 6


def test_the_contact_sheet_shows_each_subject_once(scores: ScoredPairs, photos: Photos) -> None:
    sheet = contact_sheet(scores, photos, most=20)
    subjects = [photo.subject for photo in sheet]
    assert len(sheet) == len(set(subjects)) == 20
    assert subjects == sorted(subjects)
    for photo in sheet:
        assert photo.name.startswith(photo.subject + "/")
    everybody = contact_sheet(scores, photos, most=10_000)
    assert {p.subject for p in everybody} == {*scores.first_subject, *scores.second_subject}
