#!/usr/bin/env bash
# Builds the image, runs `serve` and asks it; as root also runs `run` on a veth pair of its own and blocks somebody.
#
#   deploy/test_image.sh             # docker, podman or buildah, whichever works, or the one in ENGINE
#   BINARY=toolchain deploy/test_image.sh   # compile in the image, else take target/package/root/tidegate
#
# RUST names another image to compile in, BUILD_NETWORK the network to fetch crates over, where the engine's own is none.
#
# Prints a line for each thing it looked at, and ends with a line of totals. Leaves nothing but docker's cache behind.
set -euo pipefail
cd "$(dirname "$0")/.."

IMAGE=${IMAGE:-localhost/tidegate:test}
BINARY=${BINARY:-host}
PORT=${PORT:-0}
TOKEN=0123456789abcdef0123456789abcdef
NAME=tg-image-$$
WORK=$(mktemp -d)
declare -A JOBS=()
E=()

# shellcheck source=/dev/null
. deploy/expectations.sh

# ── engines ─────────────────────────────────────────────────────────────────────────────────────────────────────

works() {
    case $1 in
        docker) docker info >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null && [[ $(id -u) == 0 || $1 == podman ]] ;;
    esac
}

choose_engine() {
    local engine
    for engine in ${ENGINE:-docker podman buildah}; do
        if works "$engine"; then
            ENGINE=$engine
            E=("$ENGINE")
            # Images and containers in a store of their own, which goes at the end.
            if [[ $ENGINE != docker ]]; then E+=(--root "$WORK/store" --runroot "$WORK/store.run"); fi
            # There it is said when the container is made.
            if [[ $ENGINE == buildah ]]; then UNCONFINED=(); fi
            return
        fi
    done
    say "skipped: neither docker nor podman nor buildah works here"
    exit 0
}

# Where crun can't start a container (no cgroup v2), runc can.
RUNTIME=()
if command -v runc >/dev/null; then RUNTIME=(--runtime "$(command -v runc)"); fi
# Neither may ask for more than the caller has.
LIMITS=(--ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
# What buildah gives unasked.
GIVEN=(AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID
    SYS_CHROOT)
# Many engines' own filters know bpf(2) as root's with CAP_SYS_ADMIN only.
UNCONFINED=(--security-opt seccomp=unconfined)

build() {
    local words=(-f deploy/Dockerfile --build-arg "BINARY=$BINARY")
    if [[ -n ${RUST:-} ]]; then words+=(--build-arg "RUST=$RUST"); fi
    if [[ -n ${BUILD_NETWORK:-} ]]; then words+=(--network "$BUILD_NETWORK"); fi
    words+=(-t "$IMAGE" .)
    case $ENGINE in
        docker) "${E[@]}" build "${words[@]}" ;;
        podman) "${E[@]}" build --format docker "${words[@]}" ;;
        buildah) "${E[@]}" bud --format docker "${words[@]}" ;;
    esac
}

image_bytes() {
    case $ENGINE in
        docker | podman) "${E[@]}" image inspect --format '{{.Size}}' "$IMAGE" ;;
        buildah)
            "${E[@]}" images --json "$IMAGE" |
                sed -n 's/.*"size": *"\([0-9.]*\) \([KMG]\)B".*/\1\2/p' | numfmt --from=si
            ;;
    esac
}

start() { # NAME NETWORK [OPTION…] -- ARGUMENT…: in the background
    local name=$1 network=$2
    shift 2
    local options=() capability
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    case $ENGINE in
        docker) "${E[@]}" run --detach --name "$name" --network "$network" --read-only "${options[@]}" "$IMAGE" "$@" ;;
        podman)
            "${E[@]}" "${RUNTIME[@]}" run --detach --name "$name" --network "$network" --read-only --no-healthcheck \
                "${LIMITS[@]}" "${options[@]}" "$IMAGE" "$@"
            ;;
        buildah)
            if [[ $network == container:* ]]; then
                network=ns:/proc/$(pid_of "${network#container:}")/ns/net
            fi
            "${E[@]}" from --name "$name" "${LIMITS[@]}" --security-opt seccomp=unconfined "$IMAGE"
            if [[ " ${options[*]} " == *" --cap-drop ALL "* ]]; then
                # Its ALL takes what was added, too.
                mapfile -t options < <(printf '%s\n' "${options[@]}" | sed -e '/^--cap-drop$/d' -e '/^ALL$/d')
                for capability in "${GIVEN[@]}"; do options+=(--cap-drop "CAP_$capability"); done
            fi
            # It knows no entry point and no background.
            "${E[@]}" run "${RUNTIME[@]}" --network "$network" "${options[@]}" "$name" -- /tidegate "${@:-serve}" \
                >"$WORK/$name.log" 2>&1 &
            JOBS[$name]=$!
            ;;
    esac >"$WORK/$name.id"
}

stop() { # NAME: its exit code is 0
    if [[ $ENGINE == buildah ]]; then
        kill "$(pid_of "$1")"
        wait "${JOBS[$1]}"
        return
    fi
    "${E[@]}" stop --time 10 "$1" >/dev/null
    [[ $("${E[@]}" inspect --format '{{.State.ExitCode}}' "$1") == 0 ]]
}

pid_of() { # NAME: of its process, seen from here
    if [[ $ENGINE != buildah ]]; then
        "${E[@]}" inspect --format '{{.State.Pid}}' "$1"
        return
    fi
    # A great-grandchild of what was started, below its monitor and its runtime.
    local deadline=$((SECONDS + PATIENCE)) process=${JOBS[$1]} below
    while ((SECONDS < deadline)) && kill -0 "${JOBS[$1]}" 2>/dev/null; do
        process=${JOBS[$1]}
        while below=$(pgrep --parent "$process" | head -n 1) && [[ -n $below ]]; do
            process=$below
            if [[ $(cat "/proc/$process/comm" 2>/dev/null) == tidegate ]]; then
                say "$process"
                return
            fi
        done
        sleep 0.1
    done
    return 1
}

logs() {
    if [[ $ENGINE == buildah ]]; then cat "$WORK/$1.log"; else "${E[@]}" logs "$1" 2>&1; fi
}

discard() { # NAME
    local process
    if [[ $ENGINE == buildah && -n ${JOBS[$1]:-} ]] && kill -0 "${JOBS[$1]}" 2>/dev/null; then
        process=$(pid_of "$1") && kill -KILL "$process"
        kill "${JOBS[$1]}" 2>/dev/null || true
        wait "${JOBS[$1]}" || true
    fi
    case $ENGINE in
        buildah) "${E[@]}" rm "$1" ;;
        *) "${E[@]}" rm --force "$1" ;;
    esac >/dev/null 2>&1 || true
}

tidegate() { # NAME ARGUMENT…: the command line inside a container
    local name=$1
    shift
    case $ENGINE in
        docker) "${E[@]}" exec "$name" /tidegate "$@" ;;
        podman) "${E[@]}" "${RUNTIME[@]}" exec "$name" /tidegate "$@" ;;
        buildah)
            nsenter --net="/proc/$(pid_of "$name")/ns/net" -- env PORT="$PORT" TIDEGATE_TOKEN="$TOKEN" \
                "$("${E[@]}" mount "$name")/tidegate" "$@"
            ;;
    esac
}

clean_up() {
    local status=$? name
    if ((status != 0 || FAILED > 0)); then
        for name in "$NAME-serve" "$NAME-run"; do
            logs "$name" | sed "s/^/$name: /" || true
        done
    fi
    for name in "$NAME-run" "$NAME-serve"; do
        discard "$name"
    done
    "${E[@]}" rmi --force "$IMAGE" >/dev/null 2>&1 || true
    ip netns del "$NAME-peer" 2>/dev/null || true
    # Storage drivers mount theirs on themselves.
    sed -n "s#^[^ ]* [^ ]* [^ ]* [^ ]* \($WORK/[^ ]*\) .*#\1#p" /proc/self/mountinfo | sort -r | xargs -r umount
    rm -rf "$WORK"
}

# ── serve ───────────────────────────────────────────────────────────────────────────────────────────────────────

ROW='{"duration":0,"protocol_type":"icmp","service":"ecr_i","flag":"SF","src_bytes":1032,"dst_bytes":0,"land":0,
 "wrong_fragment":0,"urgent":0,"hot":0,"num_failed_logins":0,"logged_in":0,"num_compromised":0,"root_shell":0,
 "su_attempted":0,"num_file_creations":0,"num_shells":0,"num_access_files":0,"is_guest_login":0,"count":511,
 "srv_count":511,"serror_rate":0,"rerror_rate":0,"same_srv_rate":1,"diff_srv_rate":0,"srv_diff_host_rate":0,
 "dst_host_count":255,"dst_host_srv_count":255,"dst_host_same_srv_rate":1,"dst_host_diff_srv_rate":0,
 "dst_host_same_src_port_rate":1,"dst_host_srv_diff_host_rate":0}'

ask() { curl --silent --show-error --fail --noproxy '*' --max-time 5 "$@"; }

status_of() { curl --silent --noproxy '*' --max-time 5 --output /dev/null --write-out '%{http_code}' "$@"; }

predicts() { # URL [OPTION…]: a row of a smurf is no normal one
    local url=$1
    shift
    ask "$@" -H 'Content-Type: application/json' -d "$ROW" "$url/predict" | grep -q '"prediction":"dos"'
}

is_unprivileged() { # PID: neither root nor any capability
    grep -q $'^Uid:\t65532\t65532' "/proc/$1/status" && grep -q $'^CapEff:\t0*$' "/proc/$1/status"
}

free_port() {
    local port
    for port in $(shuf -i 20000-29999 -n 20); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            say "$port"
            return
        fi
    done
}

test_serve() {
    if [[ $PORT == 0 ]]; then PORT=$(free_port); fi
    local url=http://127.0.0.1:$PORT own
    start "$NAME-serve" host --env "PORT=$PORT" --env "TIDEGATE_TOKEN=$TOKEN" --cap-drop ALL --
    check "its health check succeeds" eventually tidegate "$NAME-serve" health
    check "/healthz answers" eventually ask --output /dev/null "$url/healthz"
    check "/predict answers" predicts "$url"
    check "it is not root and has no capability" is_unprivileged "$(pid_of "$NAME-serve")"
    own=$(hostname -I | cut -d' ' -f1)
    if [[ -n $own ]]; then
        check "from elsewhere /predict wants the token" test "$(status_of -d "$ROW" "http://$own:$PORT/predict")" = 401
        check "and answers with it" predicts "http://$own:$PORT" -H "Authorization: Bearer $TOKEN"
    fi
    check "SIGTERM ends it with 0" stop "$NAME-serve"
}

# ── run ─────────────────────────────────────────────────────────────────────────────────────────────────────────

is_least() { # PID: CAP_NET_ADMIN (12), CAP_PERFMON (38) and CAP_BPF (39), no other
    grep -q $'^CapEff:\t000000c000001000$' "/proc/$1/status"
}

pings() { ip netns exec "$NAME-peer" ping -n -q -c 2 -i 0.2 -W 1 10.78.0.1; }

test_run() {
    # A container that only holds the network namespace, which the agent's joins: so the interface is there when
    # the agent starts, with any engine.
    start "$NAME-serve" none --env "PORT=8081" --env "TIDEGATE_TOKEN=$TOKEN" --
    local holder
    holder=$(pid_of "$NAME-serve")
    ip netns add "$NAME-peer"
    ip -n "$NAME-peer" link add tg0 type veth peer name tg1 netns "$holder"
    ip -n "$NAME-peer" addr add 10.78.0.2/24 dev tg0
    ip -n "$NAME-peer" link set tg0 up
    nsenter --net="/proc/$holder/ns/net" sh -c 'ip addr add 10.78.0.1/24 dev tg1; ip link set tg1 up; ip link set lo up'
    mkdir "$WORK/bpf" "$WORK/state"
    mount -t bpf -o mode=0700 bpf "$WORK/bpf"

    start "$NAME-run" "container:$NAME-serve" --user 0:0 --cap-drop ALL \
        --cap-add CAP_BPF --cap-add CAP_NET_ADMIN --cap-add CAP_PERFMON "${UNCONFINED[@]}" --volume "$WORK/bpf:/run/tidegate/bpf" \
        --volume "$WORK/state:/var/lib/tidegate" --env "TIDEGATE_TOKEN=$TOKEN" -- run --interface tg1
    check "run: its health check succeeds" eventually tidegate "$NAME-run" health --api 127.0.0.1:8080
    check "run: it has CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and no other" is_least "$(pid_of "$NAME-run")"
    check "run: packets pass" eventually pings
    check "run: somebody is blocked" \
        eventually tidegate "$NAME-run" decisions add --source 10.78.0.2 --duration 1m --reason test
    check "run: their packets are dropped" not pings
    check "run: and counted" eventually dropped
    check "run: SIGTERM ends it with 0" stop "$NAME-run"
    check "run: packets pass again" eventually pings
    check "run: nothing is pinned any more" test -z "$(find "$WORK/bpf" -mindepth 1 -not -name '*.debug')"
}

dropped() { tidegate "$NAME-run" status | grep -Eq '^dropped +[1-9]'; }

# ── all ─────────────────────────────────────────────────────────────────────────────────────────────────────────

choose_engine
trap clean_up EXIT
say "engine: $ENGINE, binary: $BINARY"
if [[ $BINARY == host && ! -x target/package/root/tidegate ]]; then
    say "no target/package/root/tidegate: make it with \`cargo xtask package --binary\`, or say BINARY=toolchain"
    exit 1
fi
build >"$WORK/build" 2>&1 || { cat "$WORK/build"; exit 1; }
bytes=$(image_bytes)
say "image: $bytes bytes"
check "it is smaller than 40 MB" test "$bytes" -lt 40000000
test_serve
discard "$NAME-serve"
if [[ $(id -u) == 0 ]]; then
    test_run
else
    say "skipped: \`run\` in a container needs root"
fi
conclude
((FAILED == 0))
