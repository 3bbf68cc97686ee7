"""The standard's nouns and rules: pure values, no I/O, no clock, no wire names."""
