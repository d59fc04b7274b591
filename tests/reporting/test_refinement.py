"""What was fitted on top of a network: in the terminal, on the card and in the report."""

import re
from collections.abc import Callable

import pytest

from twinlens.evaluation.result import RefinedPart, Refinement, RefinementStage, Result
from twinlens.explaining.record import Explanations
from twinlens.reporting.card import make_card
from twinlens.reporting.refinement import in_words, print_refinement
from twinlens.reporting.report import make_report
from twinlens.reporting.scores import ScoredPairs
from twinlens.types import UInt8Array

AS_TRAINED = RefinedPart(
    name="network", metric="none", dims=None, shrinkage=None, photos=0, classes=0, weight=9.1, share=0.61
)
PATTERNS = RefinedPart(
    name="lbp", metric="plda", dims=300, shrinkage=0.1, photos=8738, classes=1066, weight=0.2, share=0.39
)
STAGES = (
    RefinementStage(name="network as trained", cllr=0.498, auc=0.928, accuracy=0.853),
    RefinementStage(name="lbp, plda", cllr=0.412, auc=0.949, accuracy=0.893),
    RefinementStage(name="joined", cllr=0.323, auc=0.969, accuracy=0.92),
)
FOUND = Refinement(parts=(AS_TRAINED, PATTERNS), stages=STAGES, genuine_pairs=894, impostor_pairs=250801)


def test_the_terminal_shows_every_step_and_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    print_refinement(FOUND)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.replace("\u202f", "").splitlines()]
    assert "Validation, 894 genuine and 250,801 impostor pairs" in lines
    assert "joined 0.323 0.969 92.0 %" in lines
    assert "lbp plda 300 0.1 8,738 1,066 39 %" in lines
    assert "network none 61 %" in lines


def test_the_card_says_it_in_a_line(result: Result) -> None:
    assert "On top of it" not in make_card(result)
    card = make_card(result.model_copy(update={"refinement": FOUND}))
    (line,) = re.findall(r"\| On top of it \| (.*) \|", card)
    assert line == in_words(FOUND)
    assert line.startswith("network, compared as trained: 61")
    assert "lbp, plda in 300 dimensions from 8,738 photos, two or more of 1,066 classes among them: 39" in line


def test_alone_a_part_needs_no_share() -> None:
    pca = PATTERNS.model_copy(update={"metric": "pca", "classes": 0, "share": 1.0})
    alone = FOUND.model_copy(update={"parts": (pca,)})
    assert in_words(alone) == "lbp, pca in 300 dimensions from 8,738 photos"
    assert in_words(None) == ""


def test_the_report_has_a_table_of_each(
    result: Result, scores: ScoredPairs, photos: Callable[[str], UInt8Array], explanations: Explanations
) -> None:
    def text(shown: Result) -> str:
        page = make_report(shown, scores, photos, {}, explanations, photos)
        section = re.search(r'<section id="network">.*?</section>', page, re.DOTALL)
        assert section is not None
        return " ".join(re.sub(r"<[^>]+>", " ", section[0]).replace("\u202f", " ").split())

    assert "On top of the network" not in text(result)
    refined = text(result.model_copy(update={"refinement": FOUND}))
    assert "894 genuine pairs and 250,801 impostor pairs" in refined
    assert "lbp plda 300 0.1 8,738 1,066 39 %" in refined
    assert "network as trained – – – – 61 %" in refined
    assert "joined 0.323 0.969 92.0 %" in refined


def test_the_report_tells_curves_of_the_network_from_figures_of_the_whole_model(
    result: Result, scores: ScoredPairs
) -> None:
    def page(shown: Result) -> str:
        return make_report(shown, scores, None, {})

    assert "the best epoch's weights on every part" in page(result)
    assert "The curves are of the network alone" not in page(result)
    refined = page(result.model_copy(update={"refinement": FOUND}))
    assert "the best epoch's weights and what was fitted on top, on every part" in refined
    assert "The curves are of the network alone" in refined
