"""The conformance run: every use case, its success and its refusals, over the real wire."""
