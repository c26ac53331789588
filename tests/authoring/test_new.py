"""`towpath connector new`: what it writes runs, passes its own tests and conformance, and is well kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from authoring_shell import python, towpath

NAMES = ["source-my-shop", "destination-my-lake"]
EXPECTED = {
    "source-my-shop": {"src/source_my_shop/source.py", "tests/test_source.py", "tests/data/poem.txt"},
    "destination-my-lake": {
        "src/destination_my_lake/destination.py",
        "src/destination_my_lake/writer.py",
        "tests/test_destination.py",
        "tests/read_back.py",
    },
}


@pytest.fixture(params=NAMES)
def connector(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A connector that was just written, in an otherwise empty folder."""
    done = towpath(tmp_path, "connector", "new", request.param)
    assert (done.code, done.err) == (0, "")
    return tmp_path / request.param


def test_two_commands_lead_to_a_passing_verdict(connector: Path) -> None:
    """An author who sees a verdict in the first five minutes stays; nothing is skipped that could be judged."""
    done = towpath(connector, "conformance", "--quick", "--junit", "verdict.xml")
    assert done.code == 0, done.out + done.err
    assert "PASSED" in done.out
    assert (connector / "verdict.xml").exists()


def test_it_has_everything_that_a_connector_needs(connector: Path) -> None:
    """Dockerfile, tests, continuous integration: what is not there from the start is never added."""
    written = {path.relative_to(connector).as_posix() for path in connector.rglob("*") if path.is_file()}
    common = {
        "pyproject.toml",
        "README.md",
        "Dockerfile",
        "conformance.yaml",
        "config.json",
        ".github/workflows/ci.yml",
    }
    assert common | EXPECTED[connector.name] <= written
    steps = yaml.safe_load((connector / ".github/workflows/ci.yml").read_text())["jobs"]["test"]["steps"]
    assert [step["run"].split()[0] for step in steps if "run" in step] == ["pip", "pytest", "towpath"]
    for path in connector.rglob("*"):
        if path.is_file():
            assert "<<" not in path.read_text(), f"{path} has a placeholder that was not filled"


def test_its_own_tests_pass(connector: Path) -> None:
    """A test that fails on the first day is deleted on the second."""
    done = python(connector, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.code == 0, done.out + done.err


def test_its_code_is_formatted_and_has_no_lint(connector: Path) -> None:
    """What is generated is an example: it is copied as it is."""
    ruff = Path(sys.executable).parent / "ruff"
    for words in (["check", "--isolated", "--select", "E,F,W,I,B,UP,SIM,RUF"], ["format", "--isolated", "--check"]):
        done = subprocess.run(
            [ruff, *words, "--line-length", "120", "--target-version", "py311", "."],
            cwd=connector,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    """Somebody's work of a week may be in it."""
    (tmp_path / "source-shop").mkdir()
    (tmp_path / "source-shop" / "notes.txt").write_text("mine")
    done = towpath(tmp_path, "connector", "new", "source-shop")
    assert done.code == 6
    assert done.err.startswith("error: source-shop is there already")
    assert [path.name for path in (tmp_path / "source-shop").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["shop", "source-", "Source-A", "source-2go", "source-a_b", "source-a--b"])
def test_name_that_is_none_is_refused_with_the_rule(tmp_path: Path, name: str) -> None:
    """The name becomes a package, a class and an image; each has rules of its own."""
    done = towpath(tmp_path, "connector", "new", name)
    assert done.code == 3
    assert "write source-NAME or destination-NAME" in done.err
    assert list(tmp_path.iterdir()) == []
