"""What the controller reads of a frame: addresses for the switch, ports and flags for the mirror."""

import collections
import socket
import struct

IPV4 = 0x0800
ICMP, TCP, UDP = 1, 6, 17
SYN, RST, ACK = 0x02, 0x04, 0x10

# One direction of a conversation. Of ICMP, the ports are type and code, as in OpenFlow's match.
Flow = collections.namedtuple("Flow", "protocol source destination source_port destination_port")
Frame = collections.namedtuple("Frame", "to sender kind flow tcp_flags")


def parse(data):
    """The Frame, or None if it is not even Ethernet; its flow is None where OpenFlow entries go by hardware
    address alone: anything but IPv4, protocols without ports, fragments, and what is cut short."""
    if len(data) < 14:
        return None
    kind, = struct.unpack_from("!H", data, 12)
    to, sender = data[0:6].hex(":"), data[6:12].hex(":")
    flow, flags = ipv4(data[14:]) if kind == IPV4 else (None, 0)
    return Frame(to, sender, kind, flow, flags)


def ipv4(packet):
    nothing = (None, 0)
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return nothing
    header = (packet[0] & 0x0F) * 4
    fragment, = struct.unpack_from("!H", packet, 6)
    protocol, rest = packet[9], packet[header:]
    if header < 20 or fragment & 0x3FFF or len(rest) < 4:
        return nothing
    if protocol == ICMP:
        ports = rest[0], rest[1]
    elif protocol in (TCP, UDP):
        ports = struct.unpack_from("!HH", rest)
    else:
        return nothing
    flags = rest[13] if protocol == TCP and len(rest) > 13 else 0
    return Flow(protocol, socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]), *ports), flags
