"""Looks at problems (RFC 9457) that the API answers with."""

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a client branches on."""

    status: int
    code: str
    pointers: tuple[str, ...] = ()


def refusal_of(response: httpx.Response) -> Refusal:
    """Return status, code and pointers of a problem, which must be a whole one."""
    problem = problem_of(response)
    pointers = tuple(item["pointer"] for item in problem["errors"])
    return Refusal(status=response.status_code, code=problem["code"], pointers=pointers)


def messages_of(response: httpx.Response) -> list[str]:
    """Return what a problem says about each field."""
    return [item["message"] for item in problem_of(response)["errors"]]


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Return a problem, after a check that nothing of RFC 9457 and of the house is missing."""
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    problem: dict[str, Any] = response.json()
    fields = {"type", "title", "status", "code", "detail", "doc_url", "request_id", "errors"}
    assert set(problem) - {"details"} == fields
    assert problem["doc_url"].endswith(f"/docs/errors/{problem['code']}")
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:fabroute:problem:{problem['code']}"
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert problem["title"]
    assert problem["detail"]
    return problem
