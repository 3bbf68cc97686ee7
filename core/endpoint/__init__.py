"""The roaming endpoint (REP): all that crosses between platforms."""
