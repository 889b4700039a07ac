"""Printed or conventional: crossover, pathways, readiness for mass production, and screening of whole part lists."""
