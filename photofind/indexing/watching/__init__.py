"""What happens in the folders, as it happens: by events where there are any, else by polling."""
