"""One run as one page that opens offline: for the manager, the marketer, the data scientist and operations."""
