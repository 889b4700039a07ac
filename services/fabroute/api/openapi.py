"""The OpenAPI document as it is committed: the same bytes every time."""

import json

from fabroute.api.app import build_app


def render() -> str:
    """Return the OpenAPI document as indented JSON with a newline at its end. Needs no server and no settings."""
    return json.dumps(build_app(None).openapi(), indent=2, ensure_ascii=False) + "\n"
