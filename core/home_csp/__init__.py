"""The home-CSP: the driver's contract partner."""
