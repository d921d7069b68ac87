# Generated from workflow/editor/server_facts.py by scripts/generate_async.py; do not edit.
"""What loading and compiling need to know of a server, as plain data.

A flow asks `server_queries.needed_facts` which questions a workflow raises, answers
them and hands the answers in as `ServerFacts`. Without a server everything is taken to
exist; a missing answer of a generator or of a saved workflow becomes a problem of the
compiled workflow, never an exception.
"""

from __future__ import annotations

"""What the GUI's two gallery tabs show."""
