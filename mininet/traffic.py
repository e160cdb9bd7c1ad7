#!/usr/bin/python3
"""Small everyday traffic for the recorder: servers, and clients with a given source.

Standard library only. Every client ends after --seconds; the servers end with
their standard input or when killed.
"""

import argparse
import http.client
import http.server
import socket
import socketserver
import struct
import sys
import threading
import time


class Web(http.server.BaseHTTPRequestHandler):
    """GET /N answers N bytes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            size = min(int(self.path.strip("/") or 0), 200_000_000)
        except ValueError:
            size = 1000
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        chunk = b"x" * 65536
        while size > 0:
            self.wfile.write(chunk[:size])
            size -= len(chunk)

    def log_message(self, *_):
        pass


class Names(socketserver.BaseRequestHandler):
    """Answers a DNS-shaped question with a somewhat longer answer."""

    def handle(self):
        data, sock = self.request
        sock.sendto(data[:2] + b"\x81\x80" + data[4:] + b"\xc0\x0c" * 8, self.client_address)


class Shell(socketserver.BaseRequestHandler):
    """Echoes keystrokes, as a remote shell does."""

    def handle(self):
        self.request.sendall(b"SSH-2.0-demo\r\n")
        while data := self.request.recv(4096):
            self.request.sendall(data * 3)


class WebServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass


class NameServer(socketserver.ThreadingUDPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True


class ShellServer(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_):
        pass


def serve(_):
    # "::" takes IPv4 too.
    for make, port, handler in (
        (WebServer, 80, Web), (NameServer, 53, Names),
        (ShellServer, 22, Shell), (ShellServer, 25, Shell),
    ):
        server = make(("::", port), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.buffer.read()


def ticks(options):
    """One beat every 1/rate seconds for --seconds, without drift."""
    began = time.monotonic()
    count = 0
    while (due := count / options.rate) < options.seconds:
        time.sleep(max(0.0, began + due - time.monotonic()))
        yield count
        count += 1


def dns(options):
    family = socket.AF_INET6 if ":" in options.source else socket.AF_INET
    for beat in ticks(options):
        for number in range(options.burst):
            # A fresh port for each question, as resolvers do.
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.bind((options.source, 0))
                sock.settimeout(1.0)
                name = f"host{beat % 97}-{number}".encode()
                question = struct.pack(">HHHHHH", beat & 0xFFFF, 0x0100, 1, 0, 0, 0)
                question += bytes([len(name)]) + name + b"\x07example\x00\x00\x01\x00\x01"
                sock.sendto(question, (options.target, 53))
                try:
                    sock.recv(2048)
                except OSError:
                    pass


def web(options):
    connection = None
    for _ in ticks(options):
        for _ in range(options.burst):
            if connection is None:
                connection = http.client.HTTPConnection(
                    options.target, 80, timeout=5, source_address=(options.source, 0))
            try:
                connection.request("GET", f"/{options.size}")
                connection.getresponse().read()
            except OSError:
                connection.close()
                connection = None
                continue
            if not options.keep:
                connection.close()
                connection = None


def chat(options):
    with socket.create_connection(
            (options.target, options.port), 5, source_address=(options.source, 0)) as sock:
        sock.settimeout(2.0)
        sock.recv(100)
        for beat in ticks(options):
            sock.sendall(b"k" * (1 + beat % 40))
            sock.recv(4096)


def trace(options):
    """Probes with a growing time to live to high ports, three of each."""
    end = time.monotonic() + options.seconds
    for _ in ticks(options):
        for hops in range(1, 9):
            for attempt in range(3):
                if time.monotonic() > end:
                    return
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.bind((options.source, 0))
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
                    sock.sendto(b"@" * 32, (options.target, 33434 + 3 * hops + attempt))
                time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    commands.add_parser("serve").set_defaults(call=serve)
    for client in (dns, web, chat, trace):
        command = commands.add_parser(client.__name__)
        command.set_defaults(call=client)
        command.add_argument("source")
        command.add_argument("target")
        command.add_argument("--seconds", type=float, default=5)
        command.add_argument("--rate", type=float, default=1, help="beats a second")
        command.add_argument("--burst", type=int, default=1, help="requests a beat")
        command.add_argument("--size", type=int, default=5000, help="bytes of an answer")
        command.add_argument("--port", type=int, default=22)
        command.add_argument("--keep", action="store_true", help="one connection for all")
    options = parser.parse_args()
    options.call(options)


if __name__ == "__main__":
    main()
