"""A running installation under random faults: orders, bureaus, and a judge who believes what clients were told."""
