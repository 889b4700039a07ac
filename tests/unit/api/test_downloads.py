import base64
import hashlib
from urllib.parse import unquote

import anyio
import httpx
import pytest
from fastapi import FastAPI, Request, Response
from obstore.store import MemoryStore

from fabroute.api.downloads import StoredFile, disposition, send_file, send_file_if_new
from fabroute.integrations.object_storage import ObjectStoragePrintFiles
from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing

LARGE = bytes(range(256)) * 12_000
"""Three megabytes: more than is held in memory, in many pieces."""


class Store(ObjectStoragePrintFiles):
    """A store in memory whose files can be damaged."""

    def __init__(self) -> None:
        self.files = MemoryStore()
        super().__init__(self.files)

    def damage(self, sha256: str) -> None:
        self.files.put(f"{sha256[:2]}/{sha256}", b"not what was put here")


@pytest.fixture
def store() -> Store:
    return Store()


def a_file(sha256: str, *, file_name: str = "cap rev C.3mf") -> StoredFile:
    return StoredFile(sha256=sha256, file_name=file_name, media_type="model/3mf", headers={"X-Extra": "1"})


def asked(app: FastAPI, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.get("/file", headers=headers)

    return anyio.run(ask)


def app_that_sends(store: Store, file: StoredFile) -> FastAPI:
    app = FastAPI()

    @app.get("/file")
    def read(request: Request) -> Response:
        return send_file_if_new(request, store, file)

    return app


@pytest.mark.parametrize("content", [b"", b"3mf", LARGE], ids=["empty", "small", "large"])
def test_a_file_arrives_whole_with_its_digest(store: Store, content: bytes) -> None:
    sha256 = store.put(content)

    answer = asked(app_that_sends(store, a_file(sha256)))

    assert answer.content == content
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert answer.headers["Content-Digest"] == f"sha-256=:{digest}:"
    assert (answer.headers["Content-Type"], answer.headers["X-Extra"]) == ("model/3mf", "1")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_who_has_the_file_is_not_sent_it_again_and_the_store_is_not_asked(store: Store) -> None:
    sha256 = store.put(b"3mf")
    app = app_that_sends(store, a_file(sha256))
    store.damage(sha256)

    answer = asked(app, **{"If-None-Match": f'"{sha256}"'})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == f'"{sha256}"'


def test_nothing_of_a_damaged_or_missing_file_is_sent(store: Store) -> None:
    sha256 = store.put(b"3mf")
    store.damage(sha256)

    with pytest.raises(PrintFileDamaged) as damaged:
        send_file(store, a_file(sha256))
    with pytest.raises(PrintFileMissing):
        send_file(store, a_file("0" * 64))
    assert sha256 in damaged.value.message


@pytest.mark.parametrize(
    ("name", "plain", "exact"),
    [
        ("cap rev C.3mf", "cap_rev_C.3mf", "cap rev C.3mf"),
        ("Türstopper.3mf", "T_rstopper.3mf", "Türstopper.3mf"),
        ("../../etc/passwd", "etc_passwd", ".._.._etc_passwd"),
        ('a"; filename="evil.exe', "a_filename_evil.exe", 'a"; filename="evil.exe'),
        ("a\r\nSet-Cookie: x=1", "a_Set-Cookie_x_1", "a\r\nSet-Cookie: x=1"),
        ("...", "file", "..."),
    ],
)
def test_a_name_can_not_break_out_of_its_header(name: str, plain: str, exact: str) -> None:
    header = disposition(name)
    kind, short, long = header.split("; ")

    assert header.isascii()
    assert header.isprintable()
    assert (kind, short) == ("attachment", f'filename="{plain}"')
    assert unquote(long.removeprefix("filename*=UTF-8''")) == exact
