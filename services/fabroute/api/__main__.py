"""``python -m fabroute.api``: serve the API with uvicorn, on a port or a Unix socket."""

import argparse
import sys

import uvicorn
from pydantic import ValidationError

from fabroute.api.app import create_app
from fabroute.api.first_start import greet_first_operator
from fabroute.api.logs import configure_logging
from fabroute.kernel.errors import DomainError
from fabroute.settings import Settings, get_settings

_SHUTDOWN_SECONDS = 15


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; 1, with what to do on stderr, if it can't start."""
    try:
        settings = get_settings()
        asked = _parser(settings).parse_args(arguments)
        app = create_app(settings)
    except ValidationError as error:
        return _complain("; ".join(str(item["msg"]) for item in error.errors()))
    except DomainError as error:
        return _complain(error.message)
    greet_first_operator(settings, terminal=sys.stdout)
    configure_logging()
    uvicorn.run(
        app,
        uds=asked.uds,
        host=asked.host,
        port=asked.port,
        log_config=None,
        access_log=False,  # a line a request costs a tenth of the throughput; a proxy in front writes better ones
        server_header=False,
        proxy_headers=settings.trusted_proxies > 0,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    return 0


def _complain(message: str) -> int:
    print(f"fabroute api: {message}", file=sys.stderr)
    return 1


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fabroute.api", description="Serve the HTTP API of fabroute.")
    parser.add_argument("--uds", metavar="PATH", help="listen on this Unix socket instead of a port")
    parser.add_argument("--host", default=settings.http_host, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=settings.http_port, help="port to listen on (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
