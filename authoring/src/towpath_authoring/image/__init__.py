"""A connector as an image: its packages laid out on this machine, and one layer of them on top of a base image."""

from towpath_authoring.image.build import Built, build_image
from towpath_authoring.image.site import lay_out

__all__ = ["Built", "build_image", "lay_out"]
