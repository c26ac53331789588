"""Check: configurations that do not match the schema, and how they are refused."""

from __future__ import annotations

import json
from collections.abc import Iterable

from towpath_conformance.configs import Spoilt, complaints_of, mistyped, names, without_required
from towpath_conformance.registry import check
from towpath_conformance.trial import Trial
from towpath_conformance.trying import schema_to_judge_by, unmatched
from towpath_conformance.verdicts import expect, skip


@check(
    "check.required-fields",
    asserts="Without any one of the fields that the schema requires, Check fails with INVALID_ARGUMENT, and BadRequest "
    "names the path of the field.",
    why="A form marks the input that the user has to fill in; a message alone leaves them searching.",
    fix="Validate against the schema before anything else, and report each missing field with its whole path.",
)
async def required_fields(trial: Trial) -> None:
    spoilt = list(without_required(schema_to_judge_by(trial), trial.case.config))
    if not spoilt:
        skip("the connector's schema does not declare a required field")
    await _expect_named(trial, spoilt)


@check(
    "check.mistyped-fields",
    asserts="With a value of a wrong JSON type in any one field, Check fails with INVALID_ARGUMENT, and BadRequest "
    "names the path of the field.",
    why="Configurations are written by hand, too; a mistake must be found where it is, not where it strikes.",
    fix="Validate against the schema before anything else, and report each wrong value with its whole path.",
)
async def mistyped_fields(trial: Trial) -> None:
    spoilt = list(mistyped(schema_to_judge_by(trial), trial.case.config))
    if not spoilt:
        skip("the connector's schema does not declare the type of any field")
    await _expect_named(trial, spoilt)


@check(
    "check.unknown-field",
    asserts="Where the schema has additionalProperties false, a field that it does not know is refused with "
    "INVALID_ARGUMENT, and BadRequest names it.",
    why="A misspelt name would otherwise become a default in silence.",
    fix="Refuse what the schema forbids, or allow it in the schema.",
)
async def unknown_field(trial: Trial) -> None:
    schema = schema_to_judge_by(trial)
    name = f"conformance_{trial.random('check.unknown-field').getrandbits(32):x}"
    config = {**trial.case.config, name: 1}
    if not complaints_of(schema, config):
        skip("the connector's schema does not declare that other fields are forbidden")
    await _expect_named(trial, [Spoilt(name, f"with an unknown field {name}", config)])


@check(
    "check.invalid-json",
    asserts="A configuration that is no JSON, or no JSON object, fails with INVALID_ARGUMENT.",
    why="It is the caller's mistake; INTERNAL or UNKNOWN would send people to the author of the connector.",
    fix="Catch the errors of your JSON parser, and refuse whatever is no object.",
)
async def invalid_json(trial: Trial) -> None:
    peer = await trial.peer()
    for text in ("", "{", "configuration", '{"a": 1', "null", "[]", "7", '"text"'):
        problem = unmatched((await peer.check(text, trial.case.patience.call_seconds)).failure)
        expect(not problem, f"with the configuration {text!r}, {problem}")


async def _expect_named(trial: Trial, spoilt: Iterable[Spoilt]) -> None:
    peer = await trial.peer()
    for each in spoilt:
        failure = (await peer.check(json.dumps(each.config), trial.case.patience.call_seconds)).failure
        problem = unmatched(failure)
        expect(not problem, f"{each.what}, {problem}")
        if failure is not None:
            named = f"names {', '.join(failure.fields)}" if failure.fields else "is missing"
            expect(names(failure.fields, each), f"{each.what}, BadRequest {named}; it should name {each.path}")
