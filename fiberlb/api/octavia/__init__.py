"""The Octavia v2 API, beside the native one on the same objects."""
