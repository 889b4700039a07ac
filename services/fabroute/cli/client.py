"""A small client of fabroute's own HTTP API, for the commands."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

import httpx

from fabroute.cli.mapping import Json, OrderBody
from fabroute.kernel.errors import DomainError

JsonObject = dict[str, Json]
Value = TypeVar("Value")
_TIMEOUT_SECONDS = 30.0
_LONG_TIMEOUT_SECONDS = 600.0
"""For whole tables and large files."""
_PAGE = 200


class ApiRefusal(DomainError):
    """The API answered with a problem; code and status are the API's own."""

    def __init__(self, response: httpx.Response) -> None:
        problem = _problem_of(response)
        self.code = str(problem.get("code", "unexpected_answer"))
        self.status = response.status_code
        lines = [f"{item['pointer']}: {item['message']}".lstrip(": ") for item in _objects(problem.get("errors"))]
        detail = str(problem.get("detail", f"HTTP {response.status_code}"))
        told_in_full = problem.get("details")  # such a detail says more than the lines
        super().__init__(detail if told_in_full else "; ".join(lines) or detail)
        self.lines = tuple(lines)


class ApiUnreachable(DomainError):
    """Nothing answers at the API's address."""

    code = "api_unreachable"
    status = 503


class ApiClient:
    """Calls the API at ``url`` with an API key; safe to share between threads."""

    def __init__(self, *, url: str, key: str, connections: int = 16) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_TIMEOUT_SECONDS,
            limits=httpx.Limits(max_connections=connections),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def place_order(self, body: OrderBody, *, idempotency_key: str) -> JsonObject:
        """Place one order and return it; ``ApiRefusal`` if it is refused."""
        return self._call("POST", "/v1/orders", json=body, headers={"Idempotency-Key": idempotency_key})

    def get(self, path: str, **params: str | int | None) -> JsonObject:
        """Return the object at ``path``."""
        return self._call("GET", path, params=_given(params))

    def post(self, path: str, body: Mapping[str, Json] | None = None) -> JsonObject:
        """Do what ``path`` names, with a JSON body if there is one."""
        return self._call("POST", path, json=body)

    def send(self, method: str, path: str, *, content: bytes, media_type: str, **params: str | None) -> JsonObject:
        """Send ``content`` as it is and return the answer."""
        headers = {"Content-Type": media_type}
        return self._call(
            method, path, content=content, headers=headers, params=_given(params), seconds=_LONG_TIMEOUT_SECONDS
        )

    def send_file(self, path: str, *, file: Path, media_type: str, **params: str | None) -> JsonObject:
        """PUT a file, streamed, and return the answer."""
        with file.open("rb") as content:
            headers = {"Content-Type": media_type, "Content-Length": str(file.stat().st_size)}
            return self._call(
                "PUT", path, content=content, headers=headers, params=_given(params), seconds=_LONG_TIMEOUT_SECONDS
            )

    def text(self, path: str, **params: str | None) -> str:
        """Return the text at ``path``."""
        return self._request("GET", path, params=_given(params), seconds=_LONG_TIMEOUT_SECONDS).text

    def content(self, path: str) -> bytes:
        """Return the file at ``path``."""
        return self._request("GET", path, seconds=_LONG_TIMEOUT_SECONDS).content

    def pages(self, path: str, **params: str | int | None) -> Iterator[JsonObject]:
        """Yield every object of a list, page by page."""
        cursor: Json = None
        while True:
            page = self.get(path, limit=_PAGE, cursor=None if cursor is None else str(cursor), **params)
            yield from _objects(page["data"])
            cursor = page.get("next_cursor")
            if not page.get("has_more"):
                return

    def _call(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Json] | None = None,
        content: bytes | IO[bytes] | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = _TIMEOUT_SECONDS,
    ) -> JsonObject:
        response = self._request(
            method, path, json=json, content=content, params=params, headers=headers, seconds=seconds
        )
        answer: JsonObject = response.json() if response.content else {}
        return answer

    def _request(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Json] | None = None,
        content: bytes | IO[bytes] | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = _TIMEOUT_SECONDS,
    ) -> httpx.Response:
        query = dict(params) if params else None  # an empty one would take the path's own query away
        try:
            response = self._http.request(
                method, path, json=json, content=content, params=query, headers=headers, timeout=seconds
            )
        except httpx.TransportError as error:
            raise ApiUnreachable(
                f"no answer from {self._url} ({error.__class__.__name__}): start the API with fabroute serve, "
                "or name another address with --url or FABROUTE_URL"
            ) from error
        if response.is_error:
            raise ApiRefusal(response)
        return response


def _given(params: Mapping[str, Value | None]) -> dict[str, Value]:
    return {key: value for key, value in params.items() if value is not None}


def _problem_of(response: httpx.Response) -> JsonObject:
    if "json" not in response.headers.get("content-type", ""):
        return {}
    problem = response.json()
    return problem if isinstance(problem, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
