"""JSON over HTTP to somebody's server: what came back, what was refused, and what has to be asked again."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx

from fabroute.kernel.errors import DomainError

JsonObject = dict[str, Any]
_SECONDS = 15.0
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_IN_FLIGHT = "idempotency_key_in_flight"
_MOST_WORDS = 400


class Refused(DomainError):
    """A server said no; ``status`` is its own, and ``code`` where it gives one."""

    def __init__(self, *, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code, self.status = code, status

    @property
    def is_about_access(self) -> bool:
        """Whether it is the key that is refused, not what was asked with it."""
        return self.status in (401, 403)


class Unavailable(DomainError):
    """No answer, or one that asks to come again: nothing is known of what was sent, so it is sent again."""

    code = "unavailable"
    status = 503

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class JsonWire:
    """Calls the server ``name`` at ``url``. Raises ``Refused`` and ``Unavailable``. Redirects are refusals."""

    def __init__(
        self,
        *,
        name: str,
        url: str,
        headers: Mapping[str, str],
        transport: httpx.BaseTransport | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        self._name, self._url = name, url.rstrip("/")
        tls = url.startswith("https")  # without it, certificates need not be loaded
        told = {"User-Agent": "fabroute-bridge/1", "Accept": "application/json"} | dict(headers)
        self._http = httpx.Client(
            base_url=self._url, headers=told, timeout=seconds, transport=transport, verify=tls, follow_redirects=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> JsonObject:
        """Return the object at ``path``."""
        return as_object(self._ask("GET", path, params=dict(params) if params else None))

    def get_list(self, path: str) -> list[JsonObject]:
        """Return the array of objects at ``path``."""
        return objects(_content(self._ask("GET", path)))

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> JsonObject:
        """Send a JSON body and return the object that is answered; an empty one where nothing is."""
        return as_object(self._ask(method, path, json=body, headers=dict(headers or {})))

    def follow(self, url: str) -> JsonObject | None:
        """Return the object at an address that the server gave; ``None`` for another server: that gets no key."""
        ours, target = urlsplit(self._url), urljoin(f"{self._url}/", url)
        theirs = urlsplit(target)
        return self.get(target) if (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc) else None

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise Unavailable(f"no answer from {self._name} ({error.__class__.__name__})") from error
        if answer.is_success:
            return answer
        raise self._problem(answer)

    def _problem(self, answer: httpx.Response) -> DomainError:
        told = as_object(answer) if "json" in answer.headers.get("content-type", "") else {}
        code = str(told.get("code", f"http_{answer.status_code}"))
        words = _words(told) or f"{self._name} answered {answer.status_code}"
        if answer.status_code in _RETRIED or code == _IN_FLIGHT:
            return Unavailable(words, retry_after=retry_after_of(answer))
        return Refused(code=code, status=answer.status_code, message=words)


def as_object(answer: httpx.Response) -> JsonObject:
    """Return the object in an answer; an empty one where there is none."""
    told = _content(answer)
    return told if isinstance(told, dict) else {}


def objects(value: object) -> list[JsonObject]:
    """Return the objects of a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, Sequence) else []


def retry_after_of(answer: httpx.Response) -> float | None:
    """Return the seconds of ``Retry-After`` (Shopify writes ``2.0``); ``None`` where there is none, or a date."""
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.replace(".", "", 1).isdecimal() else None


def _content(answer: httpx.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError:
        return None


def _words(told: JsonObject) -> str:
    """Return what a server said: fields of problem+json first, else Shopify's ``errors`` or ``message``."""
    lines = [f"{it.get('pointer', '')}: {it.get('message', '')}".lstrip(": ") for it in objects(told.get("errors"))]
    said = "; ".join(lines) or told.get("detail") or told.get("message") or told.get("errors") or ""
    return str(said)[:_MOST_WORDS]
