"""Where a name leads, and whether a message may go there."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from fabroute.webhooks.rules.addresses import Address, is_loopback, is_public, literal_address
from fabroute.webhooks.rules.urls import Place

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
_MOST_LOOKUPS = 64


class ForbiddenAddress(Exception):
    """A name leads to an address that no message may be sent to."""


class UnknownName(Exception):
    """A name leads nowhere."""


class SystemResolver:
    """Asks the system, in threads of its own: a name server that hangs holds up nobody else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MOST_LOOKUPS, thread_name_prefix="webhook-names")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of a host, each once. Raises ``UnknownName``."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except (OSError, UnicodeError) as error:
            raise UnknownName(f"{host} has no address") from error
        return [ip_address(name) for name in dict.fromkeys(str(entry[4][0]) for entry in found)]

    def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def checked_addresses(place: Place, resolve: Resolve, *, loopback: bool) -> Sequence[Address]:
    """Return the addresses of a place, each of which may be connected to; ``ForbiddenAddress`` if a single one may not.

    Connect to one of these, and never ask for the name again: the next answer may be another one. With ``loopback``
    this machine is allowed, and plain http to it alone.
    """
    literal = literal_address(place.host)
    found = [literal] if literal is not None else await resolve(place.host, place.port)
    if not found:
        raise UnknownName(f"{place.host} has no address")
    for address in found:
        here = loopback and is_loopback(address)
        if not here and (place.scheme != "https" or not is_public(address)):
            raise ForbiddenAddress(f"{place.host} does not lead to the public internet")
    return found
