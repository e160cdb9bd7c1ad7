"""The controller baseline: detection where OpenFlow puts it, outside the switch.

A learning switch that gives every conversation an entry of its own, mirrors the entries' statistics, asks
POST /predict of `tidegate serve` about each conversation and has the switch drop what is called dos. Run by
osken-manager; where and how often is said by the environment (see Settings). Decision 0027 says what is done as
well as this design allows, and what it can't see.

Prints one line of JSON for each drop entry once the switch has confirmed it, and for whatever went wrong.
"""

import http.client
import json
import os
import time

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib import hub
from os_ken.ofproto import ofproto_v1_3

from conversations import IDLE, Mirror
from frames import ICMP, IPV4, TCP, Flow, parse

FORWARD, DROP = 0xF0, 0xD0
ANY_COOKIE = 0xFFFF_FFFF_FFFF_FFFF
PRIORITY_FORWARD, PRIORITY_DROP = 10, 100
# New conversations are judged so often, between two looks at the statistics.
TICK = 0.1
# Hardware addresses a switch learns; more are flooded to.
MOST_ADDRESSES = 4_096
# As many rows as /predict takes at a time.
MOST_ROWS = 1_024
# While an entry is on its way to the switch, more packets of its flow come.
SETTLING = 1.0


class Settings:
    predict = os.environ.get("TG_BASELINE_PREDICT", "127.0.0.1:8080")
    interval = float(os.environ.get("TG_BASELINE_INTERVAL", "1"))
    # A drop entry ends so many seconds after the last packet that met it.
    hold = int(os.environ.get("TG_BASELINE_HOLD", "5"))


def say(**words):
    print(json.dumps(words), flush=True)


class Model:
    """POST /predict over one connection that is kept."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(Settings.predict, timeout=2)

    def predict(self, rows):
        """As many predictions as rows; none if the model can't be asked, and then nothing is dropped."""
        try:
            self.connection.request("POST", "/predict", json.dumps(rows), {"Content-Type": "application/json"})
            answer = self.connection.getresponse()
            body = json.loads(answer.read())
            if answer.status != 200:
                raise ValueError(body)
            return body
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.connection.close()
            say(event="error", what=f"/predict: {error}")
            return []


class Controller(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mirror, self.model = Mirror(), Model()
        self.switches, self.ports = {}, {}
        # Where a flow's packets enter the network: there they are counted, and there they are dropped.
        self.entrances = {}
        self.installed = {}
        self.new, self.dropped, self.pending = set(), set(), {}
        # The latest look at the statistics, and the one before.
        self.polled = self.since = time.monotonic()
        self.waiting, self.complete = set(), hub.Event()
        hub.spawn(self.work)

    # The switch

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])
    def state_changed(self, event):
        path = event.datapath
        if event.state == MAIN_DISPATCHER:
            self.switches[path.id] = path
        elif self.switches.get(path.id) is path:
            del self.switches[path.id]

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def switch_connected(self, event):
        path = event.msg.datapath
        to_us = path.ofproto_parser.OFPActionOutput(path.ofproto.OFPP_CONTROLLER, path.ofproto.OFPCML_NO_BUFFER)
        self.install(path, {}, [to_us], priority=0)

    def install(self, path, match, actions, **details):
        """Adds an entry; without actions it drops."""
        parser, proto = path.ofproto_parser, path.ofproto
        instructions = [parser.OFPInstructionActions(proto.OFPIT_APPLY_ACTIONS, actions)] if actions else []
        path.send_msg(parser.OFPFlowMod(path, match=parser.OFPMatch(**match), instructions=instructions, **details))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, event):
        message, now = event.msg, time.monotonic()
        path, port = message.datapath, message.match["in_port"]
        frame = parse(message.data)
        if frame is None:
            return
        ports = self.ports.setdefault(path.id, {})
        if frame.sender in ports or len(ports) < MOST_ADDRESSES:
            ports[frame.sender] = port
        if frame.flow and self.entrances.setdefault(frame.flow, path.id) == path.id:
            talk = self.mirror.seen(frame.flow, frame.tcp_flags, message.total_len, now)
            if talk and talk.packets == [1, 0]:
                self.new.add(talk)
        out = ports.get(frame.to)
        if out is not None:
            self.forward(path, frame, out, now)
        proto, parser = path.ofproto, path.ofproto_parser
        path.send_msg(parser.OFPPacketOut(
            path, buffer_id=proto.OFP_NO_BUFFER, in_port=port, data=message.data,
            actions=[parser.OFPActionOutput(proto.OFPP_FLOOD if out is None else out)]))

    def forward(self, path, frame, out, now):
        if frame.flow:
            match, key = exact(frame.flow), (path.id, frame.flow)
        else:
            match = {"eth_type": frame.kind, "eth_src": frame.sender, "eth_dst": frame.to}
            key = (path.id, *match.values())
        if now - self.installed.get(key, -SETTLING) < SETTLING:
            return
        self.installed[key] = now
        proto = path.ofproto
        self.install(path, match, [path.ofproto_parser.OFPActionOutput(out)], priority=PRIORITY_FORWARD,
                     cookie=FORWARD, idle_timeout=IDLE, flags=proto.OFPFF_SEND_FLOW_REM)

    @set_ev_cls(ofp_event.EventOFPFlowRemoved, MAIN_DISPATCHER)
    def flow_removed(self, event):
        message = event.msg
        if message.cookie == DROP:
            self.dropped.discard(pair(message.match))
            return
        flow = flow_of(message.match)
        if flow and self.entrances.get(flow) == message.datapath.id:
            self.count(message)
            self.mirror.removed(flow)
            del self.entrances[flow]

    # The mirror

    @set_ev_cls(ofp_event.EventOFPFlowStatsReply, MAIN_DISPATCHER)
    def statistics(self, event):
        for entry in event.msg.body:
            flow = flow_of(entry.match)
            if flow and self.entrances.get(flow) == event.msg.datapath.id:
                self.count(entry)
        if not event.msg.flags & event.msg.datapath.ofproto.OFPMPF_REPLY_MORE:
            self.waiting.discard(event.msg.datapath.id)
            if not self.waiting:
                self.complete.set()

    def count(self, entry):
        self.mirror.counted(flow_of(entry.match), entry.packet_count, entry.byte_count, time.monotonic(), self.since)

    def poll(self):
        """Asks all switches for their entries' statistics and waits for the answers, but not for ever."""
        self.complete, self.waiting = hub.Event(), set(self.switches)
        for path in list(self.switches.values()):
            path.send_msg(path.ofproto_parser.OFPFlowStatsRequest(path, cookie=FORWARD, cookie_mask=ANY_COOKIE))
        if self.waiting:
            self.complete.wait(timeout=Settings.interval)

    # The judgement

    def work(self):
        """New conversations at every tick; those that go on with every look at the statistics."""
        while True:
            hub.sleep(TICK)
            try:
                now, new = time.monotonic(), self.new
                self.new = set()
                if now - self.polled >= Settings.interval:
                    self.since, self.polled = self.polled, now
                    self.poll()
                    self.tidy(now)
                    new = {talk for talk in self.mirror.talks.values() if talk.changed >= self.since}
                self.judge(list(new))
            except Exception as error:  # A switch may go at any moment; the next tick asks again.
                say(event="error", what=repr(error))

    def tidy(self, now):
        for key in [key for key, when in self.installed.items() if now - when >= SETTLING]:
            del self.installed[key]
        if len(self.entrances) > 4 * len(self.mirror.talks) + 1_024:
            # Flows that never got an entry have no end either.
            self.entrances = {flow: at for flow, at in self.entrances.items() if self.mirror.find(flow)[0]}
            self.mirror.entries = {flow: counters for flow, counters in self.mirror.entries.items()
                                   if flow in self.entrances}

    def judge(self, talks):
        talks = [talk for talk in talks if sides(talk.flow) not in self.dropped]
        for begin in range(0, len(talks), MOST_ROWS):
            some = talks[begin:begin + MOST_ROWS]
            rows = self.mirror.rows(some, time.monotonic())
            for talk, row, answer in zip(some, rows, self.model.predict(rows)):
                if answer["prediction"] == "dos":
                    self.drop(talk, row, answer)

    def drop(self, talk, row, answer):
        path = self.switches.get(self.entrances.get(talk.flow))
        if path is None or sides(talk.flow) in self.dropped:
            return
        protocol, source, destination = sides(talk.flow)
        self.dropped.add(sides(talk.flow))
        self.install(path, {"eth_type": IPV4, "ip_proto": protocol, "ipv4_src": source, "ipv4_dst": destination}, [],
                     priority=PRIORITY_DROP, cookie=DROP, idle_timeout=Settings.hold,
                     flags=path.ofproto.OFPFF_SEND_FLOW_REM)
        barrier = path.ofproto_parser.OFPBarrierRequest(path)
        path.set_xid(barrier)
        self.pending[barrier.xid] = talk, row, answer
        path.send_msg(barrier)

    @set_ev_cls(ofp_event.EventOFPBarrierReply, MAIN_DISPATCHER)
    def in_force(self, event):
        """The switch has done all that came before the barrier."""
        talk, row, answer = self.pending.pop(event.msg.xid, (None, None, None))
        if talk:
            say(event="drop", source=talk.flow.source, destination=talk.flow.destination,
                **{"class": answer["prediction"]}, confidence=answer["confidence"],
                after_ms=(time.monotonic() - talk.began) * 1000, row=row)


def sides(flow):
    return flow.protocol, flow.source, flow.destination


def pair(match):
    return match["ip_proto"], match["ipv4_src"], match["ipv4_dst"]


def names(protocol):
    if protocol == ICMP:
        return "icmpv4_type", "icmpv4_code"
    return ("tcp_src", "tcp_dst") if protocol == TCP else ("udp_src", "udp_dst")


def exact(flow):
    """OpenFlow's match of a flow."""
    source_port, destination_port = names(flow.protocol)
    return {"eth_type": IPV4, "ip_proto": flow.protocol, "ipv4_src": flow.source, "ipv4_dst": flow.destination,
            source_port: flow.source_port, destination_port: flow.destination_port}


def flow_of(match):
    """What `exact` was made of; None for other entries."""
    if "ip_proto" not in match:
        return None
    source_port, destination_port = names(match["ip_proto"])
    if source_port not in match:
        return None
    return Flow(match["ip_proto"], match["ipv4_src"], match["ipv4_dst"], match[source_port], match[destination_port])
