"""``python -m fabroute.console``: serve API and console with uvicorn, on a port or a Unix socket."""

import sys

from fabroute.api.__main__ import main

if __name__ == "__main__":
    sys.exit(main(serving="fabroute.console.serving"))
