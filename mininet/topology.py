#!/usr/bin/python3
"""The demo's network: h1 and attacker on switch s1, h2 on s2, a trunk between.

Builds the network with Mininet's Python API, checks that h1 reaches h2, prints
one line of JSON about what stands, and keeps it standing until stdin ends or
SIGTERM arrives. Everything made here is unmade here, exceptions included.
Only this process's own children are ever signalled: no `mn -c`, nothing by name.
"""

import argparse
import contextlib
import ctypes
import glob
import json
import os
import select
import signal
import subprocess
import sys
import time

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import OVSSwitch
from mininet.nodelib import LinuxBridge

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
PREFIX4, PREFIX6 = 16, 64
HOSTS = {
    "h1": ("10.83.0.1", "fd83::1"),
    "h2": ("10.83.0.2", "fd83::2"),
    "attacker": ("10.83.0.66", "fd83::66"),
}
# Over the user-space datapath TCP is dead with checksum offload; and a sensor
# in generic XDP mode must see wire-sized packets, not 64 kB ones.
OFFLOADS = ["tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off"]
# What a controller in Python can answer: a flood's first packets must not keep it from its statistics.
PACKET_INS = ["controller_rate_limit=1000", "controller_burst_limit=250"]


def die_with_parent():
    """A child of a killed topology must not outlive it (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    os.setpgid(0, 0)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


class PrivateOvs:
    """An ovsdb-server and ovs-vswitchd of our own, in a directory of our own."""

    def __init__(self, directory):
        self.directory = directory
        self.daemons = []

    def __enter__(self):
        os.makedirs(self.directory, exist_ok=True)
        # ovs-vsctl, which Mininet calls, finds the socket through this.
        os.environ["OVS_RUNDIR"] = self.directory
        database = os.path.join(self.directory, "conf.db")
        socket = os.path.join(self.directory, "db.sock")
        try:
            run("ovsdb-tool", "create", database, SCHEMA)
            self.spawn("ovsdb-server", database, f"--remote=punix:{socket}")
            self.wait_for(lambda: os.path.exists(socket), "ovsdb-server")
            run("ovs-vsctl", "--timeout=5", f"--db=unix:{socket}", "--no-wait", "init")
            self.spawn("ovs-vswitchd", f"unix:{socket}")
            run("ovs-vsctl", "--timeout=5", f"--db=unix:{socket}", "show")
        except BaseException:
            self.__exit__()
            raise
        return self

    def spawn(self, program, *arguments):
        log = open(os.path.join(self.directory, f"{program}.log"), "w")
        pidfile = os.path.join(self.directory, f"{program}.pid")
        self.daemons.append(subprocess.Popen(
            [program, *arguments, f"--pidfile={pidfile}", "--no-chdir"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=die_with_parent,
        ))
        log.close()

    def wait_for(self, ready, what):
        deadline = time.monotonic() + 5
        while not ready():
            if time.monotonic() > deadline or self.daemons[-1].poll() is not None:
                raise RuntimeError(f"{what} did not start")
            time.sleep(0.02)

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(3)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons = []
        os.environ.pop("OVS_RUNDIR", None)


def kernel_datapath():
    """Without the module the kernel datapath loses every packet, silently."""
    if os.path.isdir("/sys/module/openvswitch"):
        return True
    with contextlib.suppress(OSError):
        subprocess.run(["modprobe", "-q", "openvswitch"], check=False,
                       stderr=subprocess.DEVNULL)
    return os.path.isdir("/sys/module/openvswitch")


def held_by_somebody(tap):
    """A process has the tap open. One merely left behind is taken over and removed."""
    if not os.path.exists(f"/sys/class/net/{tap}"):
        return False
    for path in glob.glob("/proc/[0-9]*/fdinfo/*"):
        with contextlib.suppress(OSError), open(path) as file:
            if f"iff:\t{tap}\n" in file.read():
                return True
    return False


@contextlib.contextmanager
def network(tag, kind, controller=None):
    """The started network; stopped on the way out, whatever happened."""
    # Three hosts need none of the machine-wide sysctls Mininet would raise.
    Mininet.inited = True
    if kind == "linuxbridge":
        def switch(name, **extra):
            return LinuxBridge(name, **extra)
    else:
        datapath = kind.removeprefix("ovs-")

        def switch(name, **extra):
            if controller:
                # Without its controller it forwards nothing: what passes was let pass.
                return OVSSwitch(name, datapath=datapath, failMode="secure", protocols="OpenFlow13", **extra)
            return OVSSwitch(name, datapath=datapath, failMode="standalone", **extra)

    net = Mininet(switch=switch, controller=None, autoSetMacs=False, build=False)
    try:
        for name, (ip4, _) in HOSTS.items():
            net.addHost(name, ip=f"{ip4}/{PREFIX4}")
        s1 = net.addSwitch(f"s1x{tag}", dpid=f"{int(tag, 16) * 16 + 1:016x}")
        s2 = net.addSwitch(f"s2x{tag}", dpid=f"{int(tag, 16) * 16 + 2:016x}")
        ports = []
        for peer, role, near in (("h1", "h1", s1), ("attacker", "attacker", s1), ("h2", None, s2)):
            link = net.addLink(peer, near)
            if role:
                ports.append({"name": link.intf2.name, "role": role})
        trunk = net.addLink(s1, s2)
        ports.append({"name": trunk.intf1.name, "role": "trunk"})
        net.build()
        net.start()
        if controller:
            for bridge in (s1, s2):
                run("ovs-vsctl", "--timeout=5", "set-controller", bridge.name, f"tcp:{controller}",
                    "--", "set", "controller", bridge.name, *PACKET_INS)
        for name, (_, ip6) in HOSTS.items():
            host = net.get(name)
            interface = host.defaultIntf().name
            host.cmd("ethtool", "-K", interface, *OFFLOADS)
            host.cmd(f"ip -6 address add {ip6}/{PREFIX6} dev {interface} nodad")
            host.cmd("ip link set lo up")
        for port in s1.intfNames() + s2.intfNames():
            if port != "lo" and port.startswith(("s1x", "s2x")):
                subprocess.run(["ethtool", "-K", port, *OFFLOADS], check=False,
                               capture_output=True)
        yield net, ports
    finally:
        with contextlib.suppress(Exception):
            net.stop()


def reachable(net):
    """One answered ping each way of addressing, within five seconds."""
    h1 = net.get("h1")
    for family, address in zip(("-4", "-6"), HOSTS["h2"]):
        deadline = time.monotonic() + 5
        while "1 received" not in h1.cmd(f"ping {family} -c 1 -W 1 {address}"):
            if time.monotonic() > deadline:
                return False
    return True


def describe(net, ports, kind, notes):
    hosts = []
    for name, (ip4, ip6) in HOSTS.items():
        host = net.get(name)
        hosts.append({"name": name, "ip": ip4, "ip6": ip6, "pid": host.pid,
                      "interface": host.defaultIntf().name})
    return json.dumps({"switch": kind, "hosts": hosts, "ports": ports, "notes": notes})


def stand(tag, kind, notes, controller=None):
    """Build, prove, announce and wait. False: this kind of switch won't do."""
    with network(tag, kind, controller) as (net, ports):
        if not reachable(net):
            notes.append(f"{kind}: h1 does not reach h2")
            return False
        print(describe(net, ports, kind, notes), flush=True)
        # A SIGTERM becomes SystemExit; the end of stdin means our caller is gone.
        while True:
            ready, _, _ = select.select([sys.stdin], [], [])
            if ready and not os.read(sys.stdin.fileno(), 1024):
                return True


def attempt(tag, kind, directory, notes, controller):
    try:
        if kind == "linuxbridge":
            return stand(tag, kind, notes)
        flavour = "kernel" if kernel_datapath() else "user"
        if flavour == "user" and held_by_somebody("ovs-netdev"):
            raise RuntimeError("another Open vSwitch has the machine's one user-space datapath")
        with PrivateOvs(directory):
            return stand(tag, f"ovs-{flavour}", notes, controller)
    except (Exception, subprocess.CalledProcessError) as error:
        notes.append(f"{kind}: {error}")
        return False


def terminate(*_):
    # Once is enough: a second signal must not interrupt the tidying up.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tag", required=True, help="four hex digits, unique on this machine")
    parser.add_argument("--switch", choices=["ovs", "linuxbridge"], default="ovs")
    parser.add_argument("--directory", required=True, help="for the private Open vSwitch")
    parser.add_argument("--controller", metavar="ADDRESS:PORT",
                        help="of an OpenFlow 1.3 controller that decides what passes; Open vSwitch only")
    options = parser.parse_args()
    setLogLevel("error")
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGHUP, terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    notes = []
    kinds = ["ovs", "linuxbridge"] if options.switch == "ovs" else ["linuxbridge"]
    if options.controller:
        kinds = ["ovs"]
    for kind in kinds:
        if attempt(options.tag, kind, options.directory, notes, options.controller):
            return 0
    print("; ".join(notes), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
