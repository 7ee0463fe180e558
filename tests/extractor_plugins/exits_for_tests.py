"""A plugin that ends the program at its import."""

import sys

sys.exit("this plugin wants another machine")
