"""`python -m costspan.cli` is `costspan`."""

import sys

from costspan.cli.main import main

sys.exit(main())
