"""The command line ``fabroute``: each command parses, calls one function of the product, and prints."""
