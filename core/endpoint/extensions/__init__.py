"""Extension modules of the wire: what the standard needs and OCPI lacks, offered only where an agreement names it."""
