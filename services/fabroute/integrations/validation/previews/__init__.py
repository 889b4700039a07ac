"""Pictures of a part: a PNG thumbnail and a GLB model for a viewer."""

from fabroute.integrations.validation.previews.models import write_glb
from fabroute.integrations.validation.previews.pictures import write_png

__all__ = ["write_glb", "write_png"]
