"""Order a part in three steps: find it, compare three offers, confirm one."""
