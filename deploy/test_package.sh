#!/usr/bin/env bash
# Installs target/debian/tidegate_*.deb in a copy of this machine's root (an overlay, thrown away at the end), boots
# systemd there, starts the service on a veth pair, blocks somebody, crashes it, stops it; then removes and purges.
#
#   cargo xtask package && sudo deploy/test_package.sh
#
# Prints a line for each thing it looked at, and ends with a line of totals. Leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ${1:-} != inside ]]; then
    if [[ $(id -u) != 0 ]]; then
        printf 'skipped: dpkg needs root\n'
        exit 0
    fi
    for program in systemd-nspawn dpkg man; do
        if ! command -v "$program" >/dev/null; then
            printf 'skipped: no %s; Debian has it in systemd-container, dpkg, man-db\n' "$program"
            exit 0
        fi
    done
    WORK=$(mktemp -d)
    export WORK
    # Mounts made from here on are nobody else's, and go with the last process.
    status=0
    unshare --mount --propagation private "$PWD/deploy/test_package.sh" inside || status=$?
    rm -rf "$WORK"
    exit "$status"
fi

# shellcheck source=/dev/null
. deploy/expectations.sh

in_root() { chroot "$ROOT" "$@"; }

packages=(target/debian/tidegate_*.deb)
if [[ ${#packages[@]} != 1 || ! -f ${packages[0]} ]]; then
    say "one package is wanted in target/debian; make it with \`cargo xtask package\`"
    exit 1
fi

# ── a root of its own ───────────────────────────────────────────────────────────────────────────────────────────

ROOT=$WORK/root
mkdir "$WORK/layer" "$ROOT" "$WORK/bpf"
mount -t tmpfs -o size=1G tmpfs "$WORK/layer"
mkdir "$WORK/layer/upper" "$WORK/layer/work"
mount -t overlay -o "lowerdir=/,upperdir=$WORK/layer/upper,workdir=$WORK/layer/work" overlay "$ROOT"
mount -t bpf -o mode=0700 bpf "$WORK/bpf"
for name in proc dev; do mount --rbind "/$name" "$ROOT/$name"; done
mount -t tmpfs tmpfs "$ROOT/run"
cp "${packages[0]}" "$ROOT/tidegate.deb"
# Images of Debian leave out manuals and documentation.
sed -i '/^path-exclude/d' "$ROOT"/etc/dpkg/dpkg.cfg.d/* 2>/dev/null || true
# What this machine may have of an earlier installation.
rm -rf "$ROOT/etc/tidegate" "$ROOT/var/lib/tidegate" "$ROOT/var/lib/private/tidegate"

# ── install ─────────────────────────────────────────────────────────────────────────────────────────────────────

say "package: ${packages[0]}, $(stat -c %s "${packages[0]}") bytes, installed $(dpkg-deb -f "${packages[0]}" Installed-Size) kB"
check "it depends on nothing" test -z "$(dpkg-deb -f "${packages[0]}" Depends)"
check "it is installed" in_root dpkg -i /tidegate.deb
check "the binary runs" in_root /usr/bin/tidegate --version
check "the configuration is right" in_root tidegate config check --config /etc/tidegate/tidegate.toml
# shellcheck disable=SC2016  # dpkg-query's own variable
conffiles=$(in_root dpkg-query -W -f='${Conffiles}' tidegate)
check "the configuration is a conffile" grep -q ' /etc/tidegate/tidegate.toml ' <<<"$conffiles"
check "there is a manual" in_root man --pager=cat tidegate
check "and one of each command" in_root man --pager=cat tidegate-run
check "bash completes" in_root bash -c \
    'source /usr/share/bash-completion/completions/tidegate && complete -p tidegate'
check "zsh and fish find theirs" in_root test -s /usr/share/zsh/vendor-completions/_tidegate \
    -a -s /usr/share/fish/vendor_completions.d/tidegate.fish
check "the models are there" in_root tidegate models show /usr/share/tidegate/models/live-tree.json
check "nothing is started before an interface is named" \
    not in_root test -e /etc/systemd/system/multi-user.target.wants/tidegate.service

# ── boot ────────────────────────────────────────────────────────────────────────────────────────────────────────

# The service looks at itself here too, with systemd as its first process.
cat >"$ROOT/etc/systemd/system/tidegate-test.service" <<'UNIT'
[Unit]
Requires=basic.target
After=basic.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStart=/bin/bash /service.sh
StandardOutput=file:/service.log
StandardError=file:/service.log
UNIT
cp deploy/test_service.sh "$ROOT/service.sh"
cp deploy/expectations.sh "$ROOT/"
: >"$ROOT/etc/machine-id"
ln -sf /dev/null "$ROOT/etc/systemd/system/networking.service"
umount -R -l "$ROOT/run" "$ROOT/proc" "$ROOT/dev"
timeout --kill-after=5 120 systemd-nspawn --quiet --keep-unit --register=no --directory "$ROOT" --private-network \
    --machine "tidegate-$$" --capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON --system-call-filter=bpf \
    --bind "$WORK/bpf:/sys/fs/bpf" --console=pipe \
    --boot systemd.unit=tidegate-test.service </dev/null >"$WORK/console" 2>&1 || true
if [[ -f $ROOT/service.log ]] && grep -q '^expectations: ' "$ROOT/service.log"; then
    grep -v '^expectations: ' "$ROOT/service.log"
    read -r held failed < <(sed -n 's/^expectations: \([0-9]*\) held, \([0-9]*\) failed$/\1 \2/p' "$ROOT/service.log")
    HELD=$((HELD + held))
    FAILED=$((FAILED + failed))
else
    say "FAILED   systemd boots and the service is tested"
    tail -n 50 "$WORK/console"
    cat "$ROOT/service.log" 2>/dev/null || true
    FAILED=$((FAILED + 1))
fi

# ── remove ──────────────────────────────────────────────────────────────────────────────────────────────────────

mount -t tmpfs tmpfs "$ROOT/run"
say '# kept' >>"$ROOT/etc/tidegate/tidegate.toml"
check "it is removed" in_root dpkg -r tidegate
check "with its binary" not in_root test -e /usr/bin/tidegate
check "but what was configured is kept" in_root grep -q '^# kept$' /etc/tidegate/tidegate.toml
check "and so is the journal" in_root test -s /var/lib/private/tidegate/journal.db
check "it is purged" in_root dpkg -P tidegate
check "with its configuration" not in_root test -e /etc/tidegate -o -e /etc/default/tidegate
check "and its journal" not in_root test -e /var/lib/private/tidegate -o -L /var/lib/tidegate

conclude
((FAILED == 0))
