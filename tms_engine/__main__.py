"""`python -m tms_engine` is `tms`."""

import sys

from tms_engine.commands import main

sys.exit(main())
