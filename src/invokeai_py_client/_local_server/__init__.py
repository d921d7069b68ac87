"""The parts of `invokeai_py_client.server`: install, set up and run a real InvokeAI.

Nothing here talks to the network but pip and loopback HTTP, and nothing imports the
rest of the client except its error tree.
"""
