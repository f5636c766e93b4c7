"""
A gRPC server with C{grpc.health.v1}, as a program: C{python -m tests.support.grpc_member [PEM]}.

Prints its port. Each line on its input is C{SERVICE STATUS}, the service C{-} for the
server as a whole; it is answered by the same line. It ends with its input.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


def main() -> None:
    """Serve until the input ends."""
    server = grpc.server(ThreadPoolExecutor(4))
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    if len(sys.argv) > 1:
        pem = Path(sys.argv[1]).read_bytes()
        credentials = grpc.ssl_server_credentials([(pem, pem)])
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    for line in sys.stdin:
        name, status = line.split()
        value = health_pb2.HealthCheckResponse.ServingStatus.Value(status)
        servicer.set("" if name == "-" else name, value)
        print(line, end="", flush=True)
    server.stop(None)


if __name__ == "__main__":
    main()
