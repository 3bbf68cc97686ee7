"""The clearing house: transaction hub switch (6.4.1), SDR reconciliation (6.4.2), settlement (6.4.3)."""
