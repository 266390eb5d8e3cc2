"""One list of results, three ways to read it: console, JSON, HTML."""
