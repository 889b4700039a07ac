"""An address is looked at before it is taken, taken before it is served, and nothing of others is touched."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabroute.api.addresses import Address, AddressTaken, AddressUnusable, bound, require_free, require_usable
from fabroute.kernel.exit_codes import EXIT_MISCONFIGURED, EXIT_UNREACHABLE, exit_code_of


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def refusal(address: Address) -> tuple[int, str]:
    """Return the exit code and the words for an address that can't be taken, and is found so before, too."""
    with pytest.raises((AddressUnusable, AddressTaken)) as foreseen:
        require_free(address)
    with pytest.raises((AddressUnusable, AddressTaken)) as refused, bound(address):
        raise AssertionError(f"{address} was taken")
    assert foreseen.value.message == refused.value.message
    return exit_code_of(refused.value), refused.value.message


def test_a_file_in_the_place_of_the_socket_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("what matters", encoding="utf-8")

    assert refusal(Address(uds=str(file))) == (
        EXIT_MISCONFIGURED,
        f"{file} is no socket, and was left alone: give another path (--uds)",
    )
    assert file.read_text(encoding="utf-8") == "what matters"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere/s", r"there is no folder /.*/nowhere for the socket: make it, or give another path \(--uds\)"),
        ("file/s", r"there is no folder /.*/file for the socket"),
        ("x" * 108, r"can't be a socket: give a path of 1 to 107 bytes"),
        ("", r"is no socket"),
    ],
)
def test_a_path_that_can_be_no_socket_is_refused_before_anything_starts(tmp_path: Path, path: str, words: str) -> None:
    (tmp_path / "file").touch()
    address = Address(uds=f"{tmp_path}/{path}")

    with pytest.raises(AddressUnusable, match=words) as refused:
        require_usable(address)
    assert exit_code_of(refused.value) == EXIT_MISCONFIGURED


def test_a_folder_that_this_user_may_not_write_to_is_refused() -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    assert refusal(Address(uds="/proc/s"))[1].startswith(f"user {os.geteuid()} can't make a socket in /proc")


def test_a_path_of_107_bytes_is_taken_and_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with bound(Address(uds="x" * 107)) as (listener,):
        assert listener.getsockname() == "x" * 107
    assert list(tmp_path.iterdir()) == []


def test_a_socket_that_a_killed_process_left_is_replaced_with_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    path.chmod(0o660)

    require_free(Address(uds=str(path)))
    with bound(Address(uds=str(path))):
        assert path.stat().st_mode & 0o777 == 0o660
    assert not path.exists()


def test_a_socket_that_somebody_listens_on_is_not_taken_away(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(path)
        living.listen()
        assert refusal(Address(uds=path)) == (
            EXIT_UNREACHABLE,
            f"another process listens on {path}: end it, or give another path (--uds)",
        )
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_what_took_the_place_of_the_socket_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bound(Address(uds=str(path))):
        path.unlink()
        path.write_text("of somebody else", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "of somebody else"


def test_a_port_that_is_taken_is_told_with_who_could_know(taken: int) -> None:
    assert refusal(Address(host="127.0.0.1", port=taken)) == (
        EXIT_UNREACHABLE,
        f"another process listens on 127.0.0.1:{taken}: end it (ss -ltnp tells which), or give another port (--port, "
        "FABROUTE_HTTP_PORT)",
    )


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("127.0.0.1", 65_536, r"65536 is no port: give one from 1 to 65535 \(--port, FABROUTE_HTTP_PORT\)"),
        ("127.0.0.1", -1, "-1 is no port"),
        ("no-such-host.invalid", 8000, "no-such-host.invalid is no address of this machine: correct --host"),
        ("192.0.2.1", 8000, "this machine has no address 192.0.2.1: correct --host or FABROUTE_HTTP_HOST"),
    ],
)
def test_an_address_that_is_none_is_refused(host: str, port: int, words: str) -> None:
    code, told = refusal(Address(host=host, port=port))

    assert code == EXIT_MISCONFIGURED
    assert re.search(words, told)


def test_a_port_is_held_and_takes_no_connection_before_it_is_served() -> None:
    with bound(Address(host="127.0.0.1")) as (listener,):
        port = listener.getsockname()[1]
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            raise AssertionError("somebody listens")
    require_free(Address(host="127.0.0.1", port=port))
    with bound(Address(host="127.0.0.1", port=port)):
        """It was given back, and looking at it took nothing."""


def test_whoever_finds_the_file_of_a_socket_can_connect_to_it(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bound(Address(uds=str(path))), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_an_address_reads_as_people_write_it() -> None:
    assert [str(Address(uds="/run/s")), str(Address(host="::1", port=80)), str(Address(host="a", port=1))] == [
        "/run/s",
        "[::1]:80",
        "a:1",
    ]
