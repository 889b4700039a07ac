"""What schemathesis has to be told, so that it asks what the document promises, and judges that.

**Headers with a pattern.** For the values that ought to be taken its coverage phase makes headers of letters and
digits only, and passes over a header, its examples too, whose pattern needs another character (4.32,
``specs/openapi/coverage/_schema.py``, ``_positive_string``). Then it counts its first wrong value, ``0``, as a sound
one (``_operation.py``, ``_seed_parameters``, which looks at required headers only), and takes the refusal for a failure
of the API. A header whose format it knows is free of that rule, so each of these gets one; wrong values are sent as
before.

**Tables.** It sends ``{}`` and other JSON in place of a text as ``text/csv`` and wants it refused for its type, but
whatever is sent under that media type is a text, as it knows of ``text/plain`` (``specs/openapi/checks.py``,
``_is_stringifying_media_type``): a dry run takes such a table and tells what is wrong with it.
"""

import re
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation

_PLAIN = "0"


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Give every header whose pattern needs more than letters and digits a format that makes values of it."""
    for name, pattern in name_formats(raw_schema).items():
        schemathesis.openapi.format(name, values_of(pattern))


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Failure, case: schemathesis.Case[Any], response: schemathesis.Response
) -> bool:
    """Keep every failure but that a table was taken of which nothing was wrong but the type it had before."""
    return not (isinstance(failure, AcceptedNegativeData) and _is_a_text_as_sent(case))


def _is_a_text_as_sent(case: schemathesis.Case[Any]) -> bool:
    wrong = {location for location, it in case.meta.components.items() if it.mode.is_negative} if case.meta else set()
    return case.media_type == "text/csv" and wrong == {ParameterLocation.BODY}


def values_of(pattern: str) -> st.SearchStrategy[str]:
    """Return texts that keep to the pattern of a header; a digit is one of ASCII there."""
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)


def name_formats(document: Any) -> dict[str, str]:
    """Write a format into the shared headers of ``document`` that have a pattern; return the patterns by format."""
    found: dict[str, str] = {}
    for parameter in document["components"]["parameters"].values():
        pattern = parameter["schema"].get("pattern")
        if parameter["in"] == "header" and pattern and not re.search(pattern, _PLAIN):
            parameter["schema"]["format"] = name = f"header-{parameter['name'].lower()}"
            found[name] = pattern
    return found
