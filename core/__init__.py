"""The platforms behind evroam: IEC 63119-2 use cases between home-CSP, visited-CSO and clearing house."""
