"""The page of a sweep: one HTML file that opens offline and prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from twinlens.config.sweep import look_up
from twinlens.evaluation.sweep import SweepResult
from twinlens.reporting.highlights import Highlight
from twinlens.reporting.page import make_page
from twinlens.reporting.reproduce import get_source
from twinlens.reporting.sweep.keys import importance_chart, parallel_chart, slice_charts
from twinlens.reporting.sweep.marks import objective_scale
from twinlens.reporting.sweep.progress import curves_chart, history_chart
from twinlens.reporting.sweep.sentences import (
    METRICS,
    caveats,
    ending,
    figure,
    importance_sentence,
    luck,
    trial_of,
    tried,
    value_text,
    verdict,
)
from twinlens.reporting.wording import decimal, duration, percent


@dataclass(frozen=True)
class KeyRow:
    """A key that varied: what was tried, what the recipe has and what the best trial has."""

    key: str
    tried: str
    recipe: str
    best: str


def make_sweep_page(result: SweepResult) -> str:
    """Write the page.

    Returns:
        A whole HTML document without any reference to anything outside of it.
    """
    scale = objective_scale(result)
    begun = any(trial.curve for trial in result.trials)
    context: dict[str, Any] = {
        "result": result,
        "metric": METRICS[result.metric],
        "verdict": verdict(result),
        "caveats": list(caveats(result)),
        "highlights": list(_highlights(result)),
        "luck": luck(result),
        "keys": list(_keys(result)),
        "importance": importance_sentence(result),
        "progress": [history_chart(result, scale), curves_chart(result, scale)] if begun else [],
        "importances": [importance_chart(result)] if result.importances else [],
        "slices": slice_charts(result, scale) if begun else [],
        "parallel": [parallel_chart(result)] if begun else [],
        "ending": lambda trial: ending(trial, result.metric),
        "figure": lambda value: figure(value, result.metric),
        "value_text": value_text,
        "source": get_source(result.origin.commit),
        "winner": _yaml(result.winner) if result.winner else None,
        "definition": _yaml({**result.question, "trials": len(result.trials), "recipe": result.recipe}),
        "search": _search(result),
        "machine": {"started": result.origin.started, "machine": result.origin.machine, **result.origin.versions},
    }
    return make_page("sweep.html.j2", context)


def _highlights(result: SweepResult) -> Iterator[Highlight]:
    best = trial_of(result, result.best_trial)
    if best and best.best and best.objective is not None:
        note = f"trial {best.number}, epoch {best.best.epoch} of {len(best.curve)}"
        yield Highlight(f"Best {METRICS[result.metric]}", figure(best.objective, result.metric), "chosen by it", note)
        yield Highlight("Its accuracy", percent(best.best.validation_accuracy), "of validation pairs", "at even odds")
        yield Highlight("Its AUC", decimal(best.best.validation_auc), "of validation pairs", "guessing gives 0.5")
    recipe = trial_of(result, result.recipe_trial)
    if recipe and recipe.objective is not None:
        yield Highlight(
            "The recipe as it is", figure(recipe.objective, result.metric), METRICS[result.metric], "trial 1"
        )
    states = [trial.state for trial in result.trials]
    ended = f"{states.count('pruned')} pruned, {states.count('failed')} failed"
    yield Highlight("Trials", str(len(states)), f"{states.count('finished')} finished", ended)
    seconds = sum(trial.seconds for trial in result.trials)
    deaths = sum(trial.deaths for trial in result.trials)
    note = f"killed {deaths} ×, went on" if deaths else ""
    yield Highlight("Training time", duration(seconds), "of all trials together", note)


def _keys(result: SweepResult) -> Iterator[KeyRow]:
    best = trial_of(result, result.best_trial)
    for key, values in result.question["vary"].items():
        own = look_up(result.recipe, key)
        yield KeyRow(key, tried(values), value_text(own), value_text(best.values[key]) if best else "")


def _search(result: SweepResult) -> dict[str, str]:
    question, size = result.question, result.validation
    pairs = f"{size.genuine_pairs:,} genuine and {size.impostor_pairs:,} impostor pairs"
    limit = question["epochs"] or look_up(result.recipe, "training.max_epochs")
    return {
        "decides": f"{METRICS[result.metric]}, {'highest' if result.higher_is_better else 'lowest'}",
        "measured at": f"the epoch with the best {str(look_up(result.recipe, 'training.monitor')).replace('_', ' ')}",
        "measured on": f"{pairs} of {size.subjects:,} people",
        "sampler": _kind(question["sampler"]),
        "pruner": _kind(question["pruner"]),
        "epochs of a trial": f"at most {limit}",
        "seed": str(result.recipe["seed"]),
    }


def _kind(section: dict[str, Any]) -> str:
    rest = ", ".join(f"{key} {value}" for key, value in section.items() if key != "kind")
    return f"{section['kind']} ({rest})" if rest else str(section["kind"])


def _yaml(values: dict[str, Any]) -> str:
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=None)
