"""Sites as they are searched: import, near, search as you type, place names."""
