"""Words beside pictures: wider words of tags, and the names of places."""
