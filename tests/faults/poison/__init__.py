"""Lines that break the runs in which they are decided: real workers, which must find and park them."""
