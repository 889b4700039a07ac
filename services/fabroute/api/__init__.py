"""The HTTP API: parse, call a service, return. Versioned under ``/v1``; errors are RFC 9457 problems."""
