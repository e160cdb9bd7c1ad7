"""What the controller baseline makes of frames and counters. Run by `cargo xtask test`; needs no os-ken."""

import struct
import unittest

from conversations import IDLE, LAST, MOST, Mirror
from frames import ACK, ICMP, RST, SYN, TCP, UDP, Flow, parse

ATTACKER, H1, H2 = "10.83.0.66", "10.83.0.1", "10.83.0.2"
PING = Flow(ICMP, ATTACKER, H1, 8, 0)
PONG = Flow(ICMP, H1, ATTACKER, 0, 0)
WEB = Flow(TCP, H2, H1, 40_000, 80)


def back(flow):
    return Flow(flow.protocol, flow.destination, flow.source, flow.destination_port, flow.source_port)


def frame(protocol, rest, fragment=0):
    ipv4 = struct.pack("!BBHHHBBH4B4B", 0x45, 0, 20 + len(rest), 0, fragment, 64, protocol, 0,
                       *map(int, ATTACKER.split(".")), *map(int, H1.split(".")))
    return bytes(6) + b"\x02" * 6 + struct.pack("!H", 0x0800) + ipv4 + rest


class Frames(unittest.TestCase):
    def test_an_echo_request(self):
        found = parse(frame(ICMP, struct.pack("!BBHHH", 8, 0, 0, 7, 1)))
        self.assertEqual((found.sender, found.flow), ("02:02:02:02:02:02", PING))

    def test_the_flags_of_tcp(self):
        segment = struct.pack("!HHIIBBHHH", 4000, 80, 1, 0, 0x50, SYN | ACK, 0, 0, 0)
        found = parse(frame(TCP, segment))
        self.assertEqual((found.flow, found.tcp_flags), (Flow(TCP, ATTACKER, H1, 4000, 80), SYN | ACK))

    def test_what_has_no_ports(self):
        ping = struct.pack("!BBHHH", 8, 0, 0, 7, 1)
        for data in (frame(ICMP, ping, fragment=0x2000), frame(ICMP, ping, fragment=3), frame(47, ping),
                     frame(ICMP, b"\x08"), b"\xff" * 12 + b"\x08\x06" + bytes(28)):
            self.assertIsNone(parse(data).flow)

    def test_no_frame_fails(self):
        whole = frame(TCP, struct.pack("!HHIIBBHHH", 4000, 80, 1, 0, 0x50, SYN, 0, 0, 0))
        for length in range(len(whole)):
            found = parse(whole[:length])
            self.assertEqual(found is None, length < 14)
        self.assertIsNone(parse(whole[:14] + b"\x41" + whole[15:]).flow, "a header of 4 bytes")


class Columns(unittest.TestCase):
    def setUp(self):
        self.mirror = Mirror()

    def row(self, talk, now):
        return self.mirror.rows([talk], now)[0]

    def test_a_flood_of_pings_is_counted_by_its_entry(self):
        talk = self.mirror.seen(PING, 0, 42, 0.0)
        self.mirror.seen(PONG, 0, 42, 0.0)
        # 1,000 a second, looked at each second; the switch counts in total.
        for second in (1, 2, 3):
            self.mirror.counted(PING, 1_000 * second, 42_000 * second, second, second - 1)
        self.assertEqual(talk.packets, [3_001, 1])
        row = self.row(talk, 3.0)
        self.assertEqual((row["service"], row["flag"], row["src_bytes"]), ("eco_i", "SF", 8))
        # Of 2,000 in two seconds KDD counts 511.
        self.assertEqual((row["count"], row["dst_host_count"]), (511, LAST))
        self.assertEqual((row["same_srv_rate"], row["diff_srv_rate"], row["serror_rate"]), (1.0, 0.0, 0.0))

    def test_only_two_seconds_are_recent(self):
        talk = self.mirror.seen(PING, 0, 98, 0.0)
        self.mirror.counted(PING, 10, 980, 1.0, 0.0)
        self.mirror.counted(PING, 20, 1_960, 2.0, 1.0)
        # The first packet is 2.1 s old, ten came around 0.5 and ten around 1.5.
        self.assertEqual(self.row(talk, 2.1)["count"], 20)
        self.assertEqual(self.row(talk, 2.6)["count"], 10)
        self.assertEqual(self.row(talk, 9.0)["count"], 1, "itself")

    def test_a_late_look_finds_no_more_at_once(self):
        talk = self.mirror.seen(PING, 0, 98, 0.0)
        # Ten a second, looked at after ten seconds: a quiet ping.
        self.mirror.counted(PING, 100, 9_800, 10.0, 0.0)
        row = self.row(talk, 10.0)
        self.assertEqual((row["count"], row["dst_host_count"]), (20, 101))

    def test_an_entry_installed_again_counts_from_zero(self):
        talk = self.mirror.seen(PING, 0, 98, 0.0)
        self.mirror.counted(PING, 50, 50 * 98, 1.0, 0.0)
        self.mirror.counted(PING, 3, 3 * 98, 2.0, 1.0)
        self.assertEqual(talk.packets[0], 54)

    def test_answers_belong_to_the_question(self):
        talk = self.mirror.seen(WEB, SYN, 74, 0.0)
        self.assertEqual(self.row(talk, 0.0)["flag"], "S0")
        self.assertIs(self.mirror.seen(back(WEB), SYN | ACK, 74, 0.1), talk)
        self.mirror.counted(back(WEB), 4, 4 * 66 + 1_000, 1.0, 0.0)
        row = self.row(talk, 1.0)
        self.assertEqual((row["flag"], row["service"], row["duration"]), ("SF", "http", 1))
        self.assertEqual((row["src_bytes"], row["dst_bytes"]), (8, 1_008))

    def test_a_reset_is_a_refusal(self):
        talks = []
        for port in (21, 22, 23, 24):
            flow = WEB._replace(destination_port=port)
            talks.append(self.mirror.seen(flow, SYN, 74, 0.0))
            self.mirror.seen(back(flow), RST | ACK if port < 24 else SYN | ACK, 60, 0.0)
        row = self.row(talks[0], 0.0)
        self.assertEqual((row["flag"], row["count"], row["rerror_rate"]), ("REJ", 4, 0.75))
        self.assertEqual((row["diff_srv_rate"], row["srv_count"]), (1.0, 1))
        self.assertEqual(row["dst_host_same_src_port_rate"], 1.0)

    def test_one_service_of_many_hosts(self):
        for host in range(4):
            talk = self.mirror.seen(Flow(UDP, ATTACKER, f"10.83.4.{host}", 5_000 + host, 53), 0, 80, 0.0)
        row = self.row(talk, 0.0)
        self.assertEqual((row["service"], row["count"], row["srv_count"]), ("domain_u", 1, 4))
        self.assertEqual((row["srv_diff_host_rate"], row["dst_host_srv_diff_host_rate"]), (1.0, 1.0))

    def test_memory_is_bounded(self):
        for number in range(MOST + 100):
            self.mirror.seen(Flow(UDP, ATTACKER, H1, number, 9), 0, 60, 0.0)
        self.assertEqual((len(self.mirror.talks), self.mirror.refused), (MOST, 100))
        self.assertLessEqual(len(self.mirror.last), LAST)
        self.mirror.forget(IDLE + 1.0)
        self.assertEqual((len(self.mirror.talks), len(self.mirror.recent)), (0, 0))


if __name__ == "__main__":
    unittest.main()
