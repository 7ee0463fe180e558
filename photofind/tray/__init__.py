"""The icon in the panel, and its menu: a client of the daemon, in a process of its own."""
