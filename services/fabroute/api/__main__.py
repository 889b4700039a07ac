"""``python -m fabroute.api``: serve the API with uvicorn, on a port or a Unix socket."""

import argparse
import gc
import sys
from importlib import import_module
from types import ModuleType

from pydantic import ValidationError

from fabroute.api.addresses import Address, require_free
from fabroute.api.heaps import share_heaps
from fabroute.database import create_database_engine
from fabroute.integrations.paper.font_files import require_font
from fabroute.kernel.errors import DomainError
from fabroute.kernel.exit_codes import EXIT_MISCONFIGURED, exit_code_of
from fabroute.settings import Settings, get_settings, setting_problems


def main(arguments: list[str] | None = None, *, serving: str = "fabroute.api.serving") -> int:
    """Serve until stopped; 75 or 78, with what to do on stderr, if it can't start. The module ``serving`` says what."""
    share_heaps()
    try:
        settings = get_settings()
        asked = _parser(settings).parse_args(arguments)
        require_free(Address(uds=asked.uds, host=asked.host, port=asked.port))
        create_database_engine(settings.database_url, pool_size=1).dispose()
        if settings.paper_font_file is not None:
            require_font(settings.paper_font_file)
        _import_for_good(serving).serve(settings, uds=asked.uds, host=asked.host, port=asked.port)
    except ValidationError as error:
        return _complain(setting_problems(error), code=EXIT_MISCONFIGURED)
    except DomainError as error:
        return _complain(error.message, code=exit_code_of(error))
    return 0


def _import_for_good(name: str) -> ModuleType:
    """Import a module that stays, after the settings were looked at, which is quick: the API takes seconds.

    The collector would go through hundreds of thousands of new objects again and again, a fifth of the time, and
    through those that stay for as long as the process serves.
    """
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _complain(message: str, *, code: int) -> int:
    print(f"fabroute api: {message}", file=sys.stderr)
    return code


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fabroute.api", description="Serve the HTTP API of fabroute.")
    parser.add_argument("--uds", metavar="PATH", help="listen on this Unix socket instead of a port")
    parser.add_argument("--host", default=settings.http_host, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=settings.http_port, help="port to listen on (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
