"""Makes a typed Python client out of openapi/openapi.json, by openapi-python-client, and compiles it.

    python openapi/client/generate.py                 into build/client
    python openapi/client/generate.py --check-types   and lets mypy read the whole of it (a minute)

It ends with an error where the generator leaves anything out: its warnings are ours to mend.
"""

import argparse
import compileall
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import ErrorLevel, GeneratorError

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "openapi.json"
PACKAGE = "fabroute_client"


def make_client(target: Path, *, document: Path = DOCUMENT) -> list[str]:
    """Write the client into the folder ``target`` and return what the generator complains of."""
    target.parent.mkdir(parents=True, exist_ok=True)
    prepared = target.with_name(f"{target.name}.openapi.json")
    prepared.write_text(json.dumps(with_tables_as_files(json.loads(document.read_text("utf-8")))), encoding="utf-8")
    config = Config.from_sources(
        ConfigFile.load_from_path(HERE / "config.json"),
        meta_type=MetaType.SETUP,
        document_source=prepared,
        file_encoding="utf-8",
        overwrite=True,
        output_path=target,
    )
    return [_words(problem) for problem in generate(config=config)]


def with_tables_as_files(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with CSV alone where a table may come as CSV or JSON.

    The generator tells bodies of one operation apart by ``isinstance``, which knows no ``list[…]``.
    """
    for operation in (it for path in document["paths"].values() for it in path.values()):
        content = operation.get("requestBody", {}).get("content", {})
        if "text/csv" in content:
            operation["requestBody"]["content"] = {"text/csv": {"schema": {"type": "string", "format": "binary"}}}
    return document


def compiles(target: Path) -> bool:
    """Say whether every module of the client compiles."""
    return bool(compileall.compile_dir(target / PACKAGE, quiet=1, force=True, optimize=0))


def main() -> int:
    """Return 0 if a whole client was made, and 1 with the reasons on standard error."""
    asked = argparse.ArgumentParser(description="Make the typed Python client.")
    asked.add_argument("--document", type=Path, default=DOCUMENT)
    asked.add_argument("--target", type=Path, default=HERE.parent.parent / "build" / "client")
    asked.add_argument("--check-types", action="store_true")
    words = asked.parse_args()
    problems = make_client(words.target, document=words.document)
    if not compiles(words.target):
        problems.append("the client does not compile")
    if words.check_types and not problems:
        problems += _type_problems(words.target)
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    sys.stdout.write(f"{words.target}: {len(list(words.target.rglob('*.py')))} modules, {len(problems)} problems\n")
    return 1 if problems else 0


def _type_problems(target: Path) -> list[str]:
    command = [sys.executable, "-m", "mypy", "--config-file=", "--ignore-missing-imports", str(target / PACKAGE)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return [] if told.returncode == 0 else told.stdout.splitlines()


def _words(problem: GeneratorError) -> str:
    level = "warning" if problem.level == ErrorLevel.WARNING else "error"
    return f"{level}: {problem.header}: {problem.detail or ''}".strip()


if __name__ == "__main__":
    sys.exit(main())
