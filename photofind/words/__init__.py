"""Words beside pictures: the text index, what is typed to search it, wider words, and places."""
