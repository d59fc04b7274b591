"""What drove the decisions of a run that its report shows, and what a random sample of them says of its network."""

from __future__ import annotations

import numpy as np

from twinlens.bundle import read_bundle
from twinlens.explaining.deletion import delete
from twinlens.explaining.occlusion import explain_pair
from twinlens.explaining.record import ExplainedPair, Explanations
from twinlens.explaining.sample import Sampled, summarise
from twinlens.files import write_text
from twinlens.progress import track
from twinlens.reporting.gallery import highlighted
from twinlens.reporting.scores import read_scores
from twinlens.runs import Run
from twinlens.serving.encoder import load_encoder
from twinlens.workflow.explaining import face_or_ninths
from twinlens.workflow.preparation import prepare
from twinlens.workflow.result import bundle_judge

# Random test pairs that are measured: the interval of a share is then some points wide.
_SAMPLE = 40


def explain_run(run: Run, *, skip_broken: bool) -> Explanations:
    """Explain the test decisions that a run's report shows and a random sample of all, and store that in the run.

    Raises:
        RunError: The run's test part has not been scored.
        DataError: The photos are missing or wrong.
    """
    pairs, config, bundle = read_scores(run.scores("test")), run.config(), read_bundle(run.bundle)
    store = prepare(config, skip_broken=skip_broken).store
    encoder, comparison = load_encoder(bundle), bundle_judge(bundle).comparison
    codes, index = store.dataset.subject_codes, store.dataset.index

    def explained(i: int) -> Sampled:
        first, second = index[pairs.first[i]], index[pairs.second[i]]
        crops = store.crops[first], store.crops[second]
        saliency = explain_pair(encoder, comparison, *crops)
        deletion = delete(encoder, comparison, *crops, saliency, is_match=bool(pairs.is_match[i]), seed=i)
        return Sampled(saliency, deletion, (int(codes[first]), int(codes[second])))

    shown = highlighted(pairs)
    sample = np.random.default_rng(config.seed).permutation(len(pairs))[:_SAMPLE]
    wanted = np.union1d(shown, sample)
    found = {int(i): explained(int(i)) for i in track(wanted, "Explaining decisions", len(wanted))}
    explanations = Explanations(
        shown=tuple(ExplainedPair.of(pairs.first[i], pairs.second[i], found[i].saliency) for i in shown.tolist()),
        sample=summarise(
            [found[i] for i in sample.tolist()],
            face_or_ninths(config.frame, framed=store.dataset.framed),
            config.evaluation.level,
            config.seed,
        ),
    )
    write_text(run.explanations, explanations.model_dump_json() + "\n")
    return explanations
