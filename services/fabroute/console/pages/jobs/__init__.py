"""The Jobs screen: the queue of a node, and a job with what is to be done about it now."""
