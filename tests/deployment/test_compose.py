"""deploy/compose.yaml says what our programs understand. Its images cannot be pulled where the tests run."""

from __future__ import annotations

import os
import shutil
import ssl
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from towpath_local.web.command import envoy_config
from towpath_server.settings import read_settings
from towpath_worker.settings import WorkerSettings

_DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def compose() -> Mapping[str, Any]:
    """The file, parsed."""
    return yaml.safe_load((_DEPLOY / "compose.yaml").read_text())


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """What `secrets.sh` makes, elsewhere than in the checkout."""
    script = shutil.copy(_DEPLOY / "secrets.sh", tmp_path)
    subprocess.run([script, "towpath.example.com"], check=True, capture_output=True, timeout=60)
    return tmp_path / "secrets"


def _found(environment: Mapping[str, str], secrets: Path) -> dict[str, str]:
    """The environment of a service, with its secrets where they are here."""
    return {name: value.replace("/run/secrets", str(secrets)) for name, value in environment.items()}


def test_server_and_worker_accept_their_settings(compose: Mapping[str, Any], secrets: Path) -> None:
    """A variable that nobody reads, or a file that nobody can use, is found here and not by an operator."""
    services = compose["services"]
    server = read_settings([], _found(services["server"]["environment"], secrets))
    assert (server.listen, server.temporal_address) == ("0.0.0.0:7070", "temporal:7233")
    worker = WorkerSettings.from_environment(_found(services["worker"]["environment"], secrets))
    assert worker.temporal == server.temporal_address


def test_every_secret_that_is_named_is_made_and_private(compose: Mapping[str, Any], secrets: Path) -> None:
    """What is mounted has to exist, and nobody else on the host reads it."""
    named = {name for service in compose["services"].values() for name in service.get("secrets", [])}
    assert named == set(compose["secrets"])
    for name, declared in compose["secrets"].items():
        assert declared == {"file": f"./secrets/{name}"}
        assert stat.S_IMODE((secrets / name).stat().st_mode) == 0o600
    ssl.create_default_context().load_cert_chain(secrets / "tls.crt", secrets / "tls.key")


def test_secrets_that_are_there_stay(secrets: Path) -> None:
    """The script is run again after updates; a new encryption key would lock everybody out."""
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    subprocess.run([secrets.parent / "secrets.sh"], check=True, capture_output=True, timeout=60)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before


def test_front_is_configured_by_a_command_that_exists(compose: Mapping[str, Any]) -> None:
    """The flags in compose.yaml are those of `towpath envoy-config`."""
    words = compose["services"]["envoy"]["entrypoint"][-1].split(" > ")[0].split()
    assert words[:2] == ["towpath", "envoy-config"]
    flags = [word.replace('"$$TOWPATH_NAME"', "towpath.example.com") for word in words[2:]]
    done = CliRunner().invoke(envoy_config, flags)
    assert done.exit_code == os.EX_OK, done.output
    assert '"towpath.example.com"' in done.output
