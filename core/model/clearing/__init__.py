"""What a clearing house judges and settles (IEC 63119-2, 6.4.2 and 6.4.3): clauses of the standard, rules of ours."""
