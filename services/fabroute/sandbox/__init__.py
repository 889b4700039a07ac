"""Worlds to try things in: an owner and a bureau whose nodes answer by themselves, apart from everything real."""
