"""Statements on jobs and on what belongs to them.

Whoever locks rows of several tables takes them in one order, so that no two transactions wait for each other: order
lines, jobs, builds, licences, allocations, lots, slots, nodes, orders; and within a table by id.
"""
