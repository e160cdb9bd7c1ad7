"""Captures of attacks and of harmless traffic that were never sent: shapes and rates that the testbed does not play.

    made_up_captures.py FOLDER

writes CLASS-NAME.pcap files into FOLDER, the same at every run. All connections of a file are of its class.
"""

import random
import struct
import sys
from pathlib import Path

VICTIM = "198.51.100.9"
ATTACKER = "203.0.113.7"
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
TCP, UDP, ICMP = 6, 17, 1


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def octets(address):
    return bytes(map(int, address.split(".")))


def frame(source, target, protocol, payload, fragment=0):
    """Ethernet and IPv4; `fragment` is the offset in units of 8 bytes."""
    length = 20 + len(payload)
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, length, 7, fragment, 60, protocol, 0, octets(source), octets(target)
    )
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return bytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]) + header + payload


def tcp(sport, dport, flags, payload=b"", sequence=None, acknowledgment=0):
    if sequence is None:
        sequence = random.getrandbits(32)
    header = struct.pack("!HHIIBBHHH", sport, dport, sequence, acknowledgment, 5 << 4, flags, 1024, 0, 0)
    return header + payload


def udp(sport, dport, payload):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def echo(kind, identifier, number, size=56):
    return struct.pack("!BBHHH", kind, 0, 0, identifier, number & 0xFFFF) + bytes(size)


def anybody():
    return ".".join(str(random.randint(1, 220)) for _ in range(4))


def anyport():
    return random.randint(1024, 65_000)


def write(folder, name, packets):
    """Packets are pairs of time (s) and frame."""
    with open(folder / f"{name}.pcap", "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        for time, data in sorted(packets, key=lambda packet: packet[0]):
            seconds, part = divmod(time, 1)
            file.write(struct.pack("<IIII", 1_600_000_000 + int(seconds), int(part * 1e6), len(data), len(data)))
            file.write(data)


def spread(rate, seconds):
    """Times of that many a second, at random."""
    time = 0.0
    for _ in range(int(rate * seconds)):
        time += random.expovariate(rate)
        yield time


def floods():
    """From anybody or from one, at 150 to 10,000 packets a second, to a host that says nothing."""
    kinds = {
        "syn": lambda: (TCP, tcp(anyport(), 80, SYN)),
        "ack": lambda: (TCP, tcp(anyport(), 80, ACK)),
        "rst": lambda: (TCP, tcp(anyport(), 80, RST)),
        "fin": lambda: (TCP, tcp(anyport(), 80, FIN)),
        "null": lambda: (TCP, tcp(anyport(), 80, 0)),
        "xmas": lambda: (TCP, tcp(anyport(), 80, FIN | PSH | URG)),
        "push": lambda: (TCP, tcp(anyport(), 443, PSH | ACK, bytes(200))),
        "synack": lambda: (TCP, tcp(443, anyport(), SYN | ACK)),
        "udp": lambda: (UDP, udp(anyport(), 9999, bytes(100))),
        "udp-ports": lambda: (UDP, udp(anyport(), anyport(), bytes(100))),
        "udp-empty": lambda: (UDP, udp(anyport(), 80, b"")),
        "icmp": lambda: (ICMP, echo(8, 1, anyport())),
    }
    for rate in (150, 1_000, 10_000):
        for kind, make in kinds.items():
            for sources in ("one", "many"):
                if (kind, sources, rate) == ("icmp", "one", 150):
                    continue  # That is a ping.
                packets = [
                    (time, frame(ATTACKER if sources == "one" else anybody(), VICTIM, *make()))
                    for time in spread(rate, 3)
                ]
                yield f"dos-flood-{kind}-{sources}-{rate}", packets
        fragments = [(time, frame(anybody(), VICTIM, UDP, bytes(1_400), 185)) for time in spread(rate, 3)]
        yield f"dos-flood-fragments-{rate}", fragments
        land = [(time, frame(VICTIM, VICTIM, TCP, tcp(80, 80, SYN))) for time in spread(rate, 3)]
        yield f"dos-flood-land-{rate}", land


def reflections():
    """Answers that nobody asked for, from 60 or 800 reflectors; a port of 0 is another one each time."""
    services = [
        (17, 60, 0), (19, 1020, 80), (53, 1200, 0), (69, 516, 0), (111, 500, 22), (123, 440, 0), (137, 200, 0),
        (161, 900, 53), (389, 1400, 0), (500, 220, 500), (520, 500, 0), (1434, 620, 0), (1900, 310, 0),
        (3283, 1000, 0), (3702, 700, 0), (5060, 400, 5060), (5683, 200, 0), (10_001, 150, 80), (11_211, 1400, 80),
        (27_015, 1300, 0), (33_848, 400, 80), (37_810, 600, 0),
    ]  # fmt: skip
    for rate in (60, 400, 3_000):
        for service, size, port in services:
            reflectors = [anybody() for _ in range(60 if rate < 1_000 else 800)]
            packets = [
                (time, frame(random.choice(reflectors), VICTIM, UDP, udp(service, port or anyport(), bytes(size))))
                for time in spread(rate, 4)
            ]
            yield f"dos-reflection-{service}-{rate}", packets
    for name, rate, count, reset in (("few", 500, 40, False), ("many", 2_000, 2_000, False), ("reset", 2_000, 2_000, True)):
        reflectors = [anybody() for _ in range(count)]
        packets = []
        for time in spread(rate, 3):
            reflector, service, port = random.choice(reflectors), random.choice((80, 443)), anyport()
            packets.append((time, frame(reflector, VICTIM, TCP, tcp(service, port, SYN | ACK))))
            if reset:
                packets.append((time + 1e-5, frame(VICTIM, reflector, TCP, tcp(port, service, RST))))
        yield f"dos-reflection-synack-{name}", packets


def scans():
    """Of ports and hosts, at 5 to 1,000 a second, of hosts that are silent or reset."""
    kinds = {"syn": SYN, "fin": FIN, "xmas": FIN | PSH | URG, "null": 0, "ack": ACK}
    for rate in (5, 30, 200, 1_000):
        for kind, flags in kinds.items():
            for answer in ("silent", "reset"):
                packets = []
                for number, port in enumerate(random.sample(range(1, 10_000), min(600, rate * 20)), 1):
                    time = number / rate
                    packets.append((time, frame(ATTACKER, VICTIM, TCP, tcp(40_001, port, flags))))
                    if answer == "reset":
                        reset = RST if flags == ACK else RST | ACK
                        packets.append((time + 1e-4, frame(VICTIM, ATTACKER, TCP, tcp(port, 40_001, reset))))
                yield f"probe-{kind}-{answer}-{rate}", packets
        times = [number / rate for number in range(1, min(254, rate * 20) + 1)]
        hosts = [f"198.51.100.{number + 1}" for number in range(len(times))]
        pings = [(time, frame(ATTACKER, host, ICMP, echo(8, 1, 1, 20))) for time, host in zip(times, hosts)]
        yield f"probe-sweep-icmp-{rate}", pings
        syns = [(time, frame(ATTACKER, host, TCP, tcp(50_000, 22, SYN))) for time, host in zip(times, hosts)]
        yield f"probe-sweep-syn-{rate}", syns
        asks = [(time, frame(ATTACKER, VICTIM, UDP, udp(51_000, random.randint(1, 2_000), bytes(12)))) for time in times]
        yield f"probe-udp-{rate}", asks


def session(start, client, server, port, dport, turns, trip, ends="client"):
    """A TCP conversation. Turns are who speaks (`c` or `s`), bytes, and seconds before; `trip` is the round trip, s."""
    packets, time = [], start
    sequence = {"c": random.getrandbits(31), "s": random.getrandbits(31)}

    def send(who, flags, payload=b""):
        other = "s" if who == "c" else "c"
        ports = (port, dport) if who == "c" else (dport, port)
        ends_of = (client, server) if who == "c" else (server, client)
        segment = tcp(*ports, flags, payload, sequence[who], sequence[other])
        packets.append((time, frame(*ends_of, TCP, segment)))
        sequence[who] += len(payload) + (1 if flags & (SYN | FIN) else 0)

    send("c", SYN)
    time += trip
    send("s", SYN | ACK)
    time += trip / 9
    send("c", ACK)
    for who, size, pause in turns:
        time += pause + trip / 2
        for sent in range(0, size, 1_448):
            send(who, PSH | ACK, bytes(min(size - sent, 1_448)))
            time += 1e-5
        time += trip / 2
        send("s" if who == "c" else "c", ACK)
    time += trip
    if ends == "reset":
        send("c", RST)
        return packets
    first, second = ("c", "s") if ends == "client" else ("s", "c")
    send(first, FIN | ACK)
    time += trip
    send(second, FIN | ACK)
    time += trip / 5
    send(first, ACK)
    return packets


def guesses():
    """Of passwords, 0.5 to 20 a second, one connection each."""

    def word():
        return random.randint(4, 14)

    def pause(least, most):
        return random.uniform(least, most)

    def ssh():
        turns = [("s", 41, 0.01), ("c", 22 + random.randint(0, 20), 0.001), ("c", 1_500, 0.002), ("s", 1_080, 0.002)]
        turns += [("c", 48, 0.002), ("s", 452, 0.02), ("c", 60, 0.01), ("s", 44, 0.001)]
        for _ in range(2):
            turns += [("c", 64 + 8 * random.randint(0, 2), 0.001), ("s", 52, pause(0.1, 2.2))]
        return turns

    kinds = {
        "ftp": (21, lambda: [("s", 20, 0.01), ("c", 12, 0.001), ("s", 34, 0.001), ("c", 7 + word(), 0.001),
                             ("s", 22, pause(0.05, 2.5))]),
        "ssh": (22, ssh),
        "telnet": (23, lambda: [("s", 12, 0.01), ("c", 12, 0.01), ("s", 30, 0.02), ("c", 8, 0.05), ("s", 12, 0.01),
                                ("c", 2 + word(), 0.05), ("s", 24, pause(0.1, 3))]),
        "pop3": (110, lambda: [("s", 30, 0.01), ("c", 13, 0.001), ("s", 5, 0.001), ("c", 7 + word(), 0.001),
                               ("s", 40, pause(0.05, 2))]),
        "http": (80, lambda: [("c", 150 + 4 * random.randint(0, 3), 0.0005), ("s", 401, 0.001)]),
    }  # fmt: skip
    for name, (service, turns) in kinds.items():
        for rate in (0.5, 1, 4, 20):
            packets, start = [], 0.0
            for number in range(int(min(150, max(25, rate * 12)))):
                start += random.uniform(0.8, 1.2) / rate
                trip = random.choice((0.0004, 0.002, 0.02))
                ends = random.choice(("client", "server"))
                packets += session(start, ATTACKER, VICTIM, 33_000 + number, service, turns(), trip, ends)
            yield f"r2l-{name}-{rate}", packets


def web(rate, seconds, clients, servers, trip):
    packets = []
    for number, start in enumerate(spread(rate, seconds)):
        turns = [("c", random.randint(120, 900), 0.001)]
        for _ in range(random.choice((1, 1, 2, 4))):
            size = int(random.paretovariate(1.1) * 900) % 300_000
            turns += [("s", size, 0.01), ("c", random.randint(100, 700), random.uniform(0.01, 0.6))]
        ends = random.choice(("client", "server", "client", "reset"))
        service, port = random.choice((80, 443)), 40_000 + number % 20_000
        packets += session(start, random.choice(clients), random.choice(servers), port, service, turns, trip, ends)
    return packets


def regular(rate, seconds, service, turns):
    packets = []
    for number in range(int(rate * seconds)):
        start, port = number / rate, 41_000 + number
        packets += session(start, "192.168.1.77", VICTIM, port, service, turns(), 0.001)
    return packets


def pings(rate, seconds, hosts):
    packets = []
    for host in range(hosts):
        start, address = random.random(), f"192.168.1.{9 + host}"
        for number in range(int(rate * seconds)):
            time = start + number / rate
            packets.append((time, frame("192.168.1.200", address, ICMP, echo(8, host, number))))
            packets.append((time + 0.001, frame(address, "192.168.1.200", ICMP, echo(0, host, number))))
    return packets


def names(rate, seconds, clients):
    packets = []
    for time in spread(rate, seconds):
        client, port = random.choice(clients), anyport()
        packets.append((time, frame(client, "192.168.1.1", UDP, udp(port, 53, bytes(random.randint(28, 50))))))
        if random.random() > 0.01:
            answer = udp(53, port, bytes(random.randint(44, 420)))
            packets.append((time + random.uniform(0.0005, 0.05), frame("192.168.1.1", client, UDP, answer)))
    return packets


def harmless():
    """Clients and servers of many kinds."""
    office = [f"192.168.1.{number}" for number in range(20, 60)]
    servers = [anybody() for _ in range(30)]
    for rate, seconds, trip in ((1, 30, 0.02), (10, 30, 0.02), (60, 10, 0.001), (150, 10, 0.03)):
        yield f"normal-web-{rate}", web(rate, seconds, office[: max(3, rate // 4)], servers, trip)
    for rate, seconds in ((5, 20), (60, 8), (200, 8)):
        yield f"normal-server-{rate}", web(rate, seconds, [anybody() for _ in range(rate * 3)], [VICTIM], 0.04)
    for rate, seconds in ((2, 20), (40, 20), (300, 6)):
        yield f"normal-dns-{rate}", names(rate, seconds, office)
    for rate, hosts in ((1, 1), (1, 12), (10, 1), (100, 1)):
        yield f"normal-ping-{rate}-{hosts}", pings(rate, 20, hosts)
    yield "normal-poll-1", regular(1, 40, 80, lambda: [("c", 110, 0.001), ("s", 350, 0.002)])
    yield "normal-poll-10", regular(
        10, 20, 8080, lambda: [("c", 180, 0.001), ("s", random.randint(300, 2_000), 0.002)]
    )
    greeting = [("s", 60, 0.01), ("c", 20, 0.001), ("s", 120, 0.001), ("c", 40, 0.001), ("s", 14, 0.001)]
    yield "normal-mail", regular(
        2, 30, 25, lambda: [*greeting, ("c", random.randint(800, 40_000), 0.001), ("s", 36, 0.02), ("c", 6, 0.001)]
    )
    yield "normal-redis", regular(
        50, 10, 6379, lambda: [("c", random.randint(20, 60), 0.0001), ("s", random.randint(5, 200), 0.0001)]
    )
    yield "normal-upload", regular(
        1, 20, 443, lambda: [("c", 517, 0.001), ("s", 3_000, 0.01), ("c", random.randint(20_000, 900_000), 0.001)]
    )
    shells = []
    for number, client in enumerate(office[:10]):
        turns = [("s", 41, 0.01), ("c", 40, 0.001), ("c", 1_500, 0.002), ("s", 1_080, 0.002), ("c", 600, 0.01)]
        for _ in range(60):
            turns += [("c", 36, random.uniform(0.05, 0.6)), ("s", random.choice((36, 36, 36, 120, 900)), 0.001)]
        shells += session(number * 3, client, VICTIM, 50_000 + number, 22, turns, 0.01)
    yield "normal-ssh", shells
    clocks = []
    for number in range(60):
        time, client = random.uniform(0, 60), office[number % 20]
        clocks.append((time, frame(client, "162.159.200.1", UDP, udp(123, 123, bytes(48)))))
        clocks.append((time + 0.02, frame("162.159.200.1", client, UDP, udp(123, 123, bytes(48)))))
    yield "normal-ntp", clocks
    download = [("c", 400, 0.001), ("s", 4_000_000, 0.01)]
    yield "normal-download", session(0, office[0], VICTIM, 45_000, 443, download, 0.01)
    call = []
    for number in range(1_500):
        time = number / 50
        call.append((time, frame(office[0], "192.0.2.77", UDP, udp(40_002, 17_002, bytes(172)))))
        call.append((time + 0.005, frame("192.0.2.77", office[0], UDP, udp(17_002, 40_002, bytes(172)))))
    yield "normal-call", call


def echoes(rate, seconds, size, identifier=1):
    packets = []
    for number in range(int(rate * seconds)):
        time = number / rate + random.random() * 2e-4
        packets.append((time, frame(ATTACKER, VICTIM, ICMP, echo(8, identifier, number, size))))
        packets.append((time + 3e-5, frame(VICTIM, ATTACKER, ICMP, echo(0, identifier, number, size))))
    return packets


def conversations():
    """Between two hosts: pings that go on or begin again and again, and floods that are one conversation."""
    for size in (0, 56, 400, 1_200):
        for rate in (5, 20, 50, 100, 200):
            yield f"normal-ping-on-{rate}-{size}", echoes(rate, 40, size)
        for rate in (2, 5, 10, 30):
            again = [
                (time + 10 * turn, data) for turn in range(12) for time, data in echoes(rate, 9, size, turn)
            ]
            yield f"normal-ping-again-{rate}-{size}", again
        for rate in (1_000, 2_000):
            yield f"dos-ping-{rate}-{size}", echoes(rate, 2, size)
    for rate in (1_000, 2_000, 4_000):
        for size in (20, 400, 1_200):
            for port in (443, 9_999):
                times = [number / rate + random.random() * 2e-4 for number in range(rate * 2)]
                yield (
                    f"dos-conversation-{rate}-{size}-{port}",
                    [(time, frame(ATTACKER, VICTIM, UDP, udp(4_444, port, bytes(size)))) for time in times],
                )


def logins():
    """Of one client that knows the password, at even or random times, for a minute and a half."""
    greeting = [("s", 20, 0.01), ("c", 12, 0.001), ("s", 34, 0.001), ("c", 14, 0.001), ("s", 23, 0.02)]
    keys = [("s", 41, 0.01), ("c", 41, 0.001), ("c", 1_500, 0.002), ("s", 1_080, 0.002), ("c", 48, 0.002)]
    keys += [("s", 452, 0.02), ("c", 60, 0.01), ("s", 44, 0.001), ("c", 612, 0.002), ("s", 28, 0.01), ("c", 112, 0.002)]
    draw = random.randint
    kinds = {
        "ssh": (22, lambda: [*keys, ("c", 96, 0.001), ("s", 400, 0.01)]),
        "ssh-words": (22, lambda: [*keys, ("c", 80 + 4 * draw(0, 20), 0.001), ("s", 300 + 4 * draw(0, 400), 0.03)]),
        "ftp": (21, lambda: [*greeting, ("c", 6, 0.001), ("s", 48, 0.001), ("c", 10, 0.001), ("s", 90, 0.01)]),
        "ftp-names": (21, lambda: [*greeting, ("c", 8 + draw(4, 30), 0.001), ("s", 60 + draw(8, 34), 0.01)]),
        "pop3": (110, lambda: [("s", 30, 0.01), ("c", 13, 0.001), ("s", 5, 0.001), ("c", 14, 0.001), ("s", 16, 0.01),
                               ("c", 6, 0.001), ("s", 9, 0.001)]),
        "pop3-fetch": (110, lambda: [("s", 30, 0.01), ("c", 27, 0.002), ("s", 21, 0.01), ("c", 8, 0.001),
                                     ("s", draw(700, 9_000), 0.002)]),
        "smtp": (25, lambda: [("s", 60, 0.01), ("c", 20, 0.001), ("s", 120, 0.001), ("c", 70, 0.001), ("s", 42, 0.001),
                              ("c", draw(700, 5_000), 0.001), ("s", 36, 0.02)]),
        "http": (80, lambda: [("c", 171, 0.001), ("s", draw(500, 3_000), 0.003)]),
        "events": (80, lambda: [("c", 230 + draw(0, 40), 0.001), ("s", 121, 0.002)]),
        "redis": (6_379, lambda: [("c", 30 + draw(0, 8), 0.0002), ("s", draw(5, 60), 0.0002)]),
        "postgres": (5_432, lambda: [("c", 8, 0.001), ("s", 1, 0.001), ("c", 84, 0.001), ("s", 24, 0.001),
                                     ("c", 55, 0.001), ("s", 340, 0.004), ("c", draw(30, 90), 0.001),
                                     ("s", draw(60, 700), 0.003)]),
    }  # fmt: skip
    for name, (service, turns) in kinds.items():
        for rate in (0.5, 2, 8):
            even = [number / rate for number in range(int(rate * 90))]
            for times, when in ((even, "evenly"), (spread(rate, 90), "whenever")):
                packets = []
                for number, start in enumerate(times):
                    packets += session(start, "192.168.1.30", VICTIM, 33_000 + number, service, turns(), 0.001)
                yield f"normal-login-{name}-{rate}-{when}", packets


def busy():
    """Pings to a host to which others speak already, and what they say."""
    for others in (20, 60, 200):
        for rate in (4, 10, 30, 100):
            clients = [anybody() for _ in range(others // 4)]
            packets = web(others / 4, 16, clients, [VICTIM], 0.01)
            for time in spread(others / 2, 16):
                client, port = random.choice(clients), anyport()
                packets.append((time, frame(client, VICTIM, UDP, udp(port, 53, bytes(random.randint(28, 50))))))
                answer = udp(53, port, bytes(random.randint(44, 420)))
                packets.append((time + random.uniform(0.0005, 0.01), frame(VICTIM, client, UDP, answer)))
            for turn in range(4):
                packets += [(time + 2 + 3.5 * turn, data) for time, data in echoes(rate, 2, 56, turn)]
            yield f"normal-ping-busy-{rate}-{others}", packets


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    random.seed(1)
    for made in (floods, reflections, scans, guesses, harmless, conversations, logins, busy):
        for name, packets in made():
            write(folder, name, packets)


if __name__ == "__main__":
    main()
