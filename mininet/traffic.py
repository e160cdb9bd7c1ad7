#!/usr/bin/python3
"""Everyday traffic for the recorder that no packaged tool makes at a wanted rate or from a given source.

Standard library only. Every client ends after --seconds; the server when killed.
"""

import argparse
import http.client
import itertools
import os
import pty
import random
import smtplib
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

MEDIA = 5004


def ticks(options):
    """One beat every 1/rate seconds for --seconds, without drift; late ones are left out."""
    began = time.monotonic()
    count = 0
    while (due := count / options.rate) < options.seconds:
        wait = began + due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        if wait > -1.0:
            yield count
        count += 1


def chances(options):
    """As many beats as ticks on average, whenever they come."""
    end = time.monotonic() + options.seconds
    while (now := time.monotonic()) < end:
        yield
        time.sleep(min(random.expovariate(options.rate), end - now))


def beats(options):
    return chances(options) if options.random else ticks(options)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def source(options):
    """Its address; where that is a network (10.108.5.0/24), one of the first --clients in it."""
    address, slash, _ = options.source.partition("/")
    if not slash:
        return address
    return f"{address.rsplit('.', 1)[0]}.{random.randint(1, options.clients)}"


def datagrams(options, timeout=None):
    address = source(options)
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
    sock.bind((address, 0))
    sock.settimeout((options.patience or 1.0) if timeout is None else timeout)
    return sock


def dial(options, port, timeout=5.0):
    return socket.create_connection((options.target, port), timeout, source_address=(source(options), 0))


def serve(_):
    """The other end of a call: for every datagram, one of the same size."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        # "::" takes IPv4 too; answers leave from the address that was asked.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        sock.setsockopt(socket.IPPROTO_IP, 8, 1)
        sock.bind(("::", MEDIA))
        while True:
            data, control, _, sender = sock.recvmsg(2048, 256)
            control = [item for item in control if item[0] == socket.IPPROTO_IPV6]
            try:
                sock.sendmsg([data], control, 0, sender)
            except OSError:
                pass


def media(options):
    """A call: datagrams of one size at a steady pace, and as many back."""
    heard = 0
    with datagrams(options, 0.0) as sock:
        for beat in ticks(options):
            header = struct.pack(">BBHII", 0x80, 96, beat & 0xFFFF, beat * 160, 0x7469)
            sock.sendto(header + bytes(options.size), (options.target, MEDIA))
            try:
                while sock.recv(2048):
                    heard += 1
            except BlockingIOError:
                pass
    if heard == 0:
        sys.exit("nobody answered")


def question(number, name, kind, takes=0):
    """`takes`: bytes that an answer may have, where it is not the 512 that anybody takes."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    extension = struct.pack(">BHHIH", 0, 41, takes, 0, 0) if takes else b""
    return (struct.pack(">HHHHHH", number & 0xFFFF, 0x0100, 1, 0, 0, 1 if takes else 0)
            + labels + struct.pack(">BHH", 0, kind, 1) + extension)


def dns(options):
    """A resolver's questions, a fresh port for each; a tenth of the names does not exist."""
    answered = 0
    for beat in ticks(options):
        for number in range(options.burst):
            name = random.choice(["www.lab", "mail.lab", "lab", "medium.lab"] + [f"h{beat % 97}.host.lab"] * 5)
            if random.random() < options.missing:
                name = f"none{beat}-{number}.lab"
            kind = 16 if name == "medium.lab" else random.choice((1, 1, 1, 28))
            takes = 0
            if options.large:
                name, kind, takes = "large.lab", 16, 4096
            with datagrams(options) as sock:
                sock.sendto(question(beat * options.burst + number, name, kind, takes), (options.target, 53))
                try:
                    sock.recv(4096)
                    answered += 1
                except OSError:
                    pass
    if answered == 0:
        sys.exit("no answers")


def ntp(options):
    for _ in ticks(options):
        with datagrams(options) as sock:
            sock.sendto(bytes([0x23]) + bytes(47), (options.target, 123))
            if len(sock.recv(200)) != 48:
                sys.exit("no time")


def connection_of(options, host=None):
    return http.client.HTTPConnection(
        host or options.target, options.port or 80, timeout=5, source_address=(source(options), 0))


def get(options, connection):
    """None, or why there was no answer."""
    try:
        says = {"Cookie": "x" * options.cookie} if options.cookie else {}
        connection.request("GET", f"/{options.size}", headers=says)
        connection.getresponse().read()
        return None
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return error


def web(options):
    """Requests, each with a connection of its own, or (--keep) all with one; --burst at once.

    Of several hosts each is asked in turn. --unused connections are opened and closed first, as browsers do that
    expect more to fetch, and balancers that look whether a server is there."""
    failures = []
    hosts = hosts_of(options)

    def one(number):
        connection = connection_of(options, hosts[number % len(hosts)])
        if error := get(options, connection):
            failures.append(error)
        connection.close()

    kept = connection_of(options)
    done = 0
    for _ in ticks(options):
        for _ in range(options.unused):
            dial(options, options.port or 80).close()
        done += options.burst
        if options.keep:
            # A closed one is opened again with the next request.
            if error := get(options, kept):
                failures.append(error)
            continue
        threads = [threading.Thread(target=one, args=(done - number,)) for number in range(options.burst)]
        for thread in threads:
            thread.start()
        if options.burst > 1 or done % 50 == 0:
            for thread in threads:
                thread.join()
    if len(failures) * 20 > done:
        sys.exit(f"{len(failures)} of {done} failed: {failures[0]}")


def events(options):
    """What devices and pages tell a server: a few words each, --size bytes at most, always answered alike."""
    headers = {"Cookie": "x" * options.cookie} if options.cookie else {}
    for _ in beats(options):
        connection = connection_of(options)
        connection.request("POST", "/post", "x" * random.randint(20, options.size), headers)
        connection.getresponse().read()
        connection.close()


def redis(options):
    """A connection for every command, as scripts have that are started anew for each page."""
    for beat in ticks(options):
        key = f"session:{random.randint(0, 50)}"
        words = f"SET {key} {'x' * random.randint(1, options.size)}" if beat % 3 == 0 else f"GET {key}"
        with dial(options, 6379) as sock:
            sock.sendall(f"{words}\r\n".encode())
            sock.recv(65536)


def mail(options):
    """--burst mails a connection, as a mailing list's server sends them."""
    for beat in ticks(options):
        with smtplib.SMTP(options.target, 25, "client.lab", 5, (source(options), 0)) as server:
            for number in range(options.burst):
                body = "Dear reader,\n" + "some news.\n" * (20 + 13 * (beat + number) % 200)
                server.sendmail("list@lab", [f"reader{number}@lab"], f"Subject: news {beat}\n\n{body}")


def hosts_of(options):
    """Several hosts: named one by one, or --count from the first on."""
    hosts = options.target.split(",")
    if options.count:
        network, first = hosts[0].rsplit(".", 1)
        hosts = [f"{network}.{int(first) + 2 * number}" for number in range(options.count)]
    return hosts


def monitor(options):
    """Connects to services of several hosts, reads a greeting if there is one at once, goes."""
    hosts = hosts_of(options)
    ports = [int(port) for port in options.ports.split(",")]
    end = time.monotonic() + options.seconds
    reached = 0
    for _ in ticks(options):
        for host in hosts:
            for port in ports:
                if time.monotonic() > end:
                    continue
                try:
                    with socket.create_connection((host, port), options.patience or 2,
                                                  source_address=(options.source, 0)) as sock:
                        reached += 1
                        sock.settimeout(0.01)
                        sock.recv(100)
                except OSError:
                    pass
                time.sleep(options.pause)
    if reached == 0:
        sys.exit("nothing reached")


def pings(options):
    """Asks several hosts whether they are there, --burst times each, and does not wait for one before the next."""
    hosts = hosts_of(options)
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.bind((options.source, 0))
    sock.settimeout(2)
    identifier = os.getpid() & 0xFFFF
    sequence = 0
    for _ in ticks(options):
        for host in hosts:
            for _ in range(options.burst):
                sequence += 1
                rest = struct.pack(">HH", identifier, sequence & 0xFFFF) + bytes(options.size)
                echo = b"\x08\x00" + struct.pack(">H", checksum(b"\x08\x00\x00\x00" + rest)) + rest
                sock.sendto(echo, (host, 0))
                time.sleep(options.pause)
    if not sock.recv(2000):
        sys.exit("nobody is there")


def retry(options):
    """A client that does not give up on a service that is not there."""
    for _ in ticks(options):
        try:
            dial(options, options.port or 8088, options.patience or 3).close()
            sys.exit("somebody is there")
        except OSError:
            pass


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def noise(options):
    """What a network says when nobody does anything: ARP, mDNS, LLMNR, SSDP, NetBIOS, DHCP, router advertisements."""
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    frames.bind((options.device, 0))
    own = frames.getsockname()[4]
    source = socket.inet_aton(options.source)
    group = [
        ("224.0.0.251", 5353, question(0, "printer._ipp._tcp.local", 12)),
        ("224.0.0.252", 5355, question(7, "wpad", 1)),
        ("239.255.255.250", 1900, b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n'
                                  b'MAN: "ssdp:discover"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n'),
        ("10.83.255.255", 137, question(9, "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 33)),
        ("255.255.255.255", 67, bytes([1, 1, 6, 0]) + os.urandom(4) + bytes(20) + own + bytes(202)
         + bytes([99, 130, 83, 99, 53, 1, 1, 255])),
    ]
    for beat in ticks(options):
        wanted = socket.inet_aton(f"10.83.4.{1 + beat % 60}")
        frames.send(b"\xff" * 6 + own + struct.pack(">HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1)
                    + own + source + bytes(6) + wanted)
        address, port, data = group[beat % len(group)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, source)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Most of these are heard and sent on the same port.
            sock.bind((options.source, 68 if port == 67 else port))
            sock.sendto(data, (address, port))
        if beat % 4 == 0:
            # A router that offers nothing: lifetime and flags are zero.
            link = b"\xfe\x80" + bytes(6) + bytes([own[0] ^ 2]) + own[1:3] + b"\xff\xfe" + own[3:]
            everybody = b"\xff\x02" + bytes(13) + b"\x01"
            body = struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, 0, 0, 0) + b"\x01\x01" + own
            whole = link + everybody + struct.pack(">II", len(body), 58) + body
            body = body[:2] + struct.pack(">H", checksum(whole)) + body[4:]
            frames.send(b"\x33\x33\x00\x00\x00\x01" + own + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, len(body), 58, 255)
                        + link + everybody + body)


def repeat(options):
    """Runs a command again and again; fails with the first that does.

    With --random at random times, whether those before have ended or not. With --words each time with another line of
    that file in place of WORD.
    """
    running = []
    words = itertools.cycle(Path(options.words).read_text().split() if options.words else ["WORD"])
    for _ in beats(options):
        word = next(words)
        command = [part.replace("WORD", word) for part in options.command]
        running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE))
        running = [one for one in running if not ended(one, options, wait=not options.random)]
    for one in running:
        ended(one, options, wait=True)


def ended(command, options, wait):
    """Whether a command has ended; exits if that was with an error which matters."""
    if not wait and command.poll() is None:
        return False
    error = command.communicate()[1]
    if command.returncode and not options.any_code:
        sys.exit(f"{command.returncode}: {error.decode(errors='replace').strip()}")
    return True


def human(options):
    """Types into an interactive command, a key at a time, and reads; --login says who it is first."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(options.command[0], options.command)
    said = bytearray()

    def listen():
        try:
            while data := os.read(terminal, 65536):
                said.extend(data)
        except OSError:
            pass

    threading.Thread(target=listen, daemon=True).start()
    end = time.monotonic() + options.seconds

    def expect(word, patience=4.0):
        limit = time.monotonic() + patience
        while word not in said and time.monotonic() < limit:
            time.sleep(0.05)

    if options.login:
        for word, answer in ((b"ogin:", b"clerk\n"), (b"assword:", b"lantern\n")):
            expect(word)
            time.sleep(0.3)
            os.write(terminal, answer)
    expect(b"$")
    lines = ["ls -l pub", "date", "cd pub", "head -c 3000 file7 | od -c", "pwd", "ls", "echo a little longer line of text"]
    number = 0
    while time.monotonic() < end:
        for key in lines[number % len(lines)] + "\n":
            os.write(terminal, key.encode())
            time.sleep(random.uniform(0.4, 1.6) / options.rate)
        time.sleep(min(options.pause, max(0.0, end - time.monotonic())))
        number += 1
    seen = b"file7" in said
    os.write(terminal, b"exit\n")
    time.sleep(0.3)
    os.close(terminal)
    os.waitpid(child, 0)
    if not seen:
        sys.exit(f"no shell: {bytes(said[-200:])!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for call in (serve, media, dns, ntp, web, events, redis, mail, monitor, pings, retry, noise, repeat, human):
        command = commands.add_parser(call.__name__)
        command.set_defaults(call=call)
        if call == serve:
            continue
        if call not in (repeat, human):
            command.add_argument("source")
            command.add_argument("device" if call == noise else "target")
        command.add_argument("--seconds", type=float, default=5)
        command.add_argument("--rate", type=float, default=1, help="beats (or keys) a second")
        command.add_argument("--burst", type=int, default=1, help="a beat")
        command.add_argument("--unused", type=int, default=0, help="connections a beat without a request")
        command.add_argument("--clients", type=int, default=250, help="where the source is a network")
        command.add_argument("--size", type=int, default=5000, help="bytes of an answer, or of what is told")
        command.add_argument("--cookie", type=int, default=0, help="bytes said with each request")
        command.add_argument("--port", type=int)
        command.add_argument("--pause", type=float, default=0.0, help="seconds")
        command.add_argument("--missing", type=float, default=0.1, help="share of names")
        command.add_argument("--patience", type=float, help="seconds until it gives up")
        command.add_argument("--ports", default="21,22,23,25,53,80,443,873,5432,6379")
        command.add_argument("--count", type=int, help="hosts: every second address from the target's on")
        command.add_argument("--large", action="store_true", help="answers that come in fragments")
        command.add_argument("--keep", action="store_true", help="one connection for all")
        command.add_argument("--login", action="store_true")
        command.add_argument("--any-code", action="store_true")
        command.add_argument("--random", action="store_true", help="beats at random times")
        command.add_argument("--words", help="a file")
        if call in (repeat, human):
            command.add_argument("command", nargs="+")
    options = parser.parse_args()
    options.call(options)


if __name__ == "__main__":
    main()
