"""The digital inventory: parts, their revisions and print files."""
