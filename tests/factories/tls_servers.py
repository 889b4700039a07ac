"""TLS in front of a server that speaks plainly: what a broker's own TLS, or a proxy, is to its clients."""

import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_PIECE = 65_536


@contextmanager
def tls_in_front_of(path: Path, context: ssl.SSLContext) -> Iterator[int]:
    """Yield a port of this machine at which a server's Unix socket answers over TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, path, context), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _accept(listener: socket.socket, path: Path, context: ssl.SSLContext) -> None:
    with suppress(OSError):
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=_serve, args=(plain, path, context), daemon=True).start()


def _serve(plain: socket.socket, path: Path, context: ssl.SSLContext) -> None:
    with ExitStack() as opened, suppress(OSError):
        opened.enter_context(plain)
        client = opened.enter_context(context.wrap_socket(plain, server_side=True))
        server = opened.enter_context(socket.socket(socket.AF_UNIX))
        server.connect(str(path))
        _pass_on(client, server)


def _pass_on(client: ssl.SSLSocket, server: socket.socket) -> None:
    with selectors.DefaultSelector() as waiting:
        waiting.register(client, selectors.EVENT_READ, server)
        waiting.register(server, selectors.EVENT_READ, client)
        while True:
            for key, _ in waiting.select():
                source = client if key.fileobj is client else server
                while piece := source.recv(_PIECE):
                    key.data.sendall(piece)
                    if source is server or not client.pending():
                        break
                if not piece:
                    return
