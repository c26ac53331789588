"""Images: there or pulled, and for the architecture of the engine.

A private registry is entered with what `docker login` has left for the worker's user. An image that is named by its
digest is exactly that one, or none.
"""

from __future__ import annotations

from typing import Any, cast

import docker.utils
from docker.errors import APIError, ImageNotFound
from towpath_sdk.errors import Denied, Misconfigured, Owner, TowpathError, Unavailable

from towpath_worker.launch.docker.engine import said, status
from towpath_worker.launch.docker.policy import PullPolicy

__all__ = ["image_id"]

_DENIED = (401, 403)
_NOT_FOUND = 404


def image_id(client: Any, connector: str, image: str, pull: PullPolicy) -> str:
    """Return the id of `image`, pulled when `pull` says so. Blocks, for as long as a pull takes.

    Raises Misconfigured (there is no such image, or it is for other machines), Denied, or Unavailable (the registry
    cannot be reached).
    """
    found = None if pull == "always" else _present(client, image)
    if found is None:
        if pull == "never":
            raise Misconfigured(
                f"{connector}: the image {image} is not on this worker's machine, and this worker pulls none"
                " (TOWPATH_WORKER_DOCKER_PULL is never); load it there, or allow it to be pulled",
                reason="IMAGE_NOT_FOUND",
            )
        _pull(client, connector, image)
        found = client.images.get(image)
    _check_machine(client, connector, image, found.attrs)
    return str(found.id)


def _present(client: Any, image: str) -> Any:
    try:
        return client.images.get(image)
    except ImageNotFound:
        return None


def _pull(client: Any, connector: str, image: str) -> None:
    repository, tag = cast("Any", docker.utils).parse_repository_tag(image)
    try:
        for event in client.api.pull(repository, tag=tag or "latest", stream=True, decode=True):
            if "error" in event:
                # The engine has begun to answer before it failed, so that there is no status.
                raise _not_pulled(connector, image, 500, str(event["error"]))
    except APIError as error:
        raise _not_pulled(connector, image, status(error), said(error)) from error


def _not_pulled(connector: str, image: str, code: int, words: str) -> TowpathError:
    if code in _DENIED:
        return Denied(f"{connector}: the registry refuses the image {image}: {words}", reason="IMAGE_DENIED")
    if code == _NOT_FOUND:
        return Misconfigured(
            f"{connector}: there is no image {image}, or it takes a `docker login` of the worker's user: {words}",
            reason="IMAGE_NOT_FOUND",
        )
    return Unavailable(
        f"{connector}: the image {image} cannot be pulled: {words}", reason="IMAGE_NOT_PULLED", owner=Owner.PLATFORM
    )


def _check_machine(client: Any, connector: str, image: str, attributes: Any) -> None:
    engine = client.version()
    mine, its = f"{engine['Os']}/{engine['Arch']}", f"{attributes['Os']}/{attributes['Architecture']}"
    if mine != its:
        raise Misconfigured(
            f"{connector}: the image {image} is for {its}, and this worker's engine is {mine}; build it for {mine}, or"
            " publish it for both",
            reason="IMAGE_ARCHITECTURE",
            owner=Owner.CONNECTOR,
        )
