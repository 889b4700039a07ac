"""PostgreSQL's own programs: found, of the right version, and told where the database is without showing a password."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from fabroute.database.engine import EVERYONES_OPTIONS
from fabroute.kernel.errors import DomainError

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_DEBIAN = Path("/usr/lib/postgresql")
_SERVICE = "fabroute"
_ANSWER_SECONDS = 10


class ToolsMissing(DomainError):
    """There is no ``pg_dump`` here that is new enough for the server."""

    code = "postgresql_tools_missing"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresTools:
    """``pg_dump``, ``pg_restore`` and ``psql`` of one version, from one folder."""

    folder: Path
    major: int

    @property
    def dump(self) -> str:
        """The path of ``pg_dump``."""
        return str(self.folder / "pg_dump")

    @property
    def restore(self) -> str:
        """The path of ``pg_restore``."""
        return str(self.folder / "pg_restore")

    @property
    def psql(self) -> str:
        """The path of ``psql``."""
        return str(self.folder / "psql")


def find_tools(*, least_major: int, folders: Sequence[Path] = ()) -> PostgresTools:
    """Return the oldest tools that are new enough: on ``PATH``, where Debian puts them, or in ``folders``.

    Raises ``ToolsMissing``, which names what was found and what to install.
    """
    found = [tools for folder in _places(folders) if (tools := _tools_in(folder)) is not None]
    fitting = [tools for tools in found if tools.major >= least_major]
    if not fitting:
        seen = ", ".join(f"{tools.major} in {tools.folder}" for tools in found) or "none"
        raise ToolsMissing(
            f"pg_dump, pg_restore and psql of PostgreSQL {least_major} or newer are needed, found: {seen}. Install "
            f"them (Debian, Ubuntu: apt install postgresql-client-{least_major}; or pip install 'fabroute[embedded]')"
        )
    return min(fitting, key=lambda tools: tools.major)


@contextmanager
def connection_environment(url: str) -> Iterator[Mapping[str, str]]:
    """Yield the environment in which the tools reach the database at ``url``, with every tenant's rows in sight.

    All that libpq has to know, a password too, stands in a file that only we can read: never on a command line.
    """
    with tempfile.TemporaryDirectory(prefix="fabroute-") as folder:
        service = Path(folder) / "service.conf"
        service.touch(mode=0o600)
        service.write_text(_service_text(url), encoding="utf8")
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        yield ours | {"PGSERVICEFILE": str(service), "PGSERVICE": _SERVICE, "PGAPPNAME": "fabroute backup"}


def _service_text(url: str) -> str:
    _, settings = make_url(url).get_dialect()().create_connect_args(make_url(url))
    known = {name: str(value) for name, value in settings.items() if name != "context"}
    lines = [f"{name}={value}" for name, value in (known | {"options": EVERYONES_OPTIONS}).items()]
    return "\n".join([f"[{_SERVICE}]", *lines, ""])


def _places(folders: Sequence[Path]) -> list[Path]:
    found = shutil.which("pg_dump")
    on_path = [Path(found).parent] if found else []
    debian = sorted(_DEBIAN.glob("*/bin")) if _DEBIAN.is_dir() else []
    return [*on_path, *debian, *folders]


def _tools_in(folder: Path) -> PostgresTools | None:
    if not all((folder / name).exists() for name in ("pg_dump", "pg_restore", "psql")):
        return None
    try:
        answer = subprocess.run(
            [str(folder / "pg_dump"), "--version"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(answer.stdout)
    return PostgresTools(folder=folder, major=int(version[1])) if version else None
