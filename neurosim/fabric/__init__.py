"""The fabric: routers, links and channels of a chip, and the graphs that deadlock is judged by."""
