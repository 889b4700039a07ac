"""A RabbitMQ of one's own, of the programs that Debian's package installs: in a folder, on ports that were free."""

import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import amqp

from fabroute_embedded.accounts import Account, server_account
from fabroute_embedded.processes import ServerCommand, ServerProcess, plain_environment, start_process

_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
_STOP_WITHIN_S = 20.0
_EMPTY = "[].\n"
_SETTINGS = """\
listeners.tcp.1 = 127.0.0.1:{port}
loopback_users = none
log.file.level = warning
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
"""
MISSING = "RabbitMQ is not installed here: apt-get install rabbitmq-server"


@dataclass(slots=True, kw_only=True)
class RabbitNode:
    """A node that is its own cluster. Its queues are kept when it is killed; started again it has them."""

    folder: Path
    port: int
    command: ServerCommand
    process: ServerProcess

    @property
    def url(self) -> str:
        """Where Celery reaches it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    @property
    def pid(self) -> int:
        """The Erlang machine: what the shell script turned into."""
        return self.process.pid

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self.process.child.kill()
        self.process.child.wait()

    def start(self) -> None:
        """Start it again after it was killed, and wait until it takes connections."""
        self.process = start_process(self.command, keep=False)
        self.process.wait_until_ready(lambda: _lets_in(self.port))

    def stop(self) -> None:
        """End it in good order."""
        self.process.stop(within_s=_STOP_WITHIN_S)


def is_installed() -> bool:
    """Tell whether the package is there."""
    return (_PROGRAMS / "rabbitmq-server").exists() and shutil.which("erl") is not None


@contextmanager
def rabbitmq_node() -> Iterator[RabbitNode]:
    """Yield a running node, which is gone afterwards with all that it kept. Call it in the main thread."""
    folder = Path(tempfile.mkdtemp(prefix="fabroute-rabbitmq-"))
    account = server_account()
    ports = free_ports(3)
    command = _command(folder, account, *ports)
    for path in (folder, *folder.iterdir()):
        os.chown(path, account.uid, account.gid)
    with ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        names = start_process(_name_server(command), keep=False)
        cleanup.callback(names.stop)
        node = RabbitNode(folder=folder, port=ports[0], command=command, process=start_process(command, keep=False))
        cleanup.callback(node.stop)
        node.process.wait_until_ready(lambda: _lets_in(node.port))
        yield node


def _name_server(command: ServerCommand) -> ServerCommand:
    """Return Erlang's name server as a process of ours: else the node would start one that outlives it."""
    program = shutil.which("epmd")
    assert program is not None, "it comes with erl"
    return replace(command, name="epmd", program=[program])


def _command(folder: Path, account: Account, port: int, cluster_port: int, epmd_port: int) -> ServerCommand:
    (folder / "rabbitmq.conf").write_text(_SETTINGS.format(port=port), encoding="ascii")
    for name in ("enabled_plugins", "advanced.config"):
        (folder / name).write_text(_EMPTY, encoding="ascii")
    own = {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"fabroute{port}@localhost",
        "RABBITMQ_DIST_PORT": str(cluster_port),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        # So that the script becomes the Erlang machine, rather than its parent.
        "RUNNING_UNDER_SYSTEMD": "true",
    }
    return ServerCommand(
        name="RabbitMQ",
        program=[str(_PROGRAMS / "rabbitmq-server")],
        folder=folder,
        log_path=folder / "rabbitmq.log",
        account=account,
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGKILL,
        environment=plain_environment() | own,
    )


def _lets_in(port: int) -> bool:
    """Tell whether somebody may log in: the port is open before that."""
    with suppress(OSError, amqp.exceptions.AMQPError), amqp.Connection(f"127.0.0.1:{port}", connect_timeout=2):
        return True
    time.sleep(0.1)
    return False


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listened on just now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [it.getsockname()[1] for it in held]
    for it in held:
        it.close()
    return ports
