"""Sends one message in at most five seconds, to an address that was looked at, and follows nobody elsewhere."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

from fabroute.integrations.webhooks.resolving import (
    ForbiddenAddress,
    Resolve,
    SystemResolver,
    UnknownName,
    checked_addresses,
)
from fabroute.settings import Settings
from fabroute.webhooks.ports import Answer
from fabroute.webhooks.rules.addresses import Address, literal_address
from fabroute.webhooks.rules.urls import Place, UnusableUrl, place_of

SECONDS = 5.0
"""For one message, all in all: name, connection, TLS, answer."""
MOST_READ_BYTES = 16 * 1024
MOST_KEPT_CHARACTERS = 1024
_CONNECT_SECONDS = 2.5
_POLITE_SECONDS = 0.5
"""How long the rest of an answer is listened to whose status is known already."""
_HEADERS = {
    "content-type": "application/json",
    "user-agent": "fabroute-webhooks/1",
    "accept-encoding": "identity",
    "connection": "close",
}
_GONE = 410


class HttpSender:
    """Sends over HTTP/1.1, each message on a connection of its own. Use it inside ``async with``."""

    def __init__(
        self,
        *,
        loopback: bool = False,
        seconds: float = SECONDS,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._loopback = loopback
        self._seconds = seconds
        self._system = SystemResolver()
        self._resolve = resolve or self._system
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                verify=tls or httpx.create_ssl_context(trust_env=False),
                trust_env=False,
                # A kept connection to an address could carry a message for another name at that address.
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            ),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()
        self._system.close()

    async def send(self, *, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST ``body`` to ``url``: name, check, connect to what was checked. It raises nothing."""
        started = time.monotonic()
        status, answered, failure, detail = None, "", "", ""
        try:
            async with asyncio.timeout(self._seconds):
                status, answered = await self._post(place_of(url, loopback=self._loopback), headers, body)
            failure, detail = _judge(status)
        except UnusableUrl as error:
            failure, detail = "unusable_url", error.message
        except ForbiddenAddress as error:
            failure, detail = "forbidden_address", str(error)
        except UnknownName as error:
            failure, detail = "unknown_name", str(error)
        except (TimeoutError, httpx.TimeoutException):
            failure, detail = "timeout", f"no whole answer within {self._seconds:g} seconds"
        except httpx.TransportError as error:
            failure, detail = _broken(error)
        duration_ms = round((time.monotonic() - started) * 1000)
        return Answer(duration_ms=duration_ms, status=status, failure=failure, detail=detail, body=answered)

    async def _post(self, place: Place, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        addresses = await checked_addresses(place, self._resolve, loopback=self._loopback)
        for address in addresses[:-1]:
            try:
                return await self._post_to(address, place, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._post_to(addresses[-1], place, headers, body)

    async def _post_to(
        self, address: Address, place: Place, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str]:
        target = httpx.URL(
            scheme=place.scheme, host=str(address), port=place.port, raw_path=place.target.encode("ascii")
        )
        is_name = literal_address(place.host) is None
        request = self._client.build_request(
            "POST",
            target,
            content=body,
            headers={**_HEADERS, **headers, "host": place.host_header},
            extensions={"sni_hostname": place.host.rstrip(".")} if is_name else {},
        )
        response = await self._client.send(request, stream=True)
        try:
            return response.status_code, await _beginning(response)
        finally:
            await response.aclose()


async def _beginning(response: httpx.Response) -> str:
    """Return the beginning of an answer; what comes slowly, or breaks off, is not waited for: the status is known."""
    content = bytearray()
    try:
        async with asyncio.timeout(_POLITE_SECONDS):
            async for chunk in response.aiter_raw(4096):
                content += chunk
                if len(content) >= MOST_READ_BYTES:
                    break
    except (TimeoutError, httpx.TransportError):
        pass
    text = content[:MOST_READ_BYTES].decode("utf8", errors="replace")
    return "".join(it if it.isprintable() else " " for it in text[:MOST_KEPT_CHARACTERS])


def _judge(status: int) -> tuple[str, str]:
    if 200 <= status < 300:
        return "", ""
    if 300 <= status < 400:
        return "redirect", f"HTTP {status}: redirects are not followed, give the endpoint its final URL"
    if status == _GONE:
        return "gone", "HTTP 410: the receiver wants no more"
    return "status", f"HTTP {status}"


def _broken(error: httpx.TransportError) -> tuple[str, str]:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return (
                "tls",
                f"no trusted connection: {getattr(cause, 'verify_message', '') or cause.reason or 'TLS failed'}",
            )
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return "refused", "nobody takes connections there"
    return "broken", "the connection broke off before there was an answer"


def configured_sender(settings: Settings) -> HttpSender:
    """Return a sender as the settings want it."""
    return HttpSender(loopback=settings.webhooks_to_this_machine)
