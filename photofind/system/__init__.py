"""The platform: session bus, disk, memory, power, programs, file manager and trash."""
