"""Which values of a case file no report may show.

Requests carry the configuration, so what a check exchanged, and what a connector answers, may hold any secret of it. A
report is made to be published: everything that looks like a secret is masked by its value, rather once too often.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from towpath_sdk.redaction import Redactor

from towpath_conformance.case import Case, changed
from towpath_conformance.schema import parse_schema, secret_texts

__all__ = ["secrets_of"]

_SECRET_NAME = re.compile(
    r"(?i)(password|passwd|passphrase|secret|token|credentials?|(api|access|account|private)[_-]?key)$"
)
_PASSWORD_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:([^/\s@]+)@", re.IGNORECASE)


def secrets_of(case: Case, config_json_schema: str = "", others: Iterable[str] = ()) -> Redactor:
    """A redactor of all that a case file may have that is secret.

    That is: what the connector's schema says is secret, in the valid configuration and its valid variations; what is
    named as secrets are; passwords within URLs; and whatever came from the environment. What `invalid` sets is none:
    it opens no door. `others` are secrets from elsewhere, such as the token of an endpoint.
    """
    schema = parse_schema(config_json_schema)
    variations = list(_variations(case))
    written = case.model_dump(mode="json", exclude={"invalid"})
    return Redactor(
        [
            *case.from_environment,
            *(text for config in variations for text in secret_texts(schema, config)),
            *_named_or_within_urls(written),
            *others,
        ]
    )


def _variations(case: Case) -> Iterator[Mapping[str, Any]]:
    """The valid configuration, and what the case file makes of it for single checks."""
    yield case.config
    for part in (case.source, case.destination):
        for name, value in part or ():
            if isinstance(value, dict) and (name.endswith("_set") or name == "many_streams"):
                yield changed(case.config, cast("dict[str, Any]", value))


def _named_or_within_urls(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from _named_or_within_urls(item, str(key))
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _named_or_within_urls(item, name)
    elif isinstance(value, str):
        if _SECRET_NAME.search(name):
            yield value
        yield from _PASSWORD_IN_URL.findall(value)
