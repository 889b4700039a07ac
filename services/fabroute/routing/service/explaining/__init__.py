"""Explanations: what each rule costs, what would change a decision, why there is no way, and what scarce time is worth.

Pure functions over what the first look at the network found: nothing is priced twice, no database is asked.
"""
