"""The results page: templates and static files, and the routes that serve them."""
