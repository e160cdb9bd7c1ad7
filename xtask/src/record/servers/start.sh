#!/bin/sh
# The servers of one of the recorder's hosts. It is the first process of a mount
# and a PID namespace of its own: what it covers is covered for the servers alone,
# and when it ends the kernel ends every one of them, whatever they forked.
# It ends with its standard input.
#
# start.sh CONFIGURATION DATA UNPACKED PUBLIC_KEY MEDIA_SCRIPT BYTES [DELAY]
# BYTES more are in FTP's greeting and in each answer of the web server's; DELAY (us) follows a wrong password.
set -eu
umask 022
configuration=$1 data=$2 unpacked=$3 key=$4 media=$5 bytes=$6 delay=${7-}

mkdir -p "$data/etc" "$data/unpacked" "$data/log"
cp -r "$configuration/." "$data/etc"
cp "$key" "$data/etc/authorized_keys"
cp "$media" "$data/etc/media.py"
if [ "$bytes" -gt 0 ]; then
    talk=$(printf "%${bytes}s" | tr ' ' x)
    echo "ftpd_banner=Welcome $talk" >>"$data/etc/vsftpd.conf"
    sed -i "s/^http {/&\n    add_header X-Note $talk always;/" "$data/etc/nginx.conf"
fi
if [ -n "$delay" ]; then
    # pam_unix has two seconds of its own, vsftpd one.
    sed -i "s/^auth.*/auth optional pam_faildelay.so delay=$delay\n& nodelay/" "$data"/etc/pam.d/*
    echo delay_failed_login=0 >>"$data/etc/vsftpd.conf"
fi
mount --bind "$data" /srv
mount --bind "$unpacked" /srv/unpacked
# Shared by all runs, so none may change it.
mount -o remount,bind,ro /srv/unpacked
# The machine's users, sockets and logs are neither used nor touched.
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /var/log
# Where popa3d locks itself in, and finds mail.
mount -t tmpfs -o mode=755 none /var/lib
mkdir /var/lib/popa3d
mount -t tmpfs -o mode=1777 none /var/mail
chmod 600 /srv/etc/shadow
for file in passwd shadow group pam.d; do
    mount --bind "/srv/etc/$file" "/etc/$file"
done
cd /srv
mkdir /run/sshd
PATH="/srv/unpacked/usr/sbin:/srv/unpacked/usr/bin:$PATH:/usr/sbin"
for postgresql in /usr/lib/postgresql/*/bin /srv/unpacked/usr/lib/postgresql/*/bin; do
    if [ -d "$postgresql" ]; then PATH="$postgresql:$PATH"; fi
done
LD_LIBRARY_PATH=$(printf '%s:' /srv/unpacked/usr/lib/*-linux-gnu /srv/unpacked/lib/*-linux-gnu)
PYTHONPATH=/srv/unpacked/usr/lib/python3/dist-packages
export PATH LD_LIBRARY_PATH PYTHONPATH

# Runs until it is killed: one that ends by itself is noted in `ended`.
serve() {
    name=$1
    shift
    (
        status=0
        "$@" </dev/null >"log/$name" 2>&1 || status=$?
        echo "$name ($status)" >>ended
    ) &
}

files() {
    mkdir -p web/private home/clerk/.ssh home/ftp/pub rsync nginx
    # Holes read as zeros and take no room.
    for size in 100 1000 5000 20000 100000 500000 1000000 5000000 20000000 60000000 200000000; do
        truncate -s "$size" "web/$size"
    done
    head -c 3000 /dev/urandom >web/private/index.html
    echo '<html><body>It works.</body></html>' >web/index.html
    for number in $(seq 1 40); do
        head -c "$((number * 1500))" /dev/urandom >"home/ftp/pub/file$number"
    done
    cp -r home/ftp/pub home/clerk/
    cp -r home/ftp/pub rsync/
    truncate -s 20000000 home/ftp/pub/large home/clerk/large rsync/large
    cp etc/authorized_keys home/clerk/.ssh/
    chown -R 4711:4711 home/clerk
    chmod 700 home/clerk/.ssh
}

database() {
    mkdir postgres
    chown 65534:65534 postgres
    as="setpriv --reuid 65534 --regid 65534 --clear-groups"
    $as initdb --no-sync -U postgres -A scram-sha-256 --pwfile=etc/postgres.password \
        -D postgres/data >log/initdb 2>&1
    cat etc/pg_hba.conf >postgres/data/pg_hba.conf
    exec $as postgres -D postgres/data -k /srv/postgres -c 'listen_addresses=*' \
        -c fsync=off -c max_connections=150
}

files
ssh-keygen -q -t ed25519 -N '' -f etc/ssh_host_ed25519_key
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -subj /CN=lab -keyout etc/tls.key -out etc/tls.crt 2>log/openssl
serve nginx nginx -c /srv/etc/nginx.conf -p /srv/nginx -e stderr
serve sshd "$(command -v sshd)" -D -e -f /srv/etc/sshd_config
serve vsftpd vsftpd /srv/etc/vsftpd.conf
# It looks for what it starts in no path.
ln -s "$(command -v telnetd)" /run/telnetd
ln -s "$(command -v popa3d)" /run/popa3d
for number in $(seq 1 5); do
    printf 'From a@lab Thu Jan  1 00:00:00 2026\nSubject: %s\n\nSomething happened.\n\n' "$number"
done >/var/mail/clerk
chown 4711:8 /var/mail/clerk
serve inetd inetutils-inetd --debug /srv/etc/inetd.conf
serve dnsmasq dnsmasq --keep-in-foreground --conf-file=/srv/etc/dnsmasq.conf
serve chronyd chronyd -n -x -u root -f /srv/etc/chrony.conf
for address in 0.0.0.0 ::; do
    serve "smtp-$address" python3 -m aiosmtpd -n -l "$address:25" -c aiosmtpd.handlers.Sink
done
# One program for Redis, which goes by its name; Debian has it among the tools.
ln -s "$(command -v redis-check-rdb)" /run/redis-server
serve redis /run/redis-server /srv/etc/redis.conf
serve rsync rsync --daemon --no-detach --config=/srv/etc/rsyncd.conf
serve media python3 etc/media.py serve
for port in 5201 5202 5203 5204; do
    serve "iperf3-$port" iperf3 -s -p "$port"
done
serve postgresql database
cat >/dev/null
