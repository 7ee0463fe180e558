"""Words: the text index of the library, and what is typed to search it."""
