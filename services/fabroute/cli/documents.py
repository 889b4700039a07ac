"""``fabroute openapi``: keep the API's document true to the code."""

from pathlib import Path
from typing import Annotated

import typer

from fabroute.api.openapi import render
from fabroute.cli.output import complain, stdout


def openapi(
    check: Annotated[bool, typer.Option("--check", help="Only compare: exit 1 if the file is out of date.")] = False,
    file: Annotated[Path, typer.Option(help="Where the document is kept.")] = Path("openapi/openapi.json"),
) -> None:
    """Write the OpenAPI document of this version, or compare it with the kept one."""
    document = render()
    kept = file.read_text(encoding="utf8") if file.exists() else ""
    if check and kept != document:
        complain(f"{file} is not what the code says any more: run fabroute openapi, read the difference, commit it")
        raise typer.Exit(1)
    if not check:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document, encoding="utf8")
    stdout.print(f"{file}: {'current' if check or kept == document else 'written'}")
