"""Advice: which way of making a part fits, and which parts of a list are worth a digital twin."""
