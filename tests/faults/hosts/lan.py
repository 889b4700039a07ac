"""Machines that are network namespaces of this one, joined by a switch: each can be cut off, or taken away.

A host that is cut off is taken out of the switch: its own link stays up, and whatever is sent either way vanishes.
Everybody knows everybody's hardware address for good, so nobody learns from ARP that a host is gone: only silence says
so, as behind a router. Addresses are of the range that is set apart for tests of networks (RFC 2544).
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.chaos.watchdog import signal_to

_NAMESPACES = Path("/run/netns")
_BRIDGE = "lan"
_OUTSIDE = 1
"""The last part of the address of those who stand outside all hosts: clients."""
_FIRST_HOST = 10
_GONE_SECONDS = 10.0


class LanRefused(Exception):
    """No network can be made here; says what is missing."""


def require_lan() -> None:
    """Raise ``LanRefused`` unless namespaces, pairs of links and bridges can be made here."""
    if os.geteuid() != 0:
        raise LanRefused("it needs root: only root makes network namespaces")
    if shutil.which("ip") is None:
        raise LanRefused("it needs the command ip: apt-get install iproute2")
    with made_lan(("probe",)):
        pass


@contextmanager
def made_lan(hosts: Sequence[str]) -> Iterator["Lan"]:
    """Yield a network of hosts by name; nothing of it stays, nor any process that runs on one of them."""
    lan = Lan(hosts)
    try:
        lan.make()
        yield lan
    finally:
        lan.unmake()


class Lan:
    """Hosts at one switch. Call it from one thread."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._places = {name: place for place, name in enumerate(hosts, _FIRST_HOST)}
        self._net = f"198.18.{os.getpid() % 250}"
        self._prefix = f"fabroute-{os.getpid()}"
        self._outside = f"fab{os.getpid()}"

    def address(self, host: str) -> str:
        """Return where a host is reached."""
        return f"{self._net}.{self._places[host]}"

    @property
    def network(self) -> str:
        """All addresses."""
        return f"{self._net}.0/24"

    def command(self, host: str, program: Sequence[str]) -> list[str]:
        """Return how to run a program on a host; as long as that is gone, the program waits for it."""
        wait = 'until ip netns exec "$0" true 2>/dev/null; do sleep 0.3; done; exec ip netns exec "$0" "$@"'
        return ["/bin/sh", "-c", wait, self._namespace(host), *program]

    def host_of(self, pid: int) -> str | None:
        """Return on which host a process runs; ``None`` where it has gone, or runs on none."""
        with suppress(OSError):
            own = os.stat(f"/proc/{pid}/ns/net").st_ino
            for host in self._places:
                with suppress(OSError):
                    if (_NAMESPACES / self._namespace(host)).stat().st_ino == own:
                        return host
        return None

    def processes(self, host: str) -> tuple[int, ...]:
        """Return the processes that run on a host."""
        everybody = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
        return tuple(pid for pid in everybody if self.host_of(pid) == host)

    def cut(self, host: str) -> None:
        """Let nothing in or out of a host any more, and tell nobody."""
        self._ip("-n", self._switch, "link", "set", host, "nomaster")

    def join(self, host: str) -> None:
        """Connect a host that was cut off."""
        self._ip("-n", self._switch, "link", "set", host, "master", _BRIDGE)

    def take_away(self, host: str) -> None:
        """End a host as the loss of its power does: no process of it says good-bye, no connection is closed."""
        self.cut(host)
        until = time.monotonic() + _GONE_SECONDS
        while (running := self.processes(host)) and time.monotonic() < until:
            signal_to(running, signal.SIGKILL)
            time.sleep(0.02)
        self._ip("-n", self._switch, "link", "del", host)
        self._ip("netns", "del", self._namespace(host))

    def put_back(self, host: str) -> None:
        """Bring a host back that was taken away: with its address, and nothing on it."""
        self._add(self._namespace(host), host, self._places[host])

    def make(self) -> None:
        """Make switch and hosts, and the way to them from outside."""
        with suppress(LanRefused):
            self._ip("link", "del", self._outside)
        self._ip("netns", "add", self._switch)
        self._ip("-n", self._switch, "link", "add", _BRIDGE, "type", "bridge", "forward_delay", "0")
        self._ip("-n", self._switch, "link", "set", _BRIDGE, "up")
        self._add(None, self._outside, _OUTSIDE)
        for host in self._places:
            self.put_back(host)

    def unmake(self) -> None:
        """Take everything away."""
        for host in self._places:
            with suppress(LanRefused):
                self.take_away(host)
        for words in (("link", "del", self._outside), ("netns", "del", self._switch)):
            with suppress(LanRefused):
                self._ip(*words)

    @property
    def _switch(self) -> str:
        return f"{self._prefix}-switch"

    def _namespace(self, host: str) -> str:
        return f"{self._prefix}-{host}"

    def _add(self, namespace: str | None, name: str, place: int) -> None:
        """Join a namespace, or what is outside of all, to the switch by a pair of links."""
        inside = "eth0" if namespace else name
        where = f" netns {namespace}" if namespace else ""
        if namespace:
            self._ip("netns", "add", namespace)
        pair = f"type veth peer name {name} netns {self._switch}"
        self._all(None, [f"link add {inside} address {_hardware(place)}{where} {pair}"])
        self._all(self._switch, [f"link set {name} up master {_BRIDGE}"])
        others = {_OUTSIDE, *self._places.values()} - {place}
        known = (f"neighbour replace {self._net}.{it} lladdr {_hardware(it)} nud permanent" for it in others)
        up = ["link set lo up"] if namespace else []
        address = f"address add {self._net}.{place}/24 dev {inside}"
        self._all(namespace, [*up, address, f"link set {inside} up", *(f"{words} dev {inside}" for words in known)])

    def _all(self, namespace: str | None, lines: Sequence[str]) -> None:
        """Have one ``ip`` do several things, in a namespace or outside of all."""
        self._ip(*(["-n", namespace] if namespace else []), "-batch", "-", lines="\n".join(lines))

    def _ip(self, *words: str, lines: str | None = None) -> None:
        done = subprocess.run(["ip", *words], input=lines, capture_output=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            raise LanRefused(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _hardware(place: int) -> str:
    return f"02:fa:b0:00:00:{place:02x}"
