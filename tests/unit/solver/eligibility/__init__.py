"""Every gate once where it lets a node through and once where it doesn't, with the figures it gives."""
