"""Who is found in a gallery, on a file and on a server, among people who are patterns."""

from typing import Any

import numpy as np
import pytest

from tests.serving.gallery.made import Place
from tests.serving.gallery.people import KEY, enrol_some, pattern_verifier, photo
from twinlens.comparison import Comparison, Cosine, Euclidean, Plda, WeightedL1
from twinlens.errors import ConfigError, GalleryError, UnknownSubjectError
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.verifier import Verifier


def test_who_is_enrolled_is_found_and_who_is_not_is_nobody(gallery: Gallery) -> None:
    enrol_some(gallery)
    for subject in range(8):
        found = gallery.identify(photo(subject, 9))
        assert found.subject_id == found.candidates[0].subject_id == f"person {subject}"
        assert found.candidates[0].score > 0.8
    for stranger in range(100, 110):
        found = gallery.identify(photo(stranger))
        assert found.subject_id is None
        assert not found.candidates[0].is_match


def test_in_an_empty_gallery_everybody_is_nobody(gallery: Gallery) -> None:
    found = gallery.identify(photo(0))
    assert (found.subject_id, found.candidates, found.subjects, found.templates) == (None, (), 0, 0)


def test_candidates_are_ranked_and_as_many_as_asked_for(gallery: Gallery) -> None:
    enrol_some(gallery)
    found = gallery.identify(photo(3, 9), most=4)
    scores = [candidate.score for candidate in found.candidates]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert len(gallery.identify(photo(3, 9), most=50).candidates) == 8
    with pytest.raises(ConfigError, match="0 candidates cannot be listed"):
        gallery.identify(photo(3, 9), most=0)


@pytest.mark.parametrize("search", ["exact", "auto", "index"])
@pytest.mark.parametrize(
    "comparison",
    [Cosine(), Euclidean(), Plda(), WeightedL1(weights=tuple(np.linspace(0.1, 1, 144).tolist()), bias=5.0)],
    ids=lambda comparison: comparison.kind,
)
def test_scores_are_those_of_the_comparison(place: Place, comparison: Comparison, search: Any) -> None:
    verifier = pattern_verifier(comparison)
    if search == "index" and not place.searches:
        with pytest.raises(GalleryError, match="has no index to search"):
            Gallery.open(place.address, verifier, key=KEY, create=True, search=search)
        return
    with Gallery.open(place.address, verifier, key=KEY, create=True, search=search) as gallery:
        for subject in range(6):
            gallery.enrol(f"person {subject}", [photo(subject), photo(subject, 1)], allow_duplicate=True)
        found = gallery.identify(photo(2, 9), most=6)
        assert found.search == ("index" if search == "index" else "exact")
        probe = verifier.embed(crops(photo(2, 9)))
        for candidate in found.candidates:
            subject = int(candidate.subject_id.split()[1])
            own = verifier.embed(crops(photo(subject), photo(subject, 1)))
            assert candidate.score == pytest.approx(comparison.matrix(probe, own).max(), abs=1e-5)


def test_the_index_proposes_and_whole_templates_decide(postgres_address: str) -> None:
    """The most similar by PLDA is not the nearest direction: it is longer."""
    verifier = pattern_verifier(Plda())
    near, best = photo(1).astype(np.float64) - 128, photo(2).astype(np.float64) - 128
    shown = {name: (pixels + 128).astype(np.uint8) for name, pixels in {"near": near / 4, "best": best}.items()}
    probe = (near * 0.8 + best * 0.6 + 128).clip(0, 255).astype(np.uint8)
    with Gallery.open(postgres_address, verifier, key=KEY, create=True, search="index") as gallery:
        for name, pixels in shown.items():
            gallery.enrol(name, [pixels], allow_duplicate=True)
        embeddings = verifier.embed(crops(probe, shown["near"], shown["best"]))
        assert Cosine().matrix(embeddings[:1], embeddings[1:])[0].argmax() == 0
        assert [one.subject_id for one in gallery.identify(probe, most=1).candidates] == ["best"]


def test_a_large_gallery_is_searched_by_its_index_unless_told_otherwise(
    place: Place, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinlens.serving.gallery.search._MOST_EXACT", 6)
    large = "index" if place.searches else "exact"
    for count, searches in ((6, {"auto": "exact"}), (7, {"auto": large, "exact": "exact"})):
        with Gallery.open(place.address, verifier, key=KEY, create=True) as gallery:
            enrol_some(gallery, count)
        for asked, used in searches.items():
            with Gallery.open(place.address, verifier, key=KEY, search=asked) as gallery:  # type: ignore[arg-type]
                found = gallery.identify(photo(2, 9))
                assert (found.subject_id, found.search, found.templates) == ("person 2", used, count)


def crops(*photos: np.ndarray) -> np.ndarray:
    """What the model sees of photos."""
    return np.stack([photo[:, :, :1] for photo in photos])


def test_the_threshold_grows_with_the_templates(gallery: Gallery) -> None:
    thresholds = []
    for subject in range(0, 40, 4):
        for one in range(subject, subject + 4):
            gallery.enrol(f"person {one}", [photo(one), photo(one, 1)])
        found = gallery.identify(photo(99), fpir=0.05)
        assert (found.subjects, found.templates) == (subject + 4, 2 * (subject + 4))
        assert found.fpir == 0.05
        assert found.fmr <= 0.05 / found.templates * 1.03
        thresholds.append(found.threshold)
    assert thresholds == sorted(thresholds)
    assert thresholds[0] < thresholds[-1]


def test_a_rate_that_is_none_is_refused_before_anything_is_done(gallery: Gallery) -> None:
    for fpir in (0, 1, -0.5, 7):
        with pytest.raises(ConfigError, match="is no rate"):
            gallery.identify("missing.jpg", fpir=fpir)


def test_a_subject_is_as_similar_as_its_best_template(gallery: Gallery) -> None:
    gallery.enrol("two looks", [photo(1), photo(2)])
    assert gallery.identify(photo(1, 5)).subject_id == gallery.identify(photo(2, 5)).subject_id == "two looks"
    assert gallery.verify("two looks", photo(2, 5)).is_match


def test_verify_decides_by_the_best_template(gallery: Gallery, verifier: Verifier) -> None:
    gallery.enrol("ann", [photo(1), photo(1, 1)])
    verified = gallery.verify("ann", photo(1, 5), prior=0.2)
    probe, own = verifier.embed(crops(photo(1, 5))), verifier.embed(crops(photo(1), photo(1, 1)))
    assert verified.score == pytest.approx(Cosine().matrix(probe, own).max(), abs=1e-6)
    assert verified.is_match
    assert verified.model_dump() | verifier.decide(verified.score, prior=0.2, templates=2).model_dump() == (
        verified.model_dump()
    )
    assert verified.threshold == pytest.approx(verifier.manifest.threshold + np.log(2) / 40)
    assert not gallery.verify("ann", photo(2)).is_match


def test_the_likelihood_ratio_is_the_same_to_identify_and_to_verify(gallery: Gallery, verifier: Verifier) -> None:
    gallery.enrol("ann", [photo(1, number) for number in range(4)])
    gallery.enrol("bo", [photo(2)])
    for candidate in gallery.identify(photo(1, 9)).candidates:
        verified = gallery.verify(candidate.subject_id, photo(1, 9))
        assert candidate.log_likelihood_ratio == pytest.approx(verified.log_likelihood_ratio, abs=1e-4)
        templates = {"ann": 4, "bo": 1}[candidate.subject_id]
        alone = verifier.decide(candidate.score).log_likelihood_ratio
        assert candidate.log_likelihood_ratio == pytest.approx(alone - np.log(templates))


def test_each_template_has_its_share_of_the_false_match_rate(gallery: Gallery) -> None:
    gallery.enrol("one", [photo(1)])
    gallery.enrol("many", [photo(2, number) for number in range(8)])
    one, many = (gallery.verify(subject, photo(3), fmr=1e-3) for subject in ("one", "many"))
    assert one.threshold < many.threshold
    for verified in (one, many):
        assert verified.fmr is not None
        assert verified.fmr <= 1e-3
    with pytest.raises(ConfigError, match=r"so each comparison may err at a rate of 2\.5e-08 only"):
        gallery.verify("many", photo(3), fmr=2e-7)


@pytest.mark.parametrize("asked", [{"prior": 0}, {"prior": 1}, {"fmr": 0}, {"fmr": 1e-12}])
def test_what_cannot_be_decided_is_refused_before_anything_is_done(gallery: Gallery, asked: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        gallery.verify("nobody", "missing.jpg", **asked)  # type: ignore[arg-type]


def test_nobody_is_verified_removed_or_listed_who_is_not_there(gallery: Gallery) -> None:
    for ask in (lambda: gallery.verify("bo", photo(1)), lambda: gallery.remove("bo"), lambda: gallery.templates("bo")):
        with pytest.raises(UnknownSubjectError, match="Nobody called 'bo' is enrolled"):
            ask()


def test_two_who_have_it_open_see_what_the_other_does(gallery: Gallery, place: Place, verifier: Verifier) -> None:
    with Gallery.open(place.address, verifier, key=KEY) as other:
        assert other.identify(photo(1)).subject_id is None
        gallery.enrol("ann", [photo(1)])
        assert other.identify(photo(1, 5)).subject_id == "ann"
        other.enrol("bo", [photo(2)])
        assert gallery.identify(photo(2, 5)).subject_id == "bo"
        assert gallery.identify(photo(2, 5)).subjects == other.identify(photo(2, 5)).subjects == 2
        other.remove("ann")
        found = gallery.identify(photo(1, 5))
        assert (found.subject_id, found.subjects, found.templates) == (None, 1, 1)


def test_results_are_json(gallery: Gallery) -> None:
    enrolled = gallery.enrol("ann", [photo(1)])
    for value in (enrolled, gallery.identify(photo(1)), gallery.verify("ann", photo(1)), gallery.stats()):
        assert type(value).model_validate_json(value.model_dump_json()) == value
    report = gallery.audit(verify=True)
    assert type(report).model_validate_json(report.model_dump_json()) == report
