"""`python -m phraseloom`, the form in which launchers such as torchrun start the command line."""

import sys

from phraseloom.cli import main

sys.exit(main())
