"""The routing problem as integer arrays, its rules, its engines and their independent check. No I/O, no framework."""
