"""A target for the fuzzer that can't bear an exclamation mark."""

SEEDS: tuple[bytes, ...] = (b"fine", b"also fine", b"not fine!")


def fuzz_one(data: bytes) -> None:
    """Raise if there is one."""
    assert b"!" not in data
