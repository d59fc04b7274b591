"""Results that nobody trained."""

from twinlens.evaluation.result import Result


def named(result: Result, name: str, seed: int) -> Result:
    """The result as if it were of another recipe or seed."""
    provenance = result.provenance.model_copy(update={"seed": seed})
    recipe = {**result.recipe, "name": name, "seed": seed}
    return result.model_copy(update={"name": name, "provenance": provenance, "recipe": recipe})
