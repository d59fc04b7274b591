"""Errors that name the thing, the place and the remedy.

Every error a user can cause derives from :class:`TwinlensError`; the command line prints it as one sentence
without a traceback and exits with status 2. Anything else that escapes is a bug.
"""


class TwinlensError(Exception):
    """A mistake in the input, with what to do about it.

    Args:
        message: What is wrong, naming the file, line or field.
        remedy: What the user can do about it, as an imperative sentence.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class ConfigError(TwinlensError):
    """A recipe, an override or an option is wrong."""


class DataError(TwinlensError):
    """A dataset, list or archive is missing, broken or does not say what it must."""


class ImageError(DataError):
    """One image cannot be used."""


class FaceError(ImageError):
    """A photo shows no face, it is not clear which one counts, or the face is not good enough."""


class SeveralFacesError(FaceError):
    """A photo shows several faces, and nobody has said which one counts."""


class BundleError(TwinlensError):
    """A model bundle is missing, foreign, tampered with or too new."""


class RunError(TwinlensError):
    """A run folder is missing, unfinished or holds something else than expected."""


class LeakError(TwinlensError):
    """A model was about to be scored on people it has seen."""


class TrainingError(TwinlensError):
    """The training cannot go on: the network collapsed or diverged, or the data is too little."""


class EvaluationError(TwinlensError):
    """There is nothing to evaluate: embeddings or scores are not numbers, or a kind of pair is missing."""


class GalleryError(TwinlensError):
    """A gallery is missing, broken, locked, of another model or another key, or does not know the subject."""


class UnknownSubjectError(GalleryError):
    """Nobody of that name is enrolled."""


class DuplicateError(GalleryError):
    """A photo that was to be enrolled would be identified as another subject."""


class ServiceError(TwinlensError):
    """The service cannot start, cannot be reached or refuses a request."""
