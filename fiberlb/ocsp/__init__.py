"""Word of authorities that certificates are not revoked: asked for, kept, put in force (OCSP)."""
