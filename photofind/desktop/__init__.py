"""Desktop integration: file-manager menus, autostart, notifications, icon and browser."""
