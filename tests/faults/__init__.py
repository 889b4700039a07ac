"""The installation under faults: killed, frozen, cut off, tampered with. It must lose and double nothing."""
