"""What the system does with a file for a person: open it, show it, move it to the trash."""
