"""Many objects at once: tables in CSV or JSON in, and the same tables out again."""
