"""The client's only place with network, clock and threads; it decides nothing."""
