import pytest
import torch

from twinlens.config.augmentation import PhotoAugmentation
from twinlens.learning.augment import augment
from twinlens.learning.photometry import change_colours, erase

NOTHING = dict.fromkeys(
    ["flip", "rotation", "scale", "shift", "brightness", "contrast", "saturation", "grey", "erase", "erase_area"], 0.0
)


def only(**changes: float) -> PhotoAugmentation:
    return PhotoAugmentation(**{**NOTHING, **changes})


def images(channels: int = 3, n: int = 64) -> torch.Tensor:
    return torch.rand(n, channels, 20, 24, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_asked_for_changes_nothing(channels: int) -> None:
    torch.testing.assert_close(augment(images(channels), only()), images(channels), atol=1e-5, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_everything_at_once_stays_an_image_and_differs_from_crop_to_crop(channels: int) -> None:
    same = images(channels, n=1).expand(32, -1, -1, -1)
    changed = augment(same, PhotoAugmentation())
    assert changed.shape == same.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert len({tuple(image.ravel().tolist()) for image in changed}) == 32


def test_brightness_shifts_all_pixels_of_a_crop_alike() -> None:
    shift = change_colours(images(), only(brightness=0.2)) - images()
    by_crop = shift.reshape(64, -1)
    assert (by_crop.std(dim=1) < 1e-6).all()
    assert by_crop[:, 0].abs().max() <= 0.2 + 1e-6
    assert by_crop[:, 0].min() < -0.15 < 0.15 < by_crop[:, 0].max()


def test_contrast_stretches_around_the_mean() -> None:
    before, after = images(), change_colours(images(), only(contrast=0.5))
    torch.testing.assert_close(before.mean(dim=(1, 2, 3)), after.mean(dim=(1, 2, 3)))
    factors = after.std(dim=(1, 2, 3)) / before.std(dim=(1, 2, 3))
    assert 0.5 <= factors.min() < 0.6 < 1.4 < factors.max() <= 1.5 + 1e-6


def test_grey_takes_out_colour_at_the_rate_asked_for_and_keeps_the_luma() -> None:
    before = images(n=2000)
    after = change_colours(before, only(grey=0.3))
    colourless = (after.amax(dim=1) - after.amin(dim=1)).amax(dim=(1, 2)) < 1e-6
    assert abs(colourless.float().mean() - 0.3) < 0.05
    weights = torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
    torch.testing.assert_close((after * weights).sum(1), (before * weights).sum(1))


def test_erasing_replaces_one_rectangle_at_the_rate_and_up_to_the_area_asked_for() -> None:
    before = images(channels=1, n=2000)
    changed = (erase(before, only(erase=0.4, erase_area=0.25)) != before)[:, 0]
    erased = changed[changed.any(dim=2).any(dim=1)]
    assert abs(len(erased) / 2000 - 0.4) < 0.05
    for mask in erased:
        rows, columns = mask.any(dim=1), mask.any(dim=0)
        assert mask.sum() == rows.sum() * columns.sum()
        assert (rows.nonzero()[-1] - rows.nonzero()[0] + 1 == rows.sum()).all()
        assert (columns.nonzero()[-1] - columns.nonzero()[0] + 1 == columns.sum()).all()
        assert mask.sum() <= 0.25 * 20 * 24 + 24 + 20 + 1  # a pixel more at each border
