"""Tells a bureau what its own client does wrong: a proxy before fabroute that watches, disturbs and judges.

The client is pointed at the proxy instead of fabroute. Its requests go through; on the way some answers meet what they
meet in the world, each once: one is lost, the server is busy, a file is damaged, a lease is lost, a customer cancels.
The rules then say what was right, what was wrong, and what was not seen. Jobs are really claimed: use a test node.
"""
