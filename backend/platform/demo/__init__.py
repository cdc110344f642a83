"""The main job, end to end, through the real parts: what ``make run`` shows."""
