"""The handbook at /docs: the reference, every problem, every event, and quickstarts, rendered from the code itself."""
