"""Notices that a client has hung up while its request waits."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Receive

from fabroute.api.admission.resting import resting


@contextmanager
def until_gone(receive: Receive) -> Iterator[asyncio.Task[None]]:
    """Yield a task that ends when the client has hung up; its body must have been read before.

    Others are served meanwhile.
    """
    task = asyncio.ensure_future(_gone(receive))
    try:
        with resting():
            yield task
    finally:
        task.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
