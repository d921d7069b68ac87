"""Node templates: what a server says about every node type it can run."""
