"""Pipeline files: applied twice they change nothing, and every complaint says where."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_prompt import Prompt
from cli_scene import Scene


def _pipeline(scene: Scene, name: str, rows: int = 10, more: str = "") -> str:
    return f"""\
kind: connection
name: {name}
source: {name}
destination: {name}
streams:
  - {{name: numbers0, read: incremental, cursor: n}}
  - numbers1
schedule: {{every: 90m}}
settings: {{commit_bytes: 2MiB, commit_interval: 30s}}
{more}
---
kind: source
name: {name}
connector: numbers
config: {{rows: {rows}, streams: 2, password: "${{NUMBERS_PASSWORD}}"}}
---
kind: destination
name: {name}
connector: folder
config: {{folder: {scene.folder(name)}}}
"""


@pytest.fixture
def apply(towpath: Prompt) -> Prompt:
    """The command with a variable that the files want."""
    return Prompt(towpath.stack, {"NUMBERS_PASSWORD": "sw0rdfish"})


def test_a_file_applied_twice_changes_nothing(apply: Prompt, scene: Scene, tmp_path: Path) -> None:
    """It may stand in a cron job or a deployment: the order of entries is ours, and the second time says so."""
    file = tmp_path / "pipeline.yaml"
    file.write_text(_pipeline(scene, "twice"))
    first = apply.ok("apply", "-f", str(file))
    assert [line for line in first.out.splitlines() if not line.startswith(" ")] == [
        "+ source twice",
        "+ destination twice",
        "+ connection twice",
        "3 created",
    ]
    second = apply.ok("apply", "-f", str(file))
    assert second.out == (
        "= source twice unchanged\n= destination twice unchanged\n= connection twice unchanged\n"
        "nothing to do: 3 unchanged\n"
    )
    assert "sw0rdfish" not in first.out + first.err + second.out + second.err
    sync = apply.ok("sync", "twice", "--follow")
    assert "20 rows" in sync.out


def test_a_change_is_shown_field_by_field_before_and_after(apply: Prompt, scene: Scene) -> None:
    """A dry run shows the same and changes nothing; what the file leaves out stays."""
    apply.ok("apply", "-f", "-", stdin=_pipeline(scene, "changing"))
    calendar = "{cron: '0 3 * * *', time_zone: Asia/Tokyo}"
    changed = _pipeline(scene, "changing", rows=11).replace("{every: 90m}", calendar).replace("  - numbers1\n", "")
    dry = apply.ok("apply", "--dry-run", "-f", "-", stdin=changed)
    assert "dry run: nothing was changed" in dry.out
    shown = [line.strip() for line in dry.out.splitlines() if line.startswith("    ")]
    assert shown == [
        "~ config.rows: 10 -> 11",
        "~ schedule: every 1h30m -> cron 0 3 * * * Asia/Tokyo",
        "- streams[numbers1].read: snapshot",
        "- streams[numbers1].write: overwrite",
    ]
    done = apply.ok("apply", "-f", "-", stdin=changed)
    assert [line.strip() for line in done.out.splitlines() if line.startswith("    ")] == shown
    assert "2 changed, 1 unchanged" in done.out
    without = changed.replace("schedule: {cron: '0 3 * * *', time_zone: Asia/Tokyo}\n", "")
    assert "nothing to do" in apply.ok("apply", "-f", "-", stdin=without).out


def test_a_changed_secret_is_noticed_and_never_shown(apply: Prompt, scene: Scene) -> None:
    """Only the server can compare secrets; it must neither miss a new one nor see one where there is none."""
    text = _pipeline(scene, "secretive")
    apply.ok("apply", "-f", "-", stdin=text)
    rotated = apply.ok("apply", "-f", "-", stdin=text, environ={"NUMBERS_PASSWORD": "b3tter"})
    assert "~ source secretive\n    ~ config: other secrets -> the given secrets\n" in rotated.out
    again = apply.ok("apply", "-f", "-", stdin=text, environ={"NUMBERS_PASSWORD": "b3tter"})
    assert "nothing to do" in again.out
    assert "b3tter" not in rotated.out + rotated.err + again.out


def test_json_tells_programs_what_was_done(apply: Prompt, scene: Scene) -> None:
    """A deployment can decide by it whether anything changed."""
    text = _pipeline(scene, "telling")
    created = apply.ok("apply", "-f", "-", "-o", "json", stdin=text).json
    assert [(change["kind"], change["action"]) for change in created["changes"]] == [
        ("source", "create"),
        ("destination", "create"),
        ("connection", "create"),
    ]
    assert {"path": "config.password", "before": None, "after": "********"} in created["changes"][0]["fields"]
    repeated = apply.ok("apply", "-f", "-", "-o", "json", stdin=text).json
    assert {change["action"] for change in repeated["changes"]} == {"unchanged"}


def test_lists_below_their_kinds_are_a_file_too(apply: Prompt, scene: Scene) -> None:
    """Those who keep everything in one mapping need no separators; $${ is how a literal is written."""
    text = f"""
sources:
  - {{name: listed, connector: numbers, config: {{password: "$${{literal}}"}}}}
destinations:
  - {{name: listed, connector: folder, config: {{folder: {scene.folder("listed")}}}}}
"""
    assert "2 created" in apply.ok("apply", "-f", "-", stdin=text).out


_SOURCE = "kind: source\nname: broken\nconnector: numbers\n"

_MISTAKES = {
    "kind: source\n  name: broken\n": "pipeline.yaml:2:7: mapping values are not allowed here; mend the YAML",
    "name: [1, 2\n": "pipeline.yaml:2:1: expected ',' or ']', but got '<stream end>'; mend the YAML",
    "name: a\nname: b\n": "pipeline.yaml:2:1: `name` is there twice; keep one",
    "name: !!binary aGk=\n": "pipeline.yaml:1:7: a value of type binary cannot be used; quote it",
    "": "the file describes nothing",
    "- 1": "pipeline.yaml:1: a mapping is wanted",
    "kind: sauce\nname: x\n": "pipeline.yaml:1: `kind: sauce` is not known; choose one of: connector, source",
    "sauces: []\n": "pipeline.yaml:1: `sauces` is not known here",
    "kind: source\nname: broken\n": "pipeline.yaml:1: connector: is required",
    "kind: source\nname: Broken\nconnector: numbers\n": "pipeline.yaml:2: name: use 1 to 63 lower-case letters",
    _SOURCE + "confg: {}\n": "pipeline.yaml:4: confg: there is no such field",
    _SOURCE + "config: 7\n": "pipeline.yaml:4: config: ",
    _SOURCE + "config:\n  rows: ten\n": "pipeline.yaml:1: source broken: the configuration does not match",
    _SOURCE + "config:\n  rows: ten\n ": "rows: must be an integer",
    _SOURCE + 'config: {password: "${NOT_SET_HERE}"}\n': "environment variable NOT_SET_HERE is not set",
    _SOURCE + 'config: {password: "${NOT_SET_HERE}"}\n ': "config.password: wants ${NOT_SET_HERE}",
    _SOURCE + "---\n" + _SOURCE: "pipeline.yaml:5: source `broken` is described twice, first at pipeline.yaml:1",
    "kind: source\nname: misspelt\nconnector: nombers\n": "did you mean `numbers`?",
}


@pytest.mark.parametrize(("text", "complaint"), _MISTAKES.items(), ids=range(len(_MISTAKES)))
def test_a_mistake_in_a_file_is_named_with_its_place(
    towpath: Prompt, counted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, complaint: str
) -> None:
    """File, line and, for YAML itself, column: what an editor jumps to."""
    monkeypatch.chdir(tmp_path)
    Path("pipeline.yaml").write_text(text)
    said = towpath("apply", "-f", "pipeline.yaml")
    assert complaint in said.err
    assert said.code in (3, 5)
    assert said.out == ""


_FIELDS = {
    "schedule: {cron: nonsense}": "cron",
    "schedule: {cron: '0 3 * * *', time_zone: Mars/Olympus}": "Mars/Olympus",
    "schedule: {every: soon}": "pipeline.yaml:5: schedule.every: `soon` is no duration; write for instance 30s, 15m",
    "schedule: {every: 5m, cron: '@daily'}": "give `every` or `cron`, not both",
    "schedule: {time_zone: UTC}": "`time_zone` belongs to `cron`",
    "streams: [numbers7]": "the source has no stream numbers7; choose one of: numbers0, numbers1",
    "streams: [{name: numbers0, columns: [m]}]": "numbers0 has no column 'm'; choose one of: n, stream, text",
    "streams: [{name: numbers0, read: incremental, cursor: text}]": "cannot be a cursor of numbers0; choose one of: n",
    "streams: [{name: numbers0, read: incremental}]": "an INCREMENTAL read of numbers0 needs one; choose: n",
    "streams: [{name: numbers0, read: sideways}]": "pipeline.yaml:5: streams[0].read: input should be 'snapshot'",
    "streams: []": "pipeline.yaml:5: streams: ",
    "schema_change: ignore": "pipeline.yaml:5: schema_change: input should be 'propagate' or 'fail'",
    "settings: {commit_bytes: huge}": "pipeline.yaml:5: settings.commit_bytes: `huge` is no size",
    "settings: {max_parallel_streams: 0}": "settings.max_parallel_streams: ",
}


@pytest.mark.parametrize(("line", "complaint"), _FIELDS.items(), ids=range(len(_FIELDS)))
def test_a_mistake_in_a_connection_is_named_with_the_choices(
    towpath: Prompt, counted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, complaint: str
) -> None:
    """Streams, columns and cursors are asked from the source, so that they can be offered before a job fails."""
    monkeypatch.chdir(tmp_path)
    head = "kind: connection\nname: counted\nsource: counted\ndestination: counted\n"
    Path("pipeline.yaml").write_text(head + line + "\n")
    said = towpath.fails(3, "apply", "-f", "pipeline.yaml")
    assert complaint in said
    assert "pipeline.yaml:" in said


def test_a_file_that_is_not_there_is_a_sentence(towpath: Prompt, tmp_path: Path) -> None:
    """So is one that is no text."""
    assert "cannot read" in towpath.fails(3, "apply", "-f", str(tmp_path / "none.yaml"))
    (tmp_path / "image.yaml").write_bytes(b"\xff\xd8\xff\xe0")
    assert "is not UTF-8 text" in towpath.fails(3, "apply", "-f", str(tmp_path / "image.yaml"))
    assert "cannot read" in towpath.fails(3, "apply", "-f", str(tmp_path))
