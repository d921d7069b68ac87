"""Every request that the client builds, checked against the server's OpenAPI file."""
