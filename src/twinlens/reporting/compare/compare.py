"""From runs to a comparison."""

from __future__ import annotations

import re
from collections.abc import Sequence

from twinlens.evaluation.figures import Evaluation
from twinlens.evaluation.seeds import Spread, spread
from twinlens.reporting.compare.comparison import Comparison, PartFigures, RecipeFigures, RunFigures, Setting
from twinlens.reporting.compare.contenders import Contender
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.compare.sentences import caveats, doubt, headline, refusals, seed_sentences, sentence, standings
from twinlens.reporting.compare.settings import differing_keys
from twinlens.reporting.compare.testing import LEVEL, RESAMPLES, run_tests
from twinlens.reporting.verdict import caveats as run_caveats
from twinlens.reporting.verdict import setting

_FULL_COMMIT = re.compile(r"\b([0-9a-f]{10})[0-9a-f]{30}\b")


def compare_recipes(recipes: Sequence[Recipe]) -> Comparison:
    """Hold recipes and their runs against each other; see :func:`~twinlens.reporting.compare.recipes.group`."""
    outcome = run_tests(recipes)
    runs = tuple(_run(label, recipe, run) for recipe in recipes for label, run in recipe.runs.items())
    told = tuple(_recipe(recipe) for recipe in recipes)
    return Comparison(
        level=LEVEL,
        resamples=RESAMPLES,
        headline=headline(recipes, outcome.findings),
        sentences=tuple(sentence(finding) for finding in outcome.findings),
        standings=tuple(standings(told, outcome.findings)),
        doubt=doubt(outcome.findings),
        seeds=tuple(seed_sentences(told, outcome.models)),
        refusals=tuple(refusals(recipes)),
        caveats=tuple(caveats(runs)),
        runs=runs,
        recipes=told,
        settings=_settings(recipes),
        findings=outcome.findings,
        tests=outcome.models,
    )


def _run(label: str, recipe: Recipe, run: Contender) -> RunFigures:
    result, training = run.result, run.result.training
    return RunFigures(
        label=label,
        recipe=recipe.label,
        folder=str(run.folder),
        seed=result.provenance.seed,
        setting=setting(result),
        caveats=tuple(run_caveats(result)),
        best_epoch=training.best_epoch,
        epochs=len(training.epochs),
        seconds_to_best=training.seconds_to_best,
        seconds=training.seconds,
        stopped_by=training.stopped_by,
        last_train_loss=training.epochs[-1].train_loss,
        last_validation_loss=training.epochs[-1].validation_loss,
        level=result.validation.level,
        train=_part(result.train),
        validation=_part(result.validation),
        test=_part(result.test) if result.test else None,
        oneshot=result.test.oneshot if result.test else (),
        view2=result.view2,
    )


def _part(shown: Evaluation) -> PartFigures:
    return PartFigures(
        loss=shown.loss, accuracy=shown.accuracy, auc=shown.auc, eer=shown.eer, cllr=shown.calibration.cllr
    )


def _recipe(recipe: Recipe) -> RecipeFigures:
    tests = [run.result.test for run in recipe.runs.values() if run.result.test]
    accuracy: Spread | None = spread([test.accuracy.value for test in tests]) if tests else None
    auc: Spread | None = spread([test.auc.value for test in tests]) if tests else None
    return RecipeFigures(label=recipe.label, runs=tuple(recipe.runs), seeds=recipe.seeds, accuracy=accuracy, auc=auc)


def _settings(recipes: Sequence[Recipe]) -> tuple[Setting, ...]:
    """The keys in which recipes differ, then where the runs were made, as far as that differs."""
    everything = [values for recipe in recipes for values in recipe.settings]
    rows = [
        Setting(key=key, values={recipe.label: text for recipe in recipes if (text := _said(recipe, key))})
        for key in differing_keys(everything)
    ]
    for key in ("commit", "machine"):
        made = {recipe.label: _made(recipe, key) for recipe in recipes}
        if len({*made.values()}) > 1:
            rows.append(Setting(key=f"({key})", values=made))
    return tuple(rows)


def _said(recipe: Recipe, key: str) -> str:
    return ", ".join(dict.fromkeys(values[key] for values in recipe.settings if key in values))


def _made(recipe: Recipe, key: str) -> str:
    """Commit or machine of a recipe's runs, commits shortened as git does."""
    made = (str(getattr(run.result.provenance, key)) for run in recipe.runs.values())
    return ", ".join(dict.fromkeys(_FULL_COMMIT.sub(r"\1", text) for text in made))
