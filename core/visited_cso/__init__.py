"""The visited-CSO: operator of the charging stations."""
