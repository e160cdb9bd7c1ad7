#!/usr/bin/env bash
# Brings compose.yaml's services up on a network of their own, blocks somebody, and looks for it where the services say.
#
#   cargo xtask package --binary && sudo deploy/test_compose.sh
#
# podman-compose (or COMPOSE) has to be 1.1 or later: before, it knows no service on the host's network.
# Where no image can be pulled, Debian's packages influxdb and prometheus stand in for theirs, and Grafana is left out.
# Prints a line for each thing it looked at, and ends with a line of totals. Leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

PEER=tg-compose-${TG_COMPOSE:-$$}
PROGRAM=${COMPOSE:-podman-compose}

if [[ ${1:-} != inside ]]; then
    if [[ $(id -u) != 0 ]]; then
        printf 'skipped: a network of its own needs root\n'
        exit 0
    fi
    for program in podman "$PROGRAM"; do
        if ! command -v "$program" >/dev/null; then
            printf 'skipped: no %s\n' "$program"
            exit 0
        fi
    done
    WORK=$(mktemp -d)
    export WORK TG_COMPOSE=$$
    ip netns add "$PEER"
    # The network and the mounts made from here on are nobody else's, and go with the last process.
    status=0
    unshare --net --mount --propagation private "$PWD/deploy/test_compose.sh" inside || status=$?
    ip netns del "$PEER"
    rm -rf "$WORK"
    exit "$status"
fi

# shellcheck source=/dev/null
. deploy/expectations.sh
export PATIENCE=60

# ── engine ──────────────────────────────────────────────────────────────────────────────────────────────────────

# Images, containers and volumes in a store of their own.
export CONTAINERS_STORAGE_CONF=$WORK/storage.conf CONTAINERS_CONF=$WORK/containers.conf
cat >"$CONTAINERS_STORAGE_CONF" <<STORE
[storage]
driver = "overlay"
graphroot = "$WORK/store"
runroot = "$WORK/store.run"
STORE
# Neither may ask for more than the caller has.
cat >"$CONTAINERS_CONF" <<LIMITS
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
LIMITS
# Where crun can't start a container (no cgroup v2), runc can.
if command -v runc >/dev/null; then printf '[engine]\nruntime = "runc"\n' >>"$CONTAINERS_CONF"; fi
# OCI's own format has no place for a health check.
export BUILDAH_FORMAT=docker
# No timer of systemd's asks for its health where systemd does not run.
if [[ ! -d /run/systemd/system ]]; then export DISABLE_HC_SYSTEMD=true; fi

compose() { "$PROGRAM" --no-ansi --file "$PWD/deploy/compose.yaml" --project-name "$PEER" "$@"; }

image_of() { # SERVICE: what compose.yaml wants
    sed -n "s/^ *image: \${${1^^}_IMAGE:-\(.*\)}/\1/p" deploy/compose.yaml
}

# Debian's program with the libraries it needs, under the path that its official image has it.
stand_in() { # SERVICE PROGRAM PATH
    local service=$1 root=$WORK/$1 file program
    program=$(command -v "$2" || find target/tools -path "*/bin/$2" -type f | head -n 1)
    [[ -n $program ]] || return 1
    mkdir -p "$root/tmp" "$root$(dirname "$3")"
    cp "$program" "$root$3"
    for file in $(ldd "$program" | grep -o '/[^ ]*'); do cp -L --parents "$file" "$root"; done
    printf 'FROM scratch\nCOPY . /\nENTRYPOINT ["%s"]\n' "$3" >"$root.build"
    podman build --file "$root.build" --tag "localhost/$service:debian" "$root"
    export "${service^^}_IMAGE=localhost/$service:debian"
}

# ── what the services say ───────────────────────────────────────────────────────────────────────────────────────

ask() { curl --silent --show-error --fail --noproxy '*' --max-time 5 "$@"; }

tidegate() { podman exec "${PEER}_tidegate_1" /tidegate "$@"; }

pings() { ip netns exec "$PEER" ping -n -q -c 2 -i 0.2 -W 1 10.78.0.1; }

block() { tidegate decisions add --source 10.78.0.2 --duration "$1" --reason "$2"; }

has_verdicts() { # NUMBER: InfluxDB holds so many on the peer
    ask --get http://127.0.0.1:8086/query --data-urlencode db=tidegate \
        --data-urlencode "q=SELECT COUNT(\"id\") FROM \"tidegate_verdicts\" WHERE \"src\" = '10.78.0.2'" |
        tee /dev/stderr | grep -q "\"values\":\[\[[^,]*,$1\]\]"
}

is_scraped() { # EXPRESSION VALUE
    ask --get http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" |
        tee /dev/stderr | grep -q "\"value\":\[[0-9.]*,\"$2\"\]"
}

grafana_has() { # PATH WORDS
    ask --user "admin:$GRAFANA_PASSWORD" "http://127.0.0.1:3000$1" | tee /dev/stderr | grep -q "$2"
}

clean_up() {
    local status=$? name
    if ((status != 0 || FAILED > 0)); then
        for name in $(podman ps --all --format '{{.Names}}'); do podman logs --tail 30 "$name" 2>&1 | sed "s/^/$name: /"; done
    fi
    compose down --volumes >/dev/null 2>&1 || true
    podman system reset --force >/dev/null 2>&1 || true
    sed -n "s#^[^ ]* [^ ]* [^ ]* [^ ]* \($WORK/[^ ]*\) .*#\1#p" /proc/self/mountinfo | sort -r | xargs -r umount
}

# ── all ─────────────────────────────────────────────────────────────────────────────────────────────────────────

trap clean_up EXIT
export TIDEGATE_BINARY=${BINARY:-host}
if [[ $TIDEGATE_BINARY == host && ! -x target/package/root/tidegate ]]; then
    say "no target/package/root/tidegate: make it with \`cargo xtask package --binary\`, or say BINARY=toolchain"
    exit 1
fi
mount -t bpf -o mode=0700 bpf /sys/fs/bpf
ip link set lo up
ip link add tg1 type veth peer name tg0 netns "$PEER"
ip addr add 10.78.0.1/24 dev tg1
ip link set tg1 up
ip -n "$PEER" addr add 10.78.0.2/24 dev tg0
ip -n "$PEER" link set tg0 up

SERVICES=(tidegate influxdb prometheus grafana)
if podman pull --quiet "$(image_of grafana)" >"$WORK/pull" 2>&1; then
    say "images: as compose.yaml names them"
else
    say "images: $(tail -n 1 "$WORK/pull")"
    say "images: Debian's influxdb and prometheus stand in, Grafana is left out"
    stand_in influxdb influxd /usr/bin/influxd >"$WORK/build" 2>&1 || { cat "$WORK/build"; exit 1; }
    stand_in prometheus prometheus /bin/prometheus >"$WORK/build" 2>&1 || { cat "$WORK/build"; exit 1; }
    SERVICES=(tidegate influxdb prometheus)
fi
TIDEGATE_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export TIDEGATE_TOKEN TIDEGATE_INTERFACE=tg1 TIDEGATE_MODE=enforce TIDEGATE_IMAGE=localhost/tidegate:compose
export GRAFANA_PASSWORD=$TIDEGATE_TOKEN

check "all come up" compose up --detach --build "${SERVICES[@]}"
((FAILED == 0)) || exit 1
check "the agent answers" eventually ask http://127.0.0.1:8080/healthz
check "InfluxDB answers" eventually ask http://127.0.0.1:8086/ping
if [[ -n ${INFLUXDB_IMAGE:-} ]]; then
    # Which the official image does, told by INFLUXDB_DB.
    ask --output /dev/null http://127.0.0.1:8086/query --data-urlencode 'q=CREATE DATABASE tidegate'
fi
check "packets pass" eventually pings
check "somebody is blocked" block 5m first
check "their packets are dropped" not pings
check "InfluxDB has the verdict" eventually has_verdicts 1
check "Prometheus reads the agent" eventually is_scraped 'up{job="tidegate"}' 1
check "and what it dropped" eventually is_scraped 'tidegate_verdict_packets_total{result="dropped"} > bool 0' 1
check "InfluxDB stops" compose stop influxdb
check "somebody is blocked meanwhile" block 6m second
check "it starts" compose start influxdb
check "and has that verdict, too" eventually has_verdicts 2
if [[ " ${SERVICES[*]} " == *" grafana "* ]]; then
    check "Grafana answers" eventually grafana_has /api/health '"database": *"ok"'
    check "and has its sources" eventually grafana_has /api/datasources tidegate-influxdb
    check "and dashboards" eventually grafana_has '/api/search?type=dash-db' tidegate
fi
check "all go down" compose down
check "packets pass again" eventually pings
conclude
((FAILED == 0))
