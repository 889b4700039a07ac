"""What schemathesis has to be told of headers with a pattern, so that it sends some that keep to it.

For the values that ought to be taken its coverage phase makes headers of letters and digits only, and passes over a
header, its examples too, whose pattern needs another character (4.32, ``specs/openapi/coverage/_schema.py``,
``_positive_string``). Then it counts its first wrong value, ``0``, as a sound one (``_operation.py``,
``_seed_parameters``, which looks at required headers only), and takes the refusal for a failure of the API. A header
whose format it knows is free of that rule, so each of these gets one; wrong values are sent as before.
"""

import re
from typing import Any

import schemathesis
from hypothesis import strategies as st

_PLAIN = "0"


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Give every header whose pattern needs more than letters and digits a format that makes values of it."""
    for name, pattern in name_formats(raw_schema).items():
        schemathesis.openapi.format(name, values_of(pattern))


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
