"""What photofind is to the desktop: menus of file managers, notices, "show in folder"."""
