"""The commands of `ivk`, one file per group; they use only `cli` and the client."""
