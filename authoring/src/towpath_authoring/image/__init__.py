"""A connector as an image: its packages laid out on this machine, in one layer on top of an image with the SDK."""

from towpath_authoring.image.build import Built, build_image

__all__ = ["Built", "build_image"]
