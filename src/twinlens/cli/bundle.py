"""``twinlens bundle``: look at a bundle, check it, or make one of a network from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

app = typer.Typer(
    help="Look at model bundles, check them, and make them of networks from elsewhere.", no_args_is_help=True
)


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle's folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Say what a bundle is: how it sees photos, what it decides by, what it has learned from."""
    from twinlens.bundle import read_bundle
    from twinlens.cli.manifest import print_manifest

    bundle = read_bundle(folder)
    if as_json:
        typer.echo(bundle.manifest.model_dump_json(indent=1, exclude_none=True))
    else:
        print_manifest(bundle.manifest)


@app.command()
def check(folder: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle's folder.")]) -> None:
    """Verify a bundle: nothing was changed, and the network's input and output have the stated names and forms."""
    import numpy as np

    from twinlens.bundle import read_bundle
    from twinlens.errors import BundleError
    from twinlens.serving.encoder import load_encoder

    bundle = read_bundle(folder)
    manifest = bundle.manifest
    crops = np.random.default_rng(0).integers(0, 256, (2, *manifest.frame.shape), np.uint8)
    embeddings = load_encoder(bundle)(crops)
    if embeddings.shape != (2, manifest.dim) or not np.isfinite(embeddings).all():
        raise BundleError(f"The network of {folder} does not make embeddings of {manifest.dim} finite numbers.")
    typer.echo(f"{folder} is whole: {manifest.name}, fingerprint {manifest.fingerprint[:16]}")


@app.command("import")
def import_command(
    model: Annotated[str, typer.Argument(metavar="MODEL.onnx|dlib-resnet", help="The network.")],
    calibrate: Annotated[
        str,
        typer.Option(
            metavar="lfw-view1|PAIRS.csv",
            help="Pairs that fix threshold and calibration; of lfw-view1 the training pairs.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The bundle's folder.")],
    outside_data: Annotated[
        Literal["none", "label-free", "labelled"] | None,
        typer.Option(help="What the network has learned from, beside the calibration list's own data."),
    ] = None,
    seen: Annotated[
        bool, typer.Option("--seen", help="The network has learned from people on the calibration list.")
    ] = False,
    frame: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="How a photo becomes a crop, e.g. crop_height=0.6 or align=true."),
    ] = None,
    normalise: Annotated[
        str | None,
        typer.Option(metavar="raw|per-image|MEAN/STD", help="What it expects of pixels; mean and std of 0 to 1."),
    ] = None,
    order: Annotated[
        Literal["rgb", "bgr"] | None, typer.Option(help="Order of the colours.", show_default="rgb")
    ] = None,
    compare: Annotated[
        Literal["cosine", "euclidean"] | None, typer.Option(help="How embeddings are compared.", show_default="cosine")
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Average the embeddings of each photo and of its mirror image.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Of the bundle.", show_default="after the file")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures on the calibration pairs as JSON.")
    ] = False,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave out images that cannot be read.")] = False,
) -> None:
    """Make a bundle of any embedding network in ONNX, or of dlib's network for faces.

    The network gets one picture, NCHW or NHWC, and gives one embedding (n, dim). Threshold, calibration and
    thresholds for false match rates come from the calibration pairs, which must not be those of a test.
    """
    from rich.console import Console

    from twinlens.reporting.imported import imported_table
    from twinlens.workflow.importing import Declaration, import_model

    declaration = Declaration(outside_data, seen=seen, normalise=normalise, order=order, compare=compare, mirror=mirror)
    bundle, figures = import_model(
        model, out, calibrate, declaration, _frame(frame or []), name=name, skip_broken=skip_broken
    )
    if as_json:
        typer.echo(figures.model_dump_json(indent=1))
        return
    Console().print(imported_table(bundle.manifest, figures))
    typer.echo(f"Bundle: {out}\nNext:   twinlens evaluate {out} --protocol PAIRS.csv, with pairs of other people")


def _frame(assignments: list[str]) -> dict[str, Any]:
    """The keys and values of ``KEY=VALUE`` strings, whose values are YAML."""
    import yaml

    from twinlens.errors import ConfigError

    found = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--frame {assignment!r} is not of the form KEY=VALUE.")
        try:
            found[key.strip()] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--frame {assignment!r}: the value is not valid YAML.") from error
    return found
