"""The main file of a deposit as it arrives."""

from shared.runtime.web.uploads import Uploaded, make_safe_name


class UploadedPiece(Uploaded):
    """The main file: no rule is about its name, so a safe one is made of whatever it is."""

    @property
    def name(self) -> str:
        """Its last path component, without what no screen can show."""
        return make_safe_name(super().name)
