"""What a file's surfaces enclose: measures, and everything about them that a person should know."""

from fabroute.integrations.validation.geometry.measuring import Geometry, measure

__all__ = ["Geometry", "measure"]
