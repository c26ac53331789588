"""A verdict on any Towpath connector, in any language, as a black box over gRPC.

    report = await judge(CommandTarget(["python", "my_source.py"]), load_case(Path("conformance.yaml")))
    assert report.passed

`towpath conformance` is the command; `CHECKS` are the rules, each with what it asserts, why, and how to mend it.
"""

from __future__ import annotations

from towpath_conformance import checks as _checks
from towpath_conformance.case import Case, load_case
from towpath_conformance.registry import CHECKS, Check, Group
from towpath_conformance.runner import Report, judge
from towpath_conformance.targets import CommandTarget, EndpointTarget
from towpath_conformance.verdicts import Outcome, Verdict

assert _checks.__all__, "importing the checks registers them"

__all__ = [
    "CHECKS",
    "Case",
    "Check",
    "CommandTarget",
    "EndpointTarget",
    "Group",
    "Outcome",
    "Report",
    "Verdict",
    "judge",
    "load_case",
]
