import numpy as np
import pytest
import torch
from PIL import Image
from PIL.Image import Resampling

from twinlens.config.base import Frame
from twinlens.config.networks import CompactNetwork, FixedNormalisation, Inference
from twinlens.learning.networks import Twin, to_images
from twinlens.learning.networks.views import Downscale, views


@pytest.mark.parametrize(
    ("before", "middle", "after"),
    [
        ((158, 144), (158, 144), (72, 72)),
        ((158, 144), (130, 110), (72, 72)),
        ((40, 30), (40, 30), (40, 17)),
        ((9, 8), (7, 8), (7, 8)),
    ],
)
def test_scaling_down_is_what_pillow_does(
    before: tuple[int, int], middle: tuple[int, int], after: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, *before), dtype=np.uint8)
    top, left = ((whole - part) // 2 for whole, part in zip(before, middle, strict=True))
    cut = pixels[:, top : top + middle[0], left : left + middle[1]]
    planes = [Image.fromarray(plane).resize(after[::-1], Resampling.BILINEAR) for plane in cut]
    scaled = Downscale(before, middle, after)(torch.from_numpy(pixels[None]).float() / 255)
    assert scaled.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(scaled[0].numpy() * 255, np.stack(planes), atol=1.01)  # Pillow rounds twice


def test_a_network_sees_a_larger_crop_as_it_would_see_a_smaller_one() -> None:
    torch.manual_seed(0)
    network = CompactNetwork(widths=(4, 8), blocks=1, dim=8, region=(0.8, 0.6), input=(16, 12))
    frame = Frame(crop_height=0.5, crop_width=0.4, height=40, width=30, colour="rgb")
    assert network.middle(frame) == (32, 18)
    same = Frame(crop_height=0.4, crop_width=0.24, height=16, width=12, colour="rgb")
    assert network.seen(frame) == same
    twin = Twin(network, FixedNormalisation(), frame).eval()
    small = Twin(CompactNetwork(widths=(4, 8), blocks=1, dim=8), FixedNormalisation(), same)
    small.load_state_dict(twin.state_dict())  # of the same form, so that one can start from the other
    pixels = np.random.default_rng(0).integers(0, 256, frame.shape, dtype=np.uint8)
    cut = np.asarray(Image.fromarray(pixels[4:36, 6:24]).resize((12, 16), Resampling.BILINEAR))
    with torch.no_grad():
        ours, expected = twin(torch.from_numpy(pixels[None])), small.eval()(torch.from_numpy(cut[None].copy()))
    torch.testing.assert_close(ours, expected, atol=0.02, rtol=0.02)


def test_views_are_the_crop_its_shifts_and_their_mirror_images() -> None:
    images = torch.arange(20 * 40, dtype=torch.float32).reshape(1, 1, 20, 40)
    assert [view.equal(images) for view in views(images, Inference())] == [True]
    seen = list(views(images, Inference(flip=True, shift=0.05)))
    assert len(seen) == 10
    down, up, right, left = (seen[i][0, 0] for i in (2, 4, 6, 8))
    rows, columns = images[0, 0], images[0, 0].T
    assert down[1:].equal(rows[:-1])
    assert down[0].equal(rows[0])
    assert up[:-1].equal(rows[1:])
    assert right.T[2:].equal(columns[:-2])
    assert right.T[1].equal(columns[0])
    assert left.T[:-2].equal(columns[2:])
    for plain, mirrored in zip(seen[::2], seen[1::2], strict=True):
        assert mirrored.equal(plain.flip(-1))


def test_an_embedding_is_the_mean_over_the_views() -> None:
    torch.manual_seed(0)
    inference = Inference(flip=True, shift=0.1)
    frame = Frame(height=16, width=16)
    twin = Twin(CompactNetwork(widths=(4, 4), dim=8), FixedNormalisation(), frame, inference).eval()
    crops = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, *frame.shape), dtype=np.uint8))
    with torch.no_grad():
        each = [twin.embed(view) for view in views(to_images(crops), inference)]
        torch.testing.assert_close(twin(crops), sum(each) / 10)
        torch.testing.assert_close(twin(crops.flip(2)), twin(crops))
