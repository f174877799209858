"""`python -m tms_tui` is `tms-tui`."""

import sys

from tms_tui.cli import main

sys.exit(main())
