"""What goes wrong between a client and its server, and what must hold all the same."""
