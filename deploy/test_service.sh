#!/usr/bin/env bash
# What deploy/test_package.sh runs under systemd, in a machine of its own that goes when this ends.
set -uo pipefail

WORK=$(mktemp -d)
export WORK
# shellcheck source=/dev/null
. /expectations.sh

finish() {
    if ((FAILED > 0)); then journalctl --no-pager --output cat --unit tidegate | tail -n 60; fi
    conclude
}

property() { systemctl show --property "$1" --value tidegate; }
has() { [[ $(property "$1") == "$2" ]]; }
says() { property StatusText | grep -q "$1"; }
pings() { ip netns exec peer ping -n -q -c 2 -i 0.2 -W 1 10.79.0.1; }
process_has() { grep -q "$1" "/proc/$(property MainPID)/status"; }
journal_has() { journalctl --output cat --unit tidegate | grep -q "$1"; }

ip netns add peer
ip link add tg1 type veth peer name tg0 netns peer
ip addr add 10.79.0.1/24 dev tg1
ip link set tg1 up
ip -n peer addr add 10.79.0.2/24 dev tg0
ip -n peer link set tg0 up
# The unit's is longer.
mkdir -p /run/systemd/system/tidegate.service.d
printf '[Service]\nWatchdogSec=3\n' >/run/systemd/system/tidegate.service.d/sooner.conf
systemctl daemon-reload

conf=/etc/tidegate/tidegate.toml
printf 'mod = 1\n' >>$conf
check "service: a wrong configuration does not start" not systemctl start tidegate
check "service: and is said by exit code" eventually journal_has 'status=78/CONFIG'
check "service: and by line" eventually journal_has 'tidegate.toml:[0-9]*: unknown key mod'
# It is tried again in vain until then.
systemctl stop tidegate
sed -i -e '/^mod = 1/d' -e 's/^interfaces = .*/interfaces = ["tg1"]/' -e 's/^mode = .*/mode = "enforce"/' $conf

check "service: it starts, and is only then active" systemctl start tidegate
if ((FAILED > 0)); then
    finish
    exit
fi
check "service: it says what it does" eventually says '^enforce on tg1'
check "service: it is not root" process_has $'^Uid:\t6[0-9][0-9][0-9][0-9]'
check "service: it has CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and no other" process_has $'^CapEff:\t000000c000001000$'
check "service: and can't get others" process_has $'^CapBnd:\t000000c000001000$'
check "service: packets pass" pings
check "service: root blocks somebody by the command line" \
    tidegate decisions add --source 10.79.0.2 --duration 5m --reason test
check "service: their packets are dropped" not pings

restarts=$(property NRestarts)
kill -KILL "$(property MainPID)"
check "service: killed, it is started again" eventually has NRestarts $((restarts + 1))
check "service: and gets ready" eventually has ActiveState active
check "service: the verdict outlived it" not pings
check "service: and it knows why" eval 'tidegate decisions list | grep -q 10.79.0.2'

kill -STOP "$(property MainPID)"
check "service: stuck, it is ended by the watchdog and started again" eventually has NRestarts $((restarts + 2))
check "service: and gets ready again" eventually has ActiveState active
check "service: the verdict outlived that too" not pings

check "service: it stops" systemctl stop tidegate
check "service: by itself and well" has Result success
check "service: packets pass again" pings
check "service: nothing is pinned any more" test -z "$(find /sys/fs/bpf/tidegate -mindepth 1)"
check "service: the token is gone" not test -e /run/tidegate
check "service: the journal is not" test -s /var/lib/tidegate/journal.db

finish
