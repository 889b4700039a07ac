"""API and console in uvicorn. Imported when the settings were found to be good: it takes seconds."""

from fabroute.api.serving import serve_app
from fabroute.console.app import create_app
from fabroute.settings import Settings


def serve(settings: Settings, *, uds: str | None, host: str, port: int) -> None:
    """Serve until stopped. Raises ``DomainError`` where it can't start."""
    serves = ("api", "console") if settings.console else ("api",)
    serve_app(create_app(settings), settings, uds=uds, host=host, port=port, serves=serves)
