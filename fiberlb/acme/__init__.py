"""Certificates ordered and renewed by themselves: RFC 8555, RFC 8737."""
