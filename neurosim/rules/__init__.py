"""The rules of the micro-architecture: pure integer functions that every engine shares.

Nothing in here imports anything but its neighbours.  The page these functions obey is
``neurosim/rules/README.md``.
"""
