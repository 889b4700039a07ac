"""A stand-in for ``systemd-run``: ``python -m tests.infra.systemd_run FOLDER OPTION… COMMAND…`` (see units.Server)."""

import os
import re
import subprocess
import sys
from pathlib import Path

from .units import SYSTEMD, Server, variables

FLAGS = {"--quiet", "--wait", "--collect", "--pipe"}
OPTIONS = {"--service-type": "exec", "--uid": "fabroute", "--gid": "fabroute"}
SAFE = {"StateDirectoryMode=0750", "UMask=0077", "NoNewPrivileges=yes", "ProtectHome=yes", "PrivateTmp=yes"}


def main(folder: str, *words: str) -> int:
    """Run a command as systemd would: in the server's own folder, with its credentials, its words expanded."""
    server, given = Server(folder=Path(folder)), list(words)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FABROUTE_")}
    credentials: list[str] = []
    while given[0].startswith("--"):
        option, _, value = given.pop(0).partition("=")
        if option == "--property":
            _take(value, environment, credentials, folder=server.folder)
        elif option == "--setenv":
            environment |= dict([value.split("=", 1)])
        else:
            assert option in FLAGS or OPTIONS[option] == value, option
    environment["CREDENTIALS_DIRECTORY"] = str(server.laid_out("run", sorted(credentials)))
    environment["FABROUTE_PROFILE"] = environment.pop("PROFILE")
    command = [_expanded(word, environment) for word in given]
    return subprocess.run(command, env=environment, cwd=server.folder / "lib", check=False).returncode


def _take(value: str, environment: dict[str, str], credentials: list[str], *, folder: Path) -> None:
    name, _, rest = value.partition("=")
    if name == "EnvironmentFile":
        found = variables(SYSTEMD / Path(rest).relative_to("/etc/fabroute"))
        environment |= {key: it.replace("/var/lib/fabroute", str(folder / "lib")) for key, it in found.items()}
    elif name == "LoadCredential":
        credentials.append(rest)
    else:
        assert value in SAFE | {"StateDirectory=fabroute", "WorkingDirectory=/var/lib/fabroute"}, value


def _expanded(word: str, environment: dict[str, str]) -> str:
    """Put variables in as systemd does: ``${NAME}`` anywhere, ``$NAME`` as a word, ``$$`` for a dollar."""
    if found := re.fullmatch(r"\$(\w+)", word):
        return environment.get(found[1], "")
    return re.sub(r"\$\$|\$\{(\w+)\}", lambda it: environment.get(it[1], "") if it[1] else "$", word)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
