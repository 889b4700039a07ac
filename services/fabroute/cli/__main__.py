"""``python -m fabroute.cli``, for processes that start another part of fabroute."""

from fabroute.cli.app import main

main()
