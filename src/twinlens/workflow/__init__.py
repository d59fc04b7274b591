"""The whole job, for the command line and for Python: train, refine, evaluate, report, compare, sweep, export, explain.

This is where the halves meet: learning hands a model over as a bundle, and everything after reads only that.
"""

from twinlens.workflow.comparing import compare
from twinlens.workflow.evaluating import evaluate, evaluate_run
from twinlens.workflow.explaining import explain
from twinlens.workflow.exporting import export
from twinlens.workflow.preparation import Prepared, prepare
from twinlens.workflow.refining import refine
from twinlens.workflow.reporting import report
from twinlens.workflow.sweeping import sweep
from twinlens.workflow.training import train

__all__ = [
    "Prepared",
    "compare",
    "evaluate",
    "evaluate_run",
    "explain",
    "export",
    "prepare",
    "refine",
    "report",
    "sweep",
    "train",
]
