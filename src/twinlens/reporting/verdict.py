"""The verdict: what a run is worth, in one sentence and in one table."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from twinlens.evaluation.acquisition import WholePath
from twinlens.evaluation.figures import Evaluation, Folds, OneShot
from twinlens.evaluation.result import Result
from twinlens.reporting.highlights import Highlight, decisive, evaluation_highlights, guessing, highlights
from twinlens.reporting.wording import (
    count,
    percent,
    percent_interval,
    percent_span,
    points,
    points_span,
    subject_names,
)

OUTSIDE_DATA = {
    "none": "no outside data",
    "label-free": "label-free outside data",
    "labelled": "labelled outside data",
}


def setting(result: Result) -> str:
    """The rules of the training in a few words, e.g. ``pairs-only, no outside data``."""
    return f"{result.provenance.setting}, {OUTSIDE_DATA[result.provenance.outside_data]}"


def verdict(result: Result) -> str:
    """One plain sentence: how often it is right, how sure that is, and under which rules it was trained."""
    claim = _folds_claim(result.view2) if result.view2 else _claim(decisive(result))
    sentence = f"{result.name} {claim}. Training: {setting(result)}."
    return f"Not a result (synthetic faces): {sentence}" if result.provenance.synthetic else sentence


def caveats(result: Result) -> list[str]:
    """What must be said in red beside every figure of this run; empty for most."""
    shown = decisive(result)
    _, many = subject_names(result.data.dataset)
    found = []
    if result.provenance.synthetic:
        found.append(
            "Not a result: the faces are synthetic, so these figures say that the program runs and nothing more."
        )
    if result.provenance.leaks:
        found.append(
            f"Leaking: training and validation share {many}. Every validation figure flatters, and the epoch, "
            "the threshold and the calibration were chosen on it."
        )
    if result.test is None and result.view2 is None:
        found.append("Not tested: these figures are from validation, where epoch and threshold were chosen.")
    found += unaligned(result.view2 or shown)
    if result.view2 is None and shown.accuracy.low <= guessing(shown):
        found.append("The interval reaches down to guessing: this does not show that anything was learned.")
    return found


def verdict_table(outcome: Result | Evaluation) -> Table:
    """The verdict as a table for the terminal, with the caveats in red below.

    Args:
        outcome: A run's result, or the figures of a model on a list of pairs that is not its own.
    """
    if isinstance(outcome, Result):
        shown = decisive(outcome)
        head = f"{shown.protocol}, {shown.part}"
        return figures_table(head, shown, highlights(outcome), verdict(outcome), caveats(outcome))
    head = f"{outcome.protocol}, {outcome.part}"
    return figures_table(head, outcome, evaluation_highlights(outcome), f"It {_claim(outcome)}.", unaligned(outcome))


def figures_table(head: str, shown: Evaluation, rows: list[Highlight], title: str, warnings: list[str]) -> Table:
    """Figures with their intervals for the terminal, under a claim and above what must be said in red.

    Args:
        head: Which pairs these are the figures of.
        shown: What ``rows`` are the figures of; its level is that of the intervals.
        rows: A line each.
        title: The claim.
        warnings: None for most.
    """
    table = Table(
        title=title,
        caption="\n".join(warnings) or None,
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        caption_style="bold red",
    )
    table.add_column(head)
    table.add_column("Figure", justify="right", no_wrap=True)
    table.add_column(f"{percent(shown.level, 0)} interval")
    table.add_column("Note")
    for row in rows:
        table.add_row(row.label, row.value, row.span, row.note)
    return table


def print_verdict(outcome: Result | Evaluation | Folds | OneShot | WholePath) -> None:
    """Print to standard output what an evaluation came to."""
    match outcome:
        case Result() | Evaluation():
            Console().print(verdict_table(outcome))
        case Folds():
            Console().print(" ".join([f"It {_folds_claim(outcome)}.", *unaligned(outcome)]))
        case OneShot():
            Console().print(f"It {_oneshot_claim(outcome)}.")
        case WholePath():
            for sentence in whole_path_sentences(outcome):
                Console().print(sentence)


def whole_path_sentences(found: WholePath) -> list[str]:
    """What the way from a photo to a decision costs, in plain sentences."""
    pairs, undecided = found.genuine_pairs + found.impostor_pairs, found.undecided_genuine + found.undecided_impostor
    level, several = percent(found.level, 0), sum(failure.several_faces for failure in found.failures)
    sentences = [
        f"From photo to decision it is right on {percent(found.accuracy.value)} of {count(pairs)} pairs of "
        f"{found.protocol} ({level} interval {percent_span(found.accuracy)}), where pairs that cannot be decided count "
        f"as wrong. On photos as they are framed it is right on {percent(found.framed_accuracy.value)}; the difference "
        f"is {points(found.difference.value)} points ({level} interval {points_span(found.difference)}).",
        f"No face to go by: {count(len(found.failures))} of {count(found.photos)} photos "
        f"({level} interval {percent_span(found.failure_to_acquire)}), in {count(undecided)} pairs; "
        f"{count(several)} of these photos show several faces.",
        f"With these, false accepts are {percent(found.false_accept_rate)} of the impostor pairs, and false rejects "
        f"{percent(found.false_reject_rate)} of the genuine ones.",
    ]
    if found.decided_difference is not None:
        sentences.append(
            f"On the pairs that were decided, the difference is {points(found.decided_difference.value)} points "
            f"({level} interval {points_span(found.decided_difference)})."
        )
    if found.fmr is not None and found.fnmr is not None:
        sentences.append(
            f"Of these, {percent_interval(found.fmr)} of the impostor pairs match, and "
            f"{percent_interval(found.fnmr)} of the genuine pairs do not."
        )
    return sentences


def unaligned(shown: Evaluation | Folds) -> list[str]:
    """How many photos were scored though no face was found in them, if any were."""
    return (
        [f"Photos without a face that is found, scored as they are: {count(shown.unaligned)}."]
        if shown.unaligned
        else []
    )


def _claim(shown: Evaluation) -> str:
    pairs = count(shown.genuine_pairs + shown.impostor_pairs)
    return (
        f"is right on {percent(shown.accuracy.value)} of {pairs} {shown.part} pairs of {shown.protocol} "
        f"({percent(shown.level, 0)} interval {percent_span(shown.accuracy)}; "
        f"guessing gives {percent(guessing(shown), 0)})"
    )


def _folds_claim(folds: Folds) -> str:
    mean, error = percent(folds.accuracy_mean, 2), percent(folds.accuracy_standard_error, 2)
    return (
        f"is right on {mean} ± {error} of the pairs of LFW View 2 "
        f"(mean and standard error over {len(folds.folds)} folds; guessing gives {percent(0.5, 0)})"
    )


def _oneshot_claim(task: OneShot) -> str:
    return (
        f"solves {percent(task.accuracy.value)} of {count(task.tasks)} {task.n_way}-way {task.k_shot}-shot tasks "
        f"({task.name}; interval {percent_span(task.accuracy)}; chance gives {percent(task.chance)})"
    )
