"""A run that never ran: simulated scores, the figures that follow from them, and drawn faces."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score, roc_curve

from twinlens.config import Config
from twinlens.data.description import (
    Description,
    Duplicate,
    Erratum,
    Most,
    OfficialView1,
    PartDescription,
    PerSubject,
    Shared,
    Size,
    Spread,
)
from twinlens.evaluation.figures import (
    CalibrationFigures,
    Confusion,
    Curve,
    Evaluation,
    FoldResult,
    Folds,
    Histogram,
    OneShot,
    RateAtFmr,
    ReliabilityBin,
)
from twinlens.evaluation.result import Epoch, LayerRow, Provenance, Result, TrainingSummary
from twinlens.types import Calibration, Interval, OperatingPoint

HOSTILE = "<script>alert('x')</script>&\"Mallory\""
CALIBRATION = Calibration(slope=1.6, intercept=-0.3, genuine_pairs=110, impostor_pairs=104)
THRESHOLD = 0.19
COLUMNS = "first,second,first_subject,second_subject,is_genuine,score,log_likelihood_ratio,probability,is_match"


@dataclass(frozen=True)
class Row:
    first: str
    second: str
    first_subject: str
    second_subject: str
    is_genuine: bool
    score: float

    @property
    def cells(self) -> list[object]:
        llr = float(CALIBRATION.log_likelihood_ratio(self.score))
        probability = float(CALIBRATION.probability(self.score, 0.5))
        matched = int(self.score >= THRESHOLD)
        start = [self.first, self.second, self.first_subject, self.second_subject, int(self.is_genuine)]
        return [*start, self.score, llr, probability, matched]


def simulate_rows(pairs: int = 500, seed: int = 0, separation: float = 1.5) -> list[Row]:
    """Half genuine, half impostor; a blurred photo (see :func:`draw_face`) is harder."""
    random = np.random.default_rng(seed)
    people = [*(f"Person_{i:03d}" for i in range(pairs // 2)), HOSTILE]
    rows = []
    for i in range(pairs):
        genuine = i % 2 == 0
        a = int(random.integers(len(people)))
        b = a if genuine else int((a + 1 + random.integers(len(people) - 1)) % len(people))
        numbers = random.integers(1, 5, 2) if not genuine else np.array([1, 1 + random.integers(1, 4)])
        names = [f"{people[p]}/{people[p]}_{n:04d}.jpg" for p, n in zip((a, b), numbers, strict=True)]
        blur = max(_looks(name)["blur"] for name in names)
        shift = (separation if genuine else -separation) / (1 + blur)
        rows.append(Row(names[0], names[1], people[a], people[b], genuine, float(random.normal(shift, 1))))
    return rows


def write_scores(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(COLUMNS + "\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows(row.cells for row in rows)
    return path


def _looks(name: str) -> dict[str, float]:
    person, photo = (np.random.default_rng(list(text.encode())) for text in (name.split("/")[0], name))
    return {
        "skin": person.uniform(0.35, 0.95),
        "wide": person.uniform(0.75, 1.05),
        "eyes": person.uniform(0.25, 0.4),
        "mouth": person.uniform(0.2, 0.5),
        "hair": person.uniform(0, 1),
        "turn": photo.normal(0, 0.15),
        "light": photo.uniform(0.55, 1.15),
        "blur": float(np.clip(photo.exponential(0.7), 0, 4)),
    }


def draw_face(name: str) -> Image.Image:
    """A face like no one's, 250 × 250, the same for every call with one name."""
    looks = _looks(name)
    picture = Image.new("RGB", (250, 250), (int(90 + 80 * looks["hair"]), 120, 150))
    pen = ImageDraw.Draw(picture)
    skin = tuple(int(channel * looks["skin"]) for channel in (245, 205, 175))
    half, middle = 58 * looks["wide"], 125 + 60 * looks["turn"]
    pen.ellipse((125 - half - 9, 36, 125 + half + 9, 190), fill=(int(120 * looks["hair"]), 50, 30))
    pen.ellipse((125 - half, 52, 125 + half, 205), fill=skin)
    for side in (-1, 1):
        x = middle + side * half * 2 * looks["eyes"]
        pen.ellipse((x - 11, 108, x + 11, 122), fill="white")
        pen.ellipse((x - 5, 109, x + 5, 121), fill="black")
    pen.line((middle, 125, middle + 20 * looks["turn"], 152), fill=(90, 50, 40), width=4)
    mouth = 70 * looks["mouth"]
    pen.arc((middle - mouth, 155, middle + mouth, 182), 10, 170, fill=(150, 40, 40), width=5)
    lit = picture.point(lambda value: min(255, int(value * looks["light"])))
    return lit.filter(ImageFilter.GaussianBlur(1.6 * looks["blur"]))


def _interval(value: float, spread: float = 0.028, method: str = "subject bootstrap") -> Interval:
    return Interval(value, max(0.0, value - spread), min(1.0, value + spread), method)


def _exact(k: int, n: int) -> Interval:
    found = binomtest(k, n).proportion_ci(0.95, "exact")
    return Interval(k / n, float(found.low), float(found.high), "Clopper-Pearson")


def simulate_evaluation(rows: list[Row], part: str) -> Evaluation:
    scores = np.array([row.score for row in rows])
    genuine = np.array([row.is_genuine for row in rows])
    fmr, tpr, thresholds = roc_curve(genuine, scores, drop_intermediate=True)
    fmr, tpr, thresholds = fmr[1:], tpr[1:], thresholds[1:]  # the first threshold is infinite
    matched = scores >= THRESHOLD
    edges = np.linspace(scores.min(), scores.max(), 31)
    counts = {True: int(genuine.sum()), False: int((~genuine).sum())}
    at = {f: int(np.searchsorted(fmr, f, side="right") - 1) for f in (0.1, 0.01, 0.001)}
    return Evaluation(
        protocol="lfw-view1",
        part=part,  # type: ignore[arg-type]
        genuine_pairs=counts[True],
        impostor_pairs=counts[False],
        subjects=len({row.first_subject for row in rows}),
        images=len({row.first for row in rows} | {row.second for row in rows}),
        level=0.95,
        threshold=THRESHOLD,
        loss=0.61,
        accuracy=_interval(float((matched == genuine).mean())),
        auc=_interval(float(roc_auc_score(genuine, scores)), 0.024),
        eer=_interval(float(fmr[np.argmin(abs(fmr - 1 + tpr))])),
        tar_at_fmr=tuple(
            RateAtFmr(
                fmr=f,
                tar=_interval(float(tpr[max(i, 0)]), 0.06),
                threshold=float(thresholds[max(i, 0)]),
                impostor_pairs=counts[False],
                expected_errors=f * counts[False],
                supported=f * counts[False] >= 30,
            )
            for f, i in at.items()
        ),
        confusion=Confusion(
            matched_genuine=int((matched & genuine).sum()),
            missed_genuine=int((~matched & genuine).sum()),
            matched_impostor=int((matched & ~genuine).sum()),
            rejected_impostor=int((~matched & ~genuine).sum()),
            fmr=_exact(int((matched & ~genuine).sum()), counts[False]),
            fnmr=_exact(int((~matched & genuine).sum()), counts[True]),
        ),
        calibration=_calibration(scores, genuine),
        oneshot=tuple(
            OneShot(
                name=f"{n}-way",
                n_way=n,
                k_shot=1,
                tasks=1000,
                accuracy=_interval(value, 0.03),
                chance=1 / n,
            )
            for n, value in ((5, 0.558), (20, 0.287))
        ),
        curve=Curve(
            threshold=tuple(map(float, thresholds)),
            fmr=tuple(map(float, fmr)),
            fnmr=tuple(map(float, 1 - tpr)),
        ),
        histogram=Histogram(
            edges=tuple(map(float, edges)),
            genuine=tuple(map(int, np.histogram(scores[genuine], edges)[0])),
            impostor=tuple(map(int, np.histogram(scores[~genuine], edges)[0])),
        ),
    )


def _calibration(scores: np.ndarray, genuine: np.ndarray) -> CalibrationFigures:
    probability = CALIBRATION.probability(scores, 0.5)
    bins = []
    for low in np.arange(0, 1, 0.1):
        inside = (probability >= low) & (probability < low + 0.1)
        if inside.any():
            bins.append(
                ReliabilityBin(
                    low=float(low),
                    high=float(low + 0.1),
                    count=int(inside.sum()),
                    mean_probability=float(probability[inside].mean()),
                    genuine_share=float(genuine[inside].mean()),
                )
            )
    return CalibrationFigures(
        prior=0.5,
        cllr=Interval(0.81, 0.76, 0.87, "subject bootstrap"),
        cllr_min=0.76,
        brier=_interval(0.19, 0.015),
        expected_calibration_error=_interval(0.047, 0.018),
        bins=tuple(bins),
    )


def _epochs(n: int = 34) -> tuple[Epoch, ...]:
    random = np.random.default_rng(5)
    rows = []
    for i in range(1, n + 1):
        train, validation = 0.36 + 0.36 * np.exp(-i / 9), 0.6 + 0.13 * np.exp(-i / 4) + 0.002 * max(0, i - 12)
        noise = random.normal(0, 0.008, 4)
        rows.append(
            Epoch(
                epoch=i,
                seconds=52.4 + noise[0] * 99,
                train_loss=train + noise[0] / 2,
                train_accuracy=0.86 - 0.36 * np.exp(-i / 9) + noise[1] / 2,
                validation_loss=validation + noise[2],
                validation_accuracy=0.69 - 0.19 * np.exp(-i / 5) + noise[3],
                validation_auc=0.75 - 0.22 * np.exp(-i / 5) + noise[3],
                validation_oneshot=0.29 - 0.2 * np.exp(-i / 5) + noise[3],
                score_spread=0.4 + 0.03 * i,
                l2_penalty=0.9 * 0.97**i,
                learning_rate=0.01 * 0.99**i,
                gradient_norm=2.1 + noise[0] * 9,
                images_per_second=84 + noise[1] * 90,
            )
        )
    return tuple(rows)


def _layer(name: str, kind: str, shape: tuple[int, ...], kernel: str, filters: int | None, n: int) -> LayerRow:
    return LayerRow(name=name, kind=kind, output_shape=shape, kernel=kernel, filters=filters, parameters=n)


LAYERS = (
    _layer("input", "crop", (1, 105, 105), "", None, 0),
    _layer("conv1", "Conv2d", (64, 96, 96), "10×10", 64, 6464),
    _layer("pool1", "MaxPool2d", (64, 48, 48), "2×2", None, 0),
    _layer("conv2", "Conv2d", (128, 42, 42), "7×7", 128, 401536),
    _layer("pool2", "MaxPool2d", (128, 21, 21), "2×2", None, 0),
    _layer("conv3", "Conv2d", (128, 18, 18), "4×4", 128, 262272),
    _layer("pool3", "MaxPool2d", (128, 9, 9), "2×2", None, 0),
    _layer("conv4", "Conv2d", (256, 6, 6), "4×4", 256, 524544),
    _layer("dense", "Linear", (4096,), "", 4096, 37752832),
    _layer("head", "Linear", (1,), "", None, 4097),
)

RECIPE: dict[str, Any] = {
    "name": "koch2015-lfw",
    "data": {"kind": "lfw", "view": 1, "setting": {"kind": "pairs-only"}},
    "augment": {"kind": "affine"},
    "optimiser": {
        "kind": "sgd",
        "learning_rate": 0.01,
        "l2": 0.0002,
        "layers": {"dense": {"learning_rate": 0.002, "l2": 0.0001}, "conv1": {"momentum": 0.7}},
    },
}


def simulate_result(rows: list[Row] | None = None, **provenance: Any) -> Result:
    """A finished run of Koch's network; keyword arguments change its provenance."""
    rows = simulate_rows() if rows is None else rows
    epochs = _epochs()
    best = min(epochs, key=lambda epoch: epoch.validation_loss)
    return Result(
        name="koch2015-lfw",
        recipe=Config.model_validate(RECIPE).model_dump(mode="json"),
        provenance=Provenance(**{**_PROVENANCE, **provenance}),
        data=simulate_description(),
        training=TrainingSummary(
            epochs=epochs,
            best_epoch=best.epoch,
            seconds=sum(epoch.seconds for epoch in epochs),
            seconds_to_best=sum(epoch.seconds for epoch in epochs[: best.epoch]),
            stopped_by="early stopping",
            parameters=sum(layer.parameters for layer in LAYERS),
            layers=LAYERS,
        ),
        calibration=CALIBRATION,
        operating_points=tuple(
            OperatingPoint(f, Interval(t, t - 0.2, t + 0.3, "subject bootstrap"), 22791, f * 22791, f > 0.002)
            for f, t in ((0.1, 0.8), (0.01, 1.6), (0.001, 2.4))
        ),
        train=simulate_evaluation(simulate_rows(1800, 1, 2.2), "train"),
        validation=simulate_evaluation(simulate_rows(214, 2), "validation"),
        test=simulate_evaluation(rows, "test"),
    )


_PROVENANCE: dict[str, Any] = {
    "setting": "pairs-only",
    "outside_data": "none",
    "leaks": False,
    "synthetic": False,
    "commit": "45ee687c0ffee",
    "seed": 7,
    "machine": "x86-64, 2 cores, AVX512-BF16",
    "versions": {"python": "3.11.7", "torch": "2.13.0", "twinlens": "0.1.0"},
    "started": "2026-11-21T21:04:05+00:00",
}


def simulate_folds() -> Folds:
    accuracies = (0.861, 0.874, 0.883, 0.869, 0.852, 0.88, 0.871, 0.866, 0.89, 0.878)
    return Folds(
        folds=tuple(FoldResult(fold=i, accuracy=a, auc=a + 0.06, threshold=0.31) for i, a in enumerate(accuracies, 1)),
        accuracy_mean=float(np.mean(accuracies)),
        accuracy_standard_error=float(np.std(accuracies, ddof=1) / 10**0.5),
        auc_mean=float(np.mean(accuracies)) + 0.06,
        auc_standard_error=0.004,
    )


def simulate_description() -> Description:
    """What an analysis of LFW View 1 looks like, with one of everything that can be wrong."""
    sizes = {"train": (1980, 3089, 1907), "validation": (220, 354, 225), "test": (1000, 1549, 963)}
    return Description(
        dataset="lfw",
        variant="deepfunneled",
        protocol="lfw-view1",
        images=13233,
        subjects=5749,
        broken=("Ann_Lee/Ann_Lee_0009.jpg",),
        broken_pairs=1,
        dropped_pairs=12,
        leaks=False,
        parts={name: _part(*size) for name, size in sizes.items()},  # type: ignore[misc]
        shared=tuple(
            Shared(
                first=first,
                second=second,
                subjects=0,
                images=0,
                touched_pairs=0,
                exact_duplicates=0,
                near_duplicates=2 if second == "test" else 0,
            )
            for first, second in (("train", "validation"), ("train", "test"), ("validation", "test"))
        ),
        duplicates=(
            Duplicate(
                first="Bart_Hendricks/Bart_Hendricks_0001.jpg",
                second=f"{HOSTILE}/x_0001.jpg",
                exact=False,
                same_subject=False,
                first_part="train",
                second_part="test",
            ),
        ),
        errata_known=True,
        official=OfficialView1(
            train=_size(2200, 3443, 2132), test=_size(1000, 1549, 963), shared_subjects=0, shared_images=0
        ),
    )


def _size(pairs: int, images: int, subjects: int) -> Size:
    half = pairs // 2
    return Size(images=images, subjects=subjects, pairs=pairs, genuine_pairs=half, impostor_pairs=half)


def _part(pairs: int, images: int, subjects: int) -> PartDescription:
    def spread(centre: float, width: float) -> Spread:
        values = np.random.default_rng(images).normal(centre, width, images).clip(0, 1)
        counts, edges = np.histogram(values, 24)
        marks = dict(zip(("p05", "p25", "median", "p75", "p95"), (5, 25, 50, 75, 95), strict=True))
        return Spread(
            minimum=float(values.min()),
            maximum=float(values.max()),
            edges=tuple(map(float, edges)),
            counts=tuple(map(int, counts)),
            **{name: float(np.percentile(values, q)) for name, q in marks.items()},
        )

    return PartDescription(
        size=_size(pairs, images, subjects),
        per_subject=PerSubject(
            minimum=1,
            median=1.0,
            maximum=8,
            distribution=tuple((n, max(1, subjects >> n)) for n in range(1, 9)),
            most_images=Most(subject_id=HOSTILE, count=8),
            most_genuine_pairs=None,
        ),
        brightness=spread(0.45, 0.08),
        sharpness=spread(0.4, 0.06),
        exact_duplicates=0,
        near_duplicates=1,
        errata=(Erratum(image="Anja_Paerson_0001", text="wrong identity; shows Janica_Kostelic", pairs=2),),
    )


def write_run(folder: Path, result: Result, rows: list[Row]) -> Path:
    """The part of a run folder that reports read."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
    write_scores(folder / "scores-test.csv", rows)
    write_scores(folder / "scores-validation.csv", simulate_rows(214, 2))
    return folder
