"""How orders get from many requests into few statements: a bounded queue, writers, and a bell for the relay."""
