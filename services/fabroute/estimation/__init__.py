"""Build time, packing, cost and carbon of a printed part: pure formulas over stated facts. Standard library only.

Money is integer minor units of EUR. Amounts are exact inside and rounded once, half a cent up, so that the rows of a
breakdown add up to the price. Every figure that is not a fact of a node carries the mark of where it comes from.
"""
