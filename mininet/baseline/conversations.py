"""Conversations as a switch's statistics show them, and their KDD'99 columns.

The mirror is fed with the packets that were handed to the controller (`seen`) and with the counters of the
entries that forward the others (`counted`). A conversation is both directions, its originator the sender of its
first packet. Of ICMP every packet of the originator is a connection, as in KDD'99.

What OpenFlow 1.3 does not tell stays 0, as in a controller of this kind: the columns about content (hot,
logged_in, …), wrong_fragment, urgent. A TCP connection's state is what its first packet each way says: S0
without an answer, REJ after a reset, else SF; its end is not seen.
"""

import collections

from frames import ACK, ICMP, RST, SYN, TCP, UDP

PROTOCOLS = {ICMP: "icmp", TCP: "tcp", UDP: "udp"}
# The answer to each question of ICMP, by type.
ANSWERS = {0: 8, 14: 13, 16: 15, 18: 17}
ICMP_SERVICES = {0: "ecr_i", 3: "urp_i", 5: "red_i", 8: "eco_i", 11: "tim_i"}
UDP_SERVICES = {53: "domain_u", 69: "tftp_u", 123: "ntp_u"}
TCP_SERVICES = {
    7: "echo", 9: "discard", 11: "systat", 13: "daytime", 15: "netstat", 20: "ftp_data", 21: "ftp", 22: "ssh",
    23: "telnet", 25: "smtp", 37: "time", 43: "whois", 53: "domain", 70: "gopher", 79: "finger", 80: "http",
    109: "pop_2", 110: "pop_3", 111: "sunrpc", 113: "auth", 119: "nntp", 139: "netbios_ssn", 143: "imap4",
    179: "bgp", 389: "ldap", 443: "http_443", 512: "exec", 513: "login", 514: "shell", 515: "printer",
    6000: "X11", 6667: "IRC",
}
# Ethernet, IPv4 and the protocol's own header; of TCP with the usual time stamps. KDD counts an ICMP header in.
HEADERS = {ICMP: 14 + 20, TCP: 14 + 20 + 32, UDP: 14 + 20 + 8}

# KDD's windows: 2 s, of which it counts so many, and the last 255 connections.
RECENT, MOST_RECENT = 2.0, 511
LAST = 255
# Conversations followed at a time.
MOST = 4_096
# A conversation without packets for so long is over; so are the entries that forward it.
IDLE = 10
ALWAYS_ZERO = dict.fromkeys((
    "wrong_fragment", "urgent", "hot", "num_failed_logins", "logged_in", "num_compromised", "root_shell",
    "su_attempted", "num_root", "num_file_creations", "num_shells", "num_access_files", "num_outbound_cmds",
    "is_host_login", "is_guest_login"), 0)


def service(protocol, port):
    """KDD's name of a responder's port or an ICMP type."""
    if protocol == ICMP:
        return ICMP_SERVICES.get(port, "other")
    names = TCP_SERVICES if protocol == TCP else UDP_SERVICES
    return names.get(port, "private" if port < 1024 else "other")


class Conversation:
    """`packets` and `octets` are of the originator, then of the responder; `refused` and `answered` are TCP's."""

    def __init__(self, flow, now):
        self.flow = flow
        self.began = self.changed = now
        self.packets, self.octets = [0, 0], [0, 0]
        self.answered = self.refused = self.midway = False

    @property
    def target(self):
        """What a service is in the windows: a protocol and a port."""
        flow = self.flow
        return flow.protocol, flow.source_port if flow.protocol == ICMP else flow.destination_port

    @property
    def state(self):
        if self.flow.protocol != TCP:
            return "SF"
        if self.midway:
            return "OTH"
        if self.refused:
            return "REJ"
        return "SF" if self.answered else "S0"

    def payload(self, direction):
        packets, octets = self.packets[direction], self.octets[direction]
        protocol = self.flow.protocol
        if protocol == ICMP:
            # The mean message's; answers are not a column of their own.
            return 0 if direction or not packets else max(0, octets // packets - HEADERS[ICMP])
        return max(0, octets - packets * HEADERS[protocol])


class Tally:
    """Sums over a window of (conversation, weight)."""

    def __init__(self, window):
        self.hosts, self.services = {}, {}
        self.ports = collections.Counter()
        for talk, weight in window:
            host, target = talk.flow.destination, talk.target
            for sums, key, other in ((self.hosts, host, target), (self.services, target, host)):
                sums = sums.setdefault(key, [0, 0, 0, collections.Counter()])
                sums[0] += weight
                sums[1] += weight * (talk.state == "S0")
                sums[2] += weight * (talk.state == "REJ")
                sums[3][other] += weight
            self.ports[host, talk.flow.source_port] += weight

    def columns(self, talk):
        """count, srv_count, serror, srv_serror, rerror, srv_rerror, same_srv, diff_srv, srv_diff_host, same_src_port."""
        host, target = talk.flow.destination, talk.target
        total, silent, refused, targets = self.hosts[host]
        srv_total, srv_silent, srv_refused, hosts = self.services[target]
        return (
            total, srv_total, silent / total, srv_silent / srv_total, refused / total, srv_refused / srv_total,
            targets[target] / total,
            len(targets) / total if len(targets) > 1 else 0.0,
            len(hosts) / srv_total if len(hosts) > 1 else 0.0,
            self.ports[host, talk.flow.source_port] / total,
        )


class Mirror:
    def __init__(self):
        self.talks = {}
        self.entries = {}
        self.recent = collections.deque(maxlen=4 * MOST)
        self.last = collections.deque()
        self.last_weight = 0
        # Conversations that could not be followed any more.
        self.refused = 0

    def find(self, flow):
        """The flow's conversation and its direction in it (0: of the originator), or None and 0."""
        if flow in self.talks:
            return self.talks[flow], 0
        protocol, source, destination, source_port, destination_port = flow
        if protocol == ICMP:
            question = ANSWERS.get(source_port)
            back = question is not None and flow._replace(
                source=destination, destination=source, source_port=question)
        else:
            back = flow._replace(source=destination, destination=source,
                                 source_port=destination_port, destination_port=source_port)
        talk = self.talks.get(back)
        return (talk, 1) if talk else (None, 0)

    def seen(self, flow, tcp_flags, octets, now):
        """A packet that the controller was given. Returns its conversation, or None if there are too many."""
        talk, direction = self.find(flow)
        if talk is None:
            if len(self.talks) >= MOST:
                self.refused += 1
                return None
            talk = self.talks[flow] = Conversation(flow, now)
            talk.midway = flow.protocol == TCP and not tcp_flags & SYN
            if flow.protocol != ICMP:
                self.enter(talk, 1, now, now)
        if direction and flow.protocol == TCP and not talk.answered:
            talk.answered = True
            talk.refused = bool(tcp_flags & RST and tcp_flags & ACK)
        self.add(talk, direction, 1, octets, now, now)
        return talk

    def counted(self, flow, packets, octets, now, since):
        """The counters of a flow's entry, which grow from `since` to `now`."""
        before = self.entries.get(flow, (0, 0))
        if packets < before[0]:
            before = 0, 0
        self.entries[flow] = packets, octets
        talk, direction = self.find(flow)
        if talk and packets > before[0]:
            self.add(talk, direction, packets - before[0], octets - before[1], now, since)

    def removed(self, flow):
        self.entries.pop(flow, None)

    def add(self, talk, direction, packets, octets, now, since):
        talk.packets[direction] += packets
        talk.octets[direction] += octets
        talk.changed = now
        if talk.flow.protocol == ICMP and direction == 0:
            self.enter(talk, packets, now, since)

    def enter(self, talk, weight, now, since):
        """`weight` connections enter the windows. They came evenly from `since` to `now`, for all we know: after a
        late look only a part of them is recent."""
        span = now - since
        fresh = weight if span <= RECENT else max(1, round(weight * RECENT / span))
        self.recent.append((now - min(span, RECENT) / 2, talk, fresh))
        self.last.append([talk, min(weight, LAST)])
        self.last_weight += self.last[-1][1]
        while self.last_weight > LAST:
            surplus = min(self.last_weight - LAST, self.last[0][1])
            self.last[0][1] -= surplus
            self.last_weight -= surplus
            if self.last[0][1] == 0:
                self.last.popleft()

    def forget(self, now):
        """Leaves out what is over."""
        while self.recent and now - self.recent[0][0] >= RECENT:
            self.recent.popleft()
        for flow in [flow for flow, talk in self.talks.items() if now - talk.changed > IDLE]:
            del self.talks[flow]

    def rows(self, talks, now):
        """What /predict takes, for each of the conversations."""
        self.forget(now)
        recent = [(talk, weight) for _, talk, weight in self.recent]
        last = list(self.last)
        # A conversation is in its own windows.
        windows = []
        for window in (recent, last):
            inside = {id(talk) for talk, _ in window}
            windows.append(Tally(window + [(talk, 1) for talk in talks if id(talk) not in inside]))
        return [row(talk, *windows) for talk in talks]


def row(talk, recent, last):
    count, srv_count, serror, srv_serror, rerror, srv_rerror, same, diff, hosts, _ = recent.columns(talk)
    host_names = ("dst_host_count", "dst_host_srv_count", "dst_host_serror_rate", "dst_host_srv_serror_rate",
                  "dst_host_rerror_rate", "dst_host_srv_rerror_rate", "dst_host_same_srv_rate",
                  "dst_host_diff_srv_rate", "dst_host_srv_diff_host_rate", "dst_host_same_src_port_rate")
    flow = talk.flow
    return {
        **ALWAYS_ZERO,
        "duration": 0 if flow.protocol == ICMP else int(talk.changed - talk.began),
        "protocol_type": PROTOCOLS[flow.protocol],
        "service": service(*talk.target),
        "flag": talk.state,
        "src_bytes": talk.payload(0),
        "dst_bytes": talk.payload(1),
        "land": int(flow.source == flow.destination and flow.source_port == flow.destination_port),
        "count": min(count, MOST_RECENT),
        "srv_count": min(srv_count, MOST_RECENT),
        "serror_rate": serror, "srv_serror_rate": srv_serror,
        "rerror_rate": rerror, "srv_rerror_rate": srv_rerror,
        "same_srv_rate": same, "diff_srv_rate": diff, "srv_diff_host_rate": hosts,
        **dict(zip(host_names, last.columns(talk))),
    }
