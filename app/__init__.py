"""What a person sees and touches: the `evroam` command and the Textual app. Knows no OCPI and no SQL."""
