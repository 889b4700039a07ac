"""The Network screen: all nodes at a glance, and one of them in full."""
