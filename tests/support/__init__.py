"""What the tests share: programs, ports, clients and stand-ins."""
