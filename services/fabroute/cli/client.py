"""A small client of fabroute's own HTTP API, for the commands."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

import httpx

from fabroute.cli.mapping import Json, OrderBody
from fabroute.kernel.errors import DomainError

JsonObject = dict[str, Json]
_TIMEOUT_SECONDS = 30.0
_PAGE = 200


class ApiRefusal(DomainError):
    """The API answered with a problem; code and status are the API's own."""

    def __init__(self, response: httpx.Response) -> None:
        problem = _problem_of(response)
        self.code = str(problem.get("code", "unexpected_answer"))
        self.status = response.status_code
        details = [f"{item['pointer']}: {item['message']}".lstrip(": ") for item in _objects(problem.get("errors"))]
        super().__init__("; ".join(details) or str(problem.get("detail", f"HTTP {response.status_code}")))


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
        return self._call("GET", path, params={key: value for key, value in params.items() if value is not None})

    def post(self, path: str) -> JsonObject:
        """Do what ``path`` names, without a body."""
        return self._call("POST", path)

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
        json: OrderBody | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JsonObject:
        try:
            response = self._http.request(method, path, json=json, params=params, headers=headers)
        except httpx.TransportError as error:
            raise ApiUnreachable(
                f"no answer from {self._url} ({error.__class__.__name__}): start the API with fabroute serve, "
                "or name another address with --url or FABROUTE_URL"
            ) from error
        if response.is_error:
            raise ApiRefusal(response)
        answer: JsonObject = response.json()
        return answer


def _problem_of(response: httpx.Response) -> JsonObject:
    if "json" not in response.headers.get("content-type", ""):
        return {}
    problem = response.json()
    return problem if isinstance(problem, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
