"""`python -m invokeai_py_client`: the `ivk` command."""

import sys

from invokeai_py_client.cli import main

sys.exit(main())
