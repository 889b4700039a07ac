"""Validation of print files: guard, read, measure, judge, write anew; each file in a process with limits."""
