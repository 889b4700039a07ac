"""Lanes, freight, transit, duties and transport carbon: what it takes to bring a part to its place."""
