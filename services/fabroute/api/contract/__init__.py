"""The HTTP contract of every endpoint: answers that are given once, limits, waiting, deprecation, and its own pages."""
