"""The server as a program: version, settings, log, caches, devices, fonts."""
