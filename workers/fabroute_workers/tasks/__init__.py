"""Tasks by context: ids in, one call. A task may run twice, or late; what it calls bears that."""
