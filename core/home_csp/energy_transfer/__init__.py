"""UC3 at the home-CSP: start, stop, progress, completion, SDR."""
