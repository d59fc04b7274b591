import pytest

from twinlens import errors
from twinlens.errors import ConfigError, DataError, ImageError, TwinlensError

ERRORS = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]


@pytest.mark.parametrize("kind", ERRORS)
def test_error_says_what_is_wrong_and_what_to_do(kind: type[TwinlensError]) -> None:
    error = kind("recipe.yaml: there is no key 'x'.", "Take it out.")
    assert str(error) == "recipe.yaml: there is no key 'x'. Take it out."
    assert (error.message, error.remedy) == ("recipe.yaml: there is no key 'x'.", "Take it out.")


def test_remedy_may_be_left_out() -> None:
    assert str(ConfigError("It is wrong.")) == "It is wrong."


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_can_be_caught_as_one_of_ours(kind: type[TwinlensError]) -> None:
    assert issubclass(kind, TwinlensError)


def test_one_bad_image_is_bad_data() -> None:
    assert issubclass(ImageError, DataError)
