import hashlib
from pathlib import Path

import numpy as np
import pytest

from twinlens.data.dataset import Dataset, Part
from twinlens.data.leaks import refuse_seen, subject_digests
from twinlens.data.lfw import read_pairs
from twinlens.data.protocols import lfw_view1_test, lfw_view2_folds
from twinlens.data.sources import LfwFiles
from twinlens.errors import LeakError
from twinlens.types import Pairs, Sample

NOBODY = Pairs.from_rows([])


def _dataset(name: str, subjects: int) -> Dataset:
    return Dataset(name, Path("photos"), tuple(Sample(f"s{i}/1.jpg", f"s{i}") for i in range(subjects)))


def test_a_digest_is_the_beginning_of_a_sha_256() -> None:
    assert subject_digests("lfw", ["Ann_Lee"]) == {hashlib.sha256(b"lfw/Ann_Lee").hexdigest()[:16]}
    assert not subject_digests("lfw", [])


def test_people_of_another_dataset_are_other_people() -> None:
    dataset = _dataset("lfw", 4)
    part = Part(np.arange(4), NOBODY)
    refuse_seen(subject_digests("folder:mine", dataset.subjects), dataset, part, "lfw-view1")
    with pytest.raises(LeakError, match="4 of the 4 people of lfw-view1: s0, s1, s2, s3\\. Score"):
        refuse_seen(list(subject_digests("lfw", dataset.subjects)), dataset, part, "lfw-view1")


def test_only_people_in_the_part_count_and_five_are_named() -> None:
    dataset = _dataset("lfw", 10)
    seen = subject_digests("lfw", [f"s{i}" for i in range(7)])
    refuse_seen(seen, dataset, Part(np.arange(7, 10), NOBODY), "mine")
    with pytest.raises(LeakError, match=r"seen 7 of the 8 people of mine: s0, s1, s2, s3, s4, \.\.\."):
        refuse_seen(seen, dataset, Part(np.arange(8), NOBODY), "mine")


@pytest.mark.lfw
def test_a_view_1_model_is_scored_on_view_1_only(lfw: Dataset, lfw_files: LfwFiles) -> None:
    training = read_pairs(lfw_files.lists / "pairsDevTrain.txt", lfw)[0].pairs
    codes = np.unique(lfw.subject_codes[training.samples])
    seen = subject_digests("lfw", (lfw.subjects[code] for code in codes))
    refuse_seen(seen, lfw, lfw_view1_test(lfw, lfw_files.lists), "lfw-view1")
    touched = 0
    for fold in lfw_view2_folds(lfw, lfw_files.lists):
        sides = (fold.pairs.first, fold.pairs.second)
        touched += int(np.any([np.isin(lfw.subject_codes[side], codes) for side in sides], axis=0).sum())
        with pytest.raises(LeakError, match="The model has seen"):
            refuse_seen(seen, lfw, fold, "lfw-view2")
    assert touched == 3510
