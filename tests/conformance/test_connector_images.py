"""The connectors of this repository as images: judged like the programs, of the same bytes always, and sharing most."""

from __future__ import annotations

import io
import os
import platform
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_docker import DockerEngine
from towpath_authoring.image.sdk import take_sdk
from towpath_authoring.image.site import finish, install
from towpath_conformance import CHECKS, Outcome, judge
from towpath_conformance.case import Patience, load_case
from towpath_conformance.targets.image import ImageTarget

ROOT = Path(__file__).parents[2]
CONNECTORS = ROOT / "connectors"
GROUPS = {
    "source-faker": {"handshake", "check", "discover", "read"},
    "destination-local": {"handshake", "check", "write"},
}
"""What is judged by containers; the rest of the groups differs in nothing but time."""

QUICK = Patience(ready_seconds=90, slow_reader_seconds=2, idle_seconds=6, blocked_seconds=0.5, kills=2)


@pytest.fixture
def everybodys_files() -> Iterator[None]:
    """What the judge makes may be written by the image's user."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.usefixtures("everybodys_files")
async def test_the_image_of_a_connector_passes_what_the_program_passes(
    name: str, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    """A read-only root, another user and no capabilities are what it will run with."""
    image = docker_engine.connector(name)
    tmp_path.chmod(0o777)  # noqa: ASYNC240 nothing else runs yet
    (tmp_path / f"towpath-{name}").mkdir()
    case = load_case(CONNECTORS / name / "conformance.yaml", {"TMPDIR": str(tmp_path)})
    case = case.model_copy(update={"patience": QUICK})
    target = ImageTarget(image, volumes=[f"{tmp_path}:{tmp_path}"])
    checks = [check for check in CHECKS.values() if check.group.value in GROUPS[name] and not check.slow]
    report = await judge(target, case, checks=checks, seed=7, at_once=3)
    broken = {v.check_id: v.message for v in report.verdicts if v.outcome in (Outcome.FAIL, Outcome.ERROR)}
    assert broken == {}
    passed = {v.check_id.split(".")[0] for v in report.verdicts if v.outcome is Outcome.PASS}
    assert passed >= {"handshake", "read" if name.startswith("source") else "write"}


def test_an_image_is_the_same_whenever_it_is_built(docker_engine: DockerEngine, tmp_path: Path) -> None:
    """Whoever builds a release again can tell that it is what was released."""
    first = docker_engine.client.images.get(docker_engine.connector("destination-local"))
    site, sdk = tmp_path / "site", tmp_path / "sdk"
    pins = ROOT / "requirements.lock"
    install(CONNECTORS / "destination-local", site, machine=platform.machine(), constraints=[pins])
    take_sdk(site, sdk)
    made = {}
    for folder in (sdk, site):
        finish(folder)
        made |= {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    container = docker_engine.client.containers.create(first.id)
    try:
        stream, _ = container.get_archive("/opt/connector")
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            files = {member.name.partition("/")[2]: member for member in archive.getmembers() if member.isfile()}
            assert set(files) == set(made)
            for name, member in files.items():
                content = archive.extractfile(member)
                assert content is not None
                assert content.read() == made[name].read_bytes(), name
    finally:
        container.remove()
    assert first.labels["io.towpath.connector.id"] == "io.towpath.destination-local"
    assert first.attrs["Config"]["User"] not in ("", "0", "root")
    sources = [ROOT / "sdk/src", ROOT / "proto/gen/python", CONNECTORS / "destination-local/src"]
    for file in [file for folder in sources for file in folder.rglob("*.py")]:
        (found,) = [made[str(file.relative_to(folder))] for folder in sources if file.is_relative_to(folder)]
        assert found.read_bytes() == file.read_bytes(), "what an installer once built may be of former sources"


def test_images_share_the_layer_with_the_sdk(docker_engine: DockerEngine) -> None:
    """It is most of an image, and would be made, kept and pulled once for each."""
    engine = docker_engine.client
    images = [engine.images.get(docker_engine.connector(name)) for name in GROUPS]
    *shared, _ = images[0].attrs["RootFS"]["Layers"]
    assert [image.attrs["RootFS"]["Layers"][:-1] for image in images] == [shared] * len(images)
    smallest = min(image.attrs["Size"] for image in images)
    sdk, *_ = [one for one in engine.images.list("towpath-sdk") if one.attrs["RootFS"]["Layers"] == shared]
    assert smallest - sdk.attrs["Size"] < 5 << 20, "destination-local adds nothing but itself"
