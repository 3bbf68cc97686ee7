"""UC3 at the visited-CSO: start, stop, progress, completion, SDR."""
