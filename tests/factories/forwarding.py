"""A port of this machine that leads to a Unix socket, for programs that know no sockets."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def a_port_to(socket: str) -> Iterator[str]:
    """Yield the address of an HTTP server that listens on a Unix socket."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_listen(socket))
    thread = threading.Thread(target=loop.run_forever, name="forwarding")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_end_all())
        loop.close()


async def _listen(socket: str) -> asyncio.Server:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(socket)
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))

    return await asyncio.start_server(forward, "127.0.0.1", 0)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    writer.close()


async def _end_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
