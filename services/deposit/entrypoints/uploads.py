"""The main file of a deposit as it arrives."""

from shared.runtime.web.uploads import Uploaded, make_safe_name


class UploadedPiece(Uploaded):
    """The main file; its name is made safe, as no rule judges it."""

    @property
    def name(self) -> str:
        """Last component of its path, without invisible signs."""
        return make_safe_name(super().name)
