"""The commands of ``tally``, one file a group; ``backend.cli`` mounts them."""
