"""What lies in which layer of an image: the SDK below, shared and never outdated, or all in one."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fix_docker import DockerEngine
from towpath_authoring.image import build
from towpath_local.images import import_base

_NUMBER = uuid.uuid4().hex
"""Other sessions may build the same on the same engine, and remove it."""

SDK = {"towpath_sdk/__init__.py": "former = True", "towpath_sdk/run.sh": ""}
NEEDED = {"shared/needed/__init__.py": "", "needed.py": f"# {_NUMBER}"}
OWN = {"source_shop/__init__.py": "", "shared/own.py": "", "own.py": ""}
NAME = f"towpath-test-built:{_NUMBER}"


class Shop:
    """A connector, its packages as an installer would leave them, and the images that were built of it."""

    def __init__(self, engine: Any, folder: Path) -> None:
        """Make its folder, without a Dockerfile."""
        self.engine, self.folder, self.base, self.below = engine, folder, import_base(engine), set[str]()
        self.packages: dict[tuple[str, str], Mapping[str, str]] = {
            ("towpath-sdk", "Needed.By_SDK>=1 ; extra == 'more'"): SDK,
            ("needed-by-sdk", "towpath-sdk"): NEEDED,
            ("source-shop", "towpath-sdk"): OWN,
        }

    def install(self, folder: Path, target: Path, **_: Any) -> None:
        """Stand in for the installer, which needs seconds and a network."""
        del folder
        for (name, need), files in self.packages.items():
            info = f"{name.replace('-', '_')}-1.dist-info"
            notes = {f"{info}/METADATA": f"Name: {name}\nRequires-Dist: {need}\n", f"{info}/INSTALLER": "a test"}
            record = "".join(f"{file},,\n" for file in (*files, *notes, f"{info}/RECORD", "bin/removed"))
            for file, text in {**files, **notes, f"{info}/RECORD": record}.items():
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                (target / file).write_text(text)

    def build(self, argument: str) -> build.Built:
        """Build it from a Dockerfile that asks for SDK_IMAGE, or for BASE_IMAGE."""
        labels = "LABEL io.towpath.connector.id=x io.towpath.protocol.version=1.0"
        lines = f"ARG {argument}=none\nFROM ${{{argument}}}\n{labels}\nCOPY site /opt/connector\n"
        (self.folder / "Dockerfile").write_text(lines)
        built = build.build_image(self.folder, name=NAME, base_image=self.base, constraints=[])
        self.below |= {built.below} - {self.base}
        return built

    def files(self, image: str) -> dict[str, str]:
        """Read what an image holds of the connector, without the bytecode and what is said of packages."""
        container = self.engine.containers.create(image, ["none"])
        try:
            stream, _ = container.get_archive("/opt/connector")
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
                found = {one.name.partition("/")[2]: archive.extractfile(one) for one in archive if one.isfile()}
                return {name: file.read().decode() for name, file in found.items() if file and wanted(name)}
        finally:
            container.remove()

    def layers(self, image: str) -> list[str]:
        """Return the digests of an image's layers."""
        return self.engine.images.get(image).attrs["RootFS"]["Layers"]


def wanted(name: str) -> bool:
    """Tell whether a file is one of SDK, NEEDED and OWN."""
    return not name.endswith((".pyc", "/METADATA"))


@pytest.fixture
def shop(docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    made = Shop(docker_engine.client, tmp_path)
    monkeypatch.setattr(build, "install", made.install)
    yield made
    for image in (NAME, *made.below):
        docker_engine.client.images.remove(image)


def test_the_sdk_and_what_it_needs_lie_below_the_rest(shop: Shop) -> None:
    """Only so do connectors share them; together the layers hold everything, once."""
    built = shop.build("SDK_IMAGE")
    assert built.below.startswith("towpath-sdk:")
    assert shop.files(built.below) == {**SDK, **NEEDED}
    assert shop.files(NAME) == {**SDK, **NEEDED, **OWN}
    assert shop.layers(NAME)[:-1] == shop.layers(built.below)
    assert shop.layers(built.below)[:-1] == shop.layers(shop.base)


def test_a_dockerfile_that_knows_no_image_of_the_sdk_gets_everything(shop: Shop) -> None:
    """It was written before there was one, or puts packages somewhere else."""
    built = shop.build("BASE_IMAGE")
    assert built.below == shop.base
    assert shop.files(NAME) == {**SDK, **NEEDED, **OWN}
    assert shop.layers(NAME)[:-1] == shop.layers(shop.base)


def test_an_image_of_the_sdk_is_taken_again_only_for_the_same_sources(shop: Shop) -> None:
    """A connector with the code of yesterday in it is worse than a slow build."""
    former = shop.build("SDK_IMAGE").below
    image = shop.engine.images.get(former).id
    shop.packages["source-shop", "towpath-sdk"] = {**OWN, "own.py": "changed = True"}
    assert shop.build("SDK_IMAGE").below == former
    assert shop.engine.images.get(former).id == image, "not made again"
    for name, text in (("towpath_sdk/__init__.py", "former = False"), ("towpath_sdk/added.py", "")):
        shop.packages["towpath-sdk", "Needed.By_SDK>=1 ; extra == 'more'"] = {**SDK, name: text}
        built = shop.build("SDK_IMAGE")
        assert built.below != former
        assert shop.files(NAME)[name] == text


def test_the_layer_of_the_sdk_has_the_same_bytes_whenever_it_is_made(shop: Shop) -> None:
    """A registry that has it already knows it by its digest, whichever engine sends it."""
    first = shop.build("SDK_IMAGE").below
    layers = shop.layers(first)
    for image in (NAME, first):
        shop.engine.images.remove(image)
    assert shop.layers(shop.build("SDK_IMAGE").below) == layers
