"""The one error of the embedded servers."""


class EmbeddedServerError(Exception):
    """An embedded server can't be started, or died: the message says why and what to do."""
