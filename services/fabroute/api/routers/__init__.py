"""One router a context: parse, call, return."""
