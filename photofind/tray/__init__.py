"""The tray icon and its menu: a client of the daemon, in a process of its own."""
