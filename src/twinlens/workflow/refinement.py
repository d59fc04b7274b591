"""What is fitted on top of a trained network before it is exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinlens.config import Config
from twinlens.evaluation.result import Refinement
from twinlens.runs import Run
from twinlens.workflow.preparation import Prepared

if TYPE_CHECKING:
    from twinlens.learning.module import SiameseModule
    from twinlens.learning.refining.model import Model


def refined(module: SiameseModule, config: Config, prepared: Prepared, run: Run) -> tuple[Model, Refinement | None]:
    """What a trained network is exported as, and what was fitted on top of it; the run keeps both.

    Raises:
        TwinlensError: As :func:`twinlens.learning.refining.refine.refine`.
    """
    from twinlens.learning.refining.refine import refine
    from twinlens.learning.refining.stored import save_refined

    found = refine(module.twin, module.objective.comparison(), config, prepared.partition, prepared.store.crops)
    if found.report is not None:
        save_refined(run.refined, found.model)
        for stage in found.report.stages:
            figures = f"Cllr {stage.cllr:.3f}  AUC {stage.auc:.3f}  accuracy {stage.accuracy:.3f}"
            run.log(f"validation by {stage.name}: {figures}")
    return found.model, found.report
