"""What a node and an owner say about a job on its way: accept, decline, counter, start, give a sign of life, agree."""
