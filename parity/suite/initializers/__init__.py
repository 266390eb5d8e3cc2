"""The initializers' rows: each stands in the file of the theme that its function is defined in."""
