"""Bridges between other systems and the public API: shops, an ERP drop folder, maintenance requests."""
