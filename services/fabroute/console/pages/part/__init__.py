"""A part: its revisions and files, who may print it, what speaks against the others."""
