"""What holds in the inventory whatever the database says: sizes, words, requirements, licences, shapes. Pure."""

from fabroute.inventory.rules.sizes import SIZE_TOLERANCE, Size, size_differences

__all__ = ["SIZE_TOLERANCE", "Size", "size_differences"]
