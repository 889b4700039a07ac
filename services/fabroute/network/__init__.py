"""Nodes, machines, what they can print, material lots and machine capacity by day."""
