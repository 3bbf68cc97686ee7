"""Data that evroam ships: demo sites, trusted QR hosts, styles, translations."""
