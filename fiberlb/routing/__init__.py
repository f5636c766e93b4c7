"""Which request goes where: policies, compiled when they change, evaluated per request."""
