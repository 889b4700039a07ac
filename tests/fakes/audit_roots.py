"""A folder of exported audit roots in memory, which can be switched off and tampered with."""

from collections.abc import Sequence

from fabroute.identity.ports import RootFolderDown


class FakeRootFolder:
    """Keeps files in a dict; takes nothing while ``down``."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.down = False

    def put(self, key: str, content: bytes) -> None:
        """Keep a new file."""
        if self.down:
            raise RootFolderDown("nobody answers")
        assert key not in self.files
        self.files[key] = content

    def names(self) -> Sequence[str]:
        """Return the keys in order."""
        return sorted(self.files)

    def get(self, key: str) -> bytes | None:
        """Return a file's content."""
        return self.files.get(key)
