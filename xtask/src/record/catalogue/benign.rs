//! What must never be taken for an attack. Rates and numbers are those of busy
//! machines, not of polite ones. Where two tools serve a purpose, mostly one is
//! `held`; some held scenarios only do otherwise what a trained one does with the
//! same tool (ping, iperf3, ssh, dig, `traffic.py`): tell these apart by `tool`.

pub(in crate::record) const BENIGN: &str = "
ping-1             h1       9.0  ping -n -I {src} -c {n@1} {dst}
ping-5             h2       9.0  ping -n -I {src} -i 0.2 -w {i} {dst}

ping-10            h1       6.0  ping -n -I {src} -i 0.1 -w {i} {dst}
ping-20            h2       6.0  ping -n -I {src} -i 0.05 -w {i} {dst}

ping-50            h1       5.0  ping -n -I {src} -i 0.02 -w {i} {dst}
ping-100           h2       6.0  ping -n -I {src} -i 0.01 -w {i} {dst}

ping-125           h1       5.0  held ping -n -I {src} -i 0.008 -w {i} {dst}

ping-preload       h2       5.0  ping -n -I {src} -l 3 -i 0.2 -w {i} {dst}
ping-sizes         h1       6.0  ping -n -I {src} -s 8 -i 0.25 -w {i} {dst}
                            +    ping -n -I {src} -s 300 -i 0.5 -w {i} {dst}
                            +    ping -n -I {src} -s 1000 -i 0.2 -w {i} {dst}
                            +    ping -n -I {src} -s 1400 -i 0.1 -w {i} {dst}

ping-empty-20      h1       4.0  held ping -n -I {src} -s 0 -i 0.05 -w {i} {dst}

ping-empty-100     h2       4.0  ping -n -I {src} -s 0 -i 0.01 -w {i} {dst}

ping-small-50      h1       4.0  ping -n -I {src} -s 8 -i 0.02 -w {i} {dst}
ping-large-100     h2       4.0  ping -n -I {src} -s 1400 -i 0.01 -w {i} {dst}

ping-512-50        h1       4.0  ping -n -I {src} -s 512 -i 0.02 -w {i} {dst}
ping-mtu-10        h2       6.0  ping -n -I {src} -s 1472 -i 0.1 -w {i} {dst}
ping-fragments-5   h1       6.0  ping -n -I {src} -s 3000 -i 0.2 -w {i} {dst}

ping-fragments-20  h2       5.0  ping -n -I {src} -s 2400 -i 0.05 -w {i} {dst}

ping-fragments-8k  h2       5.0  held ping -n -I {src} -s 8000 -i 0.5 -w {i} {dst}
ping6-2            h1       6.0  ping -6 -n -I {src6} -i 0.5 -w {i} {dst6}
ping6-20           h2       6.0  ping -6 -n -I {src6} -i 0.05 -w {i} {dst6}

ping6-large-50     h2       4.0  ping -6 -n -I {src6} -s 1000 -i 0.02 -w {i} {dst6}

ping6-100          h1       4.0  held ping -6 -n -I {src6} -i 0.01 -w {i} {dst6}

ping6-fragments    h1       5.0  ping -6 -n -I {src6} -s 3000 -i 0.2 -w {i} {dst6}

curl-now-and-then  h2       8.0  {traffic} repeat --seconds {s} --rate 0.7 -- curl -sS -o /dev/null --interface {src} http://{dst}/20000
curl-series        h1       8.0  {traffic} repeat --seconds {s} --rate 8 -- curl -sS -o /dev/null --interface {src} http://{dst}/5000

curl-10-at-once    h2       5.0  curl -sS --interface {src} -Z --parallel-max 10 http://{dst}/20000?[1-60] -o /dev/null

curl-50-at-once    h2       5.0  {traffic} repeat --seconds {s} --rate 0.7 -- curl -sS --interface {src} -Z --parallel-immediate --parallel-max 50 http://{dst}/5000?[1-120] -o /dev/null

curl-300-at-once   h2       6.0  {traffic} repeat --seconds {s} --rate 0.3 -- curl -sS --interface {src} -Z --parallel-immediate --parallel-max 300 http://{dst}/1000?[1-300] -o /dev/null

web-300-at-once    h1       6.0  {traffic} web {src} {dst} --seconds {s} --rate 0.4 --burst 300 --size 1000

web-150-at-once    h2       6.0  held {traffic} web {src} {dst} --seconds {s} --rate 0.5 --burst 150 --size 500000

web-10             h2       5.0  {traffic} web {src} {dst} --seconds {s} --rate 10
web6-8             h1       5.0  {traffic} web {src6} {dst6} --seconds {s} --rate 8 --size 20000

web-60             h2       5.0  {traffic} web {src} {dst} --seconds {s} --rate 60

httperf-50         h1       5.0  httperf --hog --server {peer} --uri /5000 --rate 50 --num-conns {n@50}

httperf-100        h2       5.0  httperf --hog --server {peer} --uri /1000 --rate 100 --num-conns {n@100}

httperf-200        h2       5.0  httperf --hog --server {peer} --uri /1000 --rate 200 --num-conns {n@200}

web-200            h2       5.0  {traffic} web {src} {dst} --seconds {s} --rate 200 --size 1000

httperf-sessions   h1       5.0  httperf --hog --server {peer} --uri /20000 --rate 15 --num-conns {n@15} --num-calls 8
web6-100           h2       5.0  {traffic} web {src6} {dst6} --seconds {s} --rate 100

ab-100             h2       6.0  {traffic} repeat --seconds {s} --rate 1 -- ab -q -B {src} -n 100 -c 10 http://{dst}/1000

ab-200             h1       6.0  {traffic} repeat --seconds {s} --rate 2 -- ab -q -B {src} -n 100 -c 50 http://{dst}/5000

ab-keep            h2       4.0  ab -q -k -B {src} -n {n@600} -c 8 http://{dst}/5000

wrk-keep           h2       4.0  held wrk -t 1 -c 12 -d {i}s http://{peer}/5000

wrk-keep-60        h1       3.0  held wrk -t 1 -c 60 -d {i}s http://{peer}/20000

hey-50             h1       5.0  held hey -z {i}s -c 5 -q 10 -disable-keepalive http://{peer}/1000

hey-100            h2       5.0  held hey -z {i}s -c 20 -q 5 -disable-keepalive http://{peer}/5000

hey-200            h2       5.0  held hey -z {i}s -c 10 -q 20 -disable-keepalive http://{peer}/1000

hey-keep           h2       5.0  held hey -z {i}s -c 20 -q 20 http://{peer}/5000

web-keep           h1       7.0  {traffic} web {src} {dst} --seconds {s} --rate 15 --keep
web-keep-idle      h2       7.0  {traffic} web {src} {dst} --seconds {s} --rate 0.5 --keep
https-series       h2       7.0  {traffic} repeat --seconds {s} --rate 6 -- curl -sS -k -o /dev/null --interface {src} https://{dst}/5000

private-area       h2       6.0  {traffic} repeat --seconds {s} --rate 5 -- curl -sS -f -o /dev/null --interface {src} -u clerk:lantern http://{dst}/private/
uploads            h1       6.0  {traffic} repeat --seconds {s} --rate 4 -- curl -sS -f -o /dev/null --interface {src} --data-binary @{lists}/names http://{dst}/post

missing-pages      h2       6.0  {traffic} repeat --seconds {s} --rate 1.5 -- curl -sS --interface {src} http://{dst}/none?[1-10] -o /dev/null
wget-series        h1       6.0  held {traffic} repeat --seconds {s} --rate 6 -- wget -q -O /dev/null --bind-address={src} http://{dst}/20000
wget-mirror        h2       6.0  held {traffic} repeat --seconds {s} --rate 0.7 -- wget -q -r -l 1 -np -nd -P {scratch} -e robots=off --bind-address={src} http://{dst}/files/

download           h2       5.0  curl -sS -o /dev/null --limit-rate 20M --interface {src} http://{dst}/60000000
                            +    curl -sS -o /dev/null --interface {src} http://{dst}/1000000

download-6         h1       4.0  held wget -q -O /dev/null --limit-rate=30m --bind-address={src6} http://[{dst6}]/60000000

video-keep         h2       9.0  {traffic} web {src} {dst} --seconds {s} --rate 0.45 --size 1000000 --keep
video-segments     h1       9.0  {traffic} repeat --seconds {s} --rate 0.3 -- curl -sS -o /dev/null --interface {src} http://{dst}/video/5000000
video-parts        h2       9.0  held {traffic} repeat --seconds {s} --rate 0.4 -- wget -q -O /dev/null --bind-address={src} http://{dst}/1000000 http://{dst}/20000 http://{dst}/100000

call-50            h1       6.0  {traffic} media {src} {dst} --seconds {s} --rate 50 --size 160
call-500           h2       5.0  {traffic} media {src} {dst} --seconds {s} --rate 500 --size 1000

call6-50           h2       5.0  {traffic} media {src6} {dst6} --seconds {s} --rate 50 --size 160

call-120           h1       5.0  held {traffic} media {src} {dst} --seconds {s} --rate 120 --size 600

tcp-bulk           h2       4.0  iperf3 -B {src} -c {dst} -t {s} -b 400M

tcp-max            h1       3.0  iperf3 -B {src} -c {dst} -t {s}

tcp-bulk-reverse   h2       4.0  iperf3 -B {src} -c {dst} -t {s} -R

tcp-streams        h1       4.0  iperf3 -B {src} -c {dst} -t {s} -P 6 -b 50M

bulk-8-streams     h2       3.0  iperf3 -B {src} -c {dst} -t {s} -P 8

bulk-4-reverse     h1       3.0  held iperf3 -B {src} -c {dst} -t {s} -P 4 -R

bulk-both-ways     h2       3.0  held iperf3 -B {src} -c {dst} -t {s} -b 100M --bidir

bulk6              h2       3.0  iperf3 -6 -B {src6} -c {dst6} -t {s}

bulk-udp-1g        h1       3.0  iperf3 -u -B {src} -c {dst} -t {s} -b 1G

bulk-udp-streams   h2       3.0  iperf3 -u -B {src} -c {dst} -t {s} -b 20M -P 4

udp-1m             h2       4.0  iperf3 -u -B {src} -c {dst} -t {s} -b 1M

udp-5m-small       h1       4.0  held iperf3 -u -B {src} -c {dst} -t {s} -b 5M -l 200

udp-20m            h1       4.0  iperf3 -u -B {src} -c {dst} -t {s} -b 20M -l 1200

udp-20m-reverse    h2       4.0  iperf3 -u -B {src} -c {dst} -t {s} -b 20M -l 1200 -R

udp-200m           h2       3.0  iperf3 -u -B {src} -c {dst} -t {s} -b 200M -l 1400

udp-fragments      h1       4.0  iperf3 -u -B {src} -c {dst} -t {s} -b 8M -l 8000

ssh-commands       h1       8.0  {traffic} repeat --seconds {s} --rate 0.6 -- ssh {keyed} -b {src} clerk@{dst} ls pub
ssh-typing         h2       8.0  {traffic} human --seconds {s} --rate 5 -- ssh {keyed} -tt -b {src} clerk@{dst}

ssh-idle           h1       12.0 ssh {keyed} -o ServerAliveInterval=3 -b {src} clerk@{dst} sleep {i}
ssh-ansible        h2       12.0 {traffic} repeat --seconds {s} --rate 1.7 -- ssh {keyed} -b {src} clerk@{dst} id
ssh6-commands      h1       12.0 {traffic} repeat --seconds {s} --rate 0.3 -- ssh {keyed} -b {src6} clerk@{dst6} date

ssh-passwords      h2       9.0  {traffic} repeat --seconds {s} --rate 0.8 -- sshpass -p lantern ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no -b {src} clerk@{dst} true
ssh-mistyped       h1       6.0  ~sshpass -p lantren ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no -b {src} clerk@{dst} true
                            +    sshpass -p lantern ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no -b {src} clerk@{dst} sleep 4

ssh-fleet          h1       9.0  held {traffic} repeat --seconds {s} --rate 1 -- ssh {keyed} -b {src} clerk@{dst} uptime
                            +    {traffic} repeat --seconds {s} --rate 1 -- ssh {keyed} -b {src} clerk@10.83.4.1 uptime
                            +    {traffic} repeat --seconds {s} --rate 1 -- ssh {keyed} -b {src} clerk@10.83.4.3 uptime
ssh6-typing        h2       9.0  held {traffic} human --seconds {s} --rate 8 --pause 1 -- ssh {keyed} -tt -b {src6} clerk@{dst6}

telnet-typing      h2       9.0  {traffic} human --login --seconds {s} --rate 5 -- telnet -b {src} {dst}
telnet-typing-slow h1       9.0  held {traffic} human --login --seconds {s} --rate 3 --pause 1 -- telnet -b {src} {dst}

scp-small          h2       6.0  {traffic} repeat --seconds {s} --rate 1 -- scp -q {keyed} -o BindAddress={src} clerk@{dst}:pub/file7 {scratch}/file7
scp-large          h1       6.0  {traffic} repeat --seconds {s} --rate 0.5 -- scp -q {keyed} -o BindAddress={src} clerk@{dst}:large {scratch}/large

scp-tree           h1       6.0  {traffic} repeat --seconds {s} --rate 0.4 -- scp -q -r {keyed} -o BindAddress={src} clerk@{dst}:pub {scratch}
scp-up             h2       6.0  {traffic} repeat --seconds {s} --rate 0.8 -- scp -q {keyed} -o BindAddress={src} {lists}/names clerk@{dst}:names

sftp-large         h2       6.0  held {traffic} repeat --seconds {s} --rate 0.5 -- sftp -q {keyed} -o BindAddress={src} clerk@{dst}:large {scratch}/large
sftp-small         h1       6.0  held {traffic} repeat --seconds {s} --rate 1.2 -- sftp -q {keyed} -o BindAddress={src} clerk@{dst}:pub/file20 {scratch}/file20

ftp-passive        h2       6.0  {traffic} repeat --seconds {s} --rate 0.3 -- curl -sS --interface {src} -u clerk:lantern ftp://{dst}/pub/file[1-15] -o /dev/null
ftp-active         h1       6.0  {traffic} repeat --seconds {s} --rate 0.3 -- curl -sS --interface {src} --ftp-port {src} -u clerk:lantern ftp://{dst}/pub/file[1-12] -o /dev/null

ftp-large          h2       5.0  curl -sS --interface {src} ftp://{dst}/pub/large -o /dev/null
ftp6-lists         h1       5.0  {traffic} repeat --seconds {s} --rate 2 -- curl -sS --interface {src6} --list-only ftp://[{dst6}]/pub/ -o /dev/null

ftp-mirror         h2       6.0  held {traffic} repeat --seconds {s} --rate 0.4 -- lftp --norc -c set␣net:socket-bind-ipv4␣{src};set␣dns:order␣inet;open␣ftp://clerk:lantern@{dst};mirror␣--parallel=4␣--overwrite␣pub␣{scratch}/pub
ftp-mirror-active  h1       6.0  held {traffic} repeat --seconds {s} --rate 0.4 -- lftp --norc -c set␣net:socket-bind-ipv4␣{src};set␣ftp:passive-mode␣no;open␣ftp://clerk:lantern@{dst};mirror␣--overwrite␣pub␣{scratch}/pub
ftp-typing         h1       20.0 {traffic} human --seconds {s} --rate 5 -- lftp --norc -e set␣net:socket-bind-ipv4␣{src};set␣dns:order␣inet;open␣ftp://clerk:lantern@{dst}
ftp-typing-slow    h2       20.0 {traffic} human --seconds {s} --rate 2 --pause 3 -- lftp --norc -e set␣net:socket-bind-ipv4␣{src};set␣dns:order␣inet;open␣ftp://clerk:lantern@{dst}
ftp-reading        h2       20.0 held {traffic} human --seconds {s} --rate 8 --pause 6 -- lftp --norc -e set␣net:socket-bind-ipv4␣{src};set␣dns:order␣inet;open␣ftp://clerk:lantern@{dst}

dns-5              h2       7.0  {traffic} dns {src} {dst} --seconds {s} --rate 5
dns-50             h1       7.0  {traffic} dns {src} {dst} --seconds {s} --rate 50

dns-200            h1       5.0  {traffic} dns {src} {dst} --seconds {s} --rate 200

dns-burst          h2       6.0  {traffic} dns {src} {dst} --seconds {s} --rate 2 --burst 40
dns-missing        h1       6.0  {traffic} dns {src} {dst} --seconds {s} --rate 30 --missing 0.9

dns6-80            h2       5.0  {traffic} dns {src6} {dst6} --seconds {s} --rate 80

dnsperf-100        h1       5.0  held dnsperf -s {dst} -a {src} -Q 100 -l {i} -d {lists}/names

dnsperf-300        h2       5.0  held dnsperf -s {dst} -a {src} -c 8 -Q 300 -l {i} -d {lists}/names

dns-large          h2       6.0  {traffic} repeat --seconds {s} --rate 4 -- dig -b {src} @{dst} large.lab TXT
dns-dig            h1       6.0  held {traffic} repeat --seconds {s} --rate 0.5 -- dig -b {src} @{dst} -f {lists}/few-names

ntp                h2       8.0  {traffic} ntp {src} {dst} --seconds {s} --rate 0.5
ntp-burst          h1       6.0  {traffic} ntp {src} {dst} --seconds {s} --rate 4
ntp-chrony         h2       8.0  held {traffic} repeat --seconds {s} --rate 0.2 -- {chronyd} -Q -t 6 -u root -f /dev/null cmdport␣0 bindacqaddress␣{src} server␣{dst}␣iburst

mail               h2       7.0  {traffic} mail {src} {dst} --seconds {s} --rate 0.8
mail-list          h1       7.0  {traffic} mail {src} {dst} --seconds {s} --rate 1 --burst 25

mail-batch         h2       7.0  {traffic} mail {src} {dst} --seconds {s} --rate 30
mail6              h1       6.0  {traffic} mail {src6} {dst6} --seconds {s} --rate 3
mail-swaks         h2       6.0  held {traffic} repeat --seconds {s} --rate 2 -- swaks --silent 2 -li {src} -s {dst} -f a@lab -t b@lab

trace-udp          h1       7.0  {traffic} repeat --seconds {s} --rate 0.8 -- traceroute -n -s {src} {dst}
                            +    {traffic} repeat --seconds {s} --rate 0.3 -- traceroute -n -s {src} -m 8 -w 0.4 10.83.7.7

trace-icmp         h2       7.0  {traffic} repeat --seconds {s} --rate 0.4 -- traceroute -n -I -s {src} -m 8 -w 0.4 10.83.7.7
trace-tcp          h1       7.0  {traffic} repeat --seconds {s} --rate 0.4 -- traceroute -n -T -p 80 -s {src} {dst}
                            +    {traffic} repeat --seconds {s} --rate 0.3 -- traceroute -n -T -p 443 -s {src} -m 8 -w 0.4 10.83.7.7

trace-mtr          h2       7.0  held mtr -n -a {src} -r -c {n@3} -i 0.3 {dst}
trace-mtr-udp      h1       7.0  held mtr -n -u -a {src} -r -c {n@3} -i 0.3 {dst}
trace6             h2       7.0  {traffic} repeat --seconds {s} --rate 0.5 -- traceroute -6 -n -s {src6} {dst6}

rsync              h2       6.0  {traffic} repeat --seconds {s} --rate 0.5 -- rsync -a --address={src} rsync://{dst}/pub/ {scratch}
rsync6             h1       6.0  held {traffic} repeat --seconds {s} --rate 0.5 -- rsync -a --ignore-times --address={src6} rsync://[{dst6}]/pub/ {scratch}

database           h2       6.0  env PGPASSWORD=lantern {pgbench} -n -f {lists}/query.sql -h {peer} -U postgres -c 4 -R 80 -T {i} postgres
database-reconnect h2       6.0  env PGPASSWORD=lantern {pgbench} -n -C -f {lists}/query.sql -h {peer} -U postgres -c 2 -R 15 -T {i} postgres

database6          h2       5.0  held env PGPASSWORD=lantern {pgbench} -n -f {lists}/query.sql -h {peer6} -U postgres -c 20 -R 200 -T {i} postgres

redis              h2       5.0  {traffic} repeat --seconds {s} --rate 1 -- redis-benchmark -h {peer} -q -c 50 -n 1500 -t get,set
redis-reconnect    h1       5.0  {traffic} repeat --seconds {s} --rate 1 -- redis-benchmark -h {peer} -q -k 0 -c 10 -n 80 -t get

redis-pipeline     h2       5.0  held {traffic} repeat --seconds {s} --rate 1 -- redis-benchmark -h {peer} -q -c 120 -P 8 -n 3000 -t get,incr

monitor-3-hosts    h2       10.0 {traffic} monitor {src} 10.83.4.2,10.83.4.4,10.83.4.6 --seconds {s} --rate 0.4 --pause 0.01
monitor-8-hosts    h1       10.0 {traffic} monitor {src} 10.83.4.1,10.83.4.3,10.83.4.5,10.83.4.7,10.83.4.9,10.83.4.11,10.83.4.13,10.83.4.15 --seconds {s} --rate 0.3 --pause 0.02

monitor-slow       h1       10.0 {traffic} monitor {src} {dst} --seconds {s} --rate 0.3 --pause 0.1

monitor-nc         h2       9.0  held {traffic} repeat --seconds {s} --rate 0.5 -- nc -z -s {src} {dst} 22
                            +    {traffic} repeat --seconds {s} --rate 0.5 -- nc -z -s {src} {dst} 25
                            +    {traffic} repeat --seconds {s} --rate 0.5 -- nc -z -s {src} {dst} 80
                            +    {traffic} repeat --seconds {s} --rate 0.5 -- nc -z -s {src} 10.83.4.2 21
                            +    {traffic} repeat --seconds {s} --rate 0.5 -- nc -z -s {src} 10.83.4.2 443
                            +    {traffic} repeat --seconds {s} --rate 0.5 -- nc -z -s {src} 10.83.4.4 5432
                            +    {traffic} repeat --seconds {s} --rate 0.5 -- nc -z -s {src} 10.83.4.4 6379

closed-port        h2       9.0  {traffic} retry {src} {dst} --seconds {s} --rate 1
closed-port-5      h1       9.0  {traffic} retry {src} {dst} --seconds {s} --rate 5
dead-host          h2       9.0  ~curl -sS -o /dev/null --connect-timeout {i} --interface {src} http://10.83.7.7/
log-not-read       h1       9.0  {traffic} repeat --seconds {s} --rate 4 -- logger -d -n {peer} -P 514 something happened

dead-server        h1       9.0  held {traffic} repeat --any-code --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} http://{dst}:8089/
dead-hosts         h2       9.0  held ~wget -q -O /dev/null --tries=2 --timeout=4 --bind-address={src} http://10.83.7.7/
                            +    ~dig -b {src} @10.83.7.7 +time=1 +tries=5 www.lab

noise              h1       9.0  {traffic} noise {src} {dev} --seconds {s} --rate 3
noise-2            h2       9.0  {traffic} noise {src} {dev} --seconds {s} --rate 2

desk               h1       7.0  {traffic} web {src} {dst} --seconds {s} --rate 2 --burst 8
                            +    {traffic} dns {src} {dst} --seconds {s} --rate 10
                            +    ping -n -I {src} -i 0.1 -w {i} {dst}
                            +    {traffic} human --seconds {s} --rate 4 -- ssh {keyed} -tt -b {src} clerk@{dst}

desk-busy          h2       7.0  {traffic} web {src} {dst} --seconds {s} --rate 80
                            +    {traffic} dns {src} {dst} --seconds {s} --rate 50
                            +    ping -n -I {src} -i 0.02 -w {i} {dst}
                            +    curl -sS -o /dev/null --interface {src} http://{dst}/20000000
                            +    {traffic} mail {src} {dst} --seconds {s} --rate 1

nat                h2       8.0  {traffic} web {src} {dst} --seconds {s} --rate 40
                            +    {traffic} web {src} 10.83.4.2 --seconds {s} --rate 30 --size 1000
                            +    {traffic} web {src} 10.83.4.4 --seconds {s} --rate 2 --burst 8 --size 20000
                            +    {traffic} dns {src} {dst} --seconds {s} --rate 30
                            +    {traffic} repeat --seconds {s} --rate 2 -- curl -sS -k -o /dev/null --interface {src} https://10.83.4.6/5000
                            +    {traffic} repeat --seconds {s} --rate 0.5 -- ssh {keyed} -b {src} clerk@10.83.4.8 date
                            +    {traffic} mail {src} 10.83.4.10 --seconds {s} --rate 2
                            +    {traffic} media {src} 10.83.4.12 --seconds {s} --rate 50 --size 160
                            +    {traffic} retry {src} 10.83.4.14 --seconds {s} --rate 0.5
                            +    ping -n -I {src} -i 0.5 -w {i} 10.83.4.16

nat-other          h1       8.0  held ab -q -B {src} -n {n@40} -c 2 http://{dst}/500000
                            +    {traffic} repeat --seconds {s} --rate 15 -- wget -q -O /dev/null --bind-address={src} http://10.83.4.1/5000
                            +    {traffic} repeat --seconds {s} --rate 4 -- swaks --silent 2 -li {src} -s 10.83.4.3 -f a@lab -t b@lab
                            +    dnsperf -s 10.83.4.5 -a {src} -c 6 -Q 40 -l {i} -d {lists}/names
                            +    {traffic} repeat --seconds {s} --rate 0.5 -- sftp -q {keyed} -o BindAddress={src} clerk@10.83.4.7:pub/file9 {scratch}/file9
                            +    ping -n -I {src} -i 0.3 -w {i} 10.83.4.9

bulk-busy          h2       6.0  {traffic} web {src} {dst} --seconds {s} --rate 100
                            +    iperf3 -B {src} -c {dst} -t {s} -P 2
bulk-busy-reverse  h1       6.0  {traffic} web {src} {dst} --seconds {s} --rate 20 --burst 3
                            +    iperf3 -B {src} -c {dst} -t {s} -R

mix-ping           h1       9.0  ping -n -I {src} -i 0.1 -w {i} {dst}
mix-web            h2       9.0  {traffic} web {src} {dst} --seconds {s} --rate 6 --burst 3
mix-dns            h1       9.0  {traffic} dns {src} {dst} --seconds {s} --rate 12
mix-ssh            h2       9.0  {traffic} human --seconds {s} --rate 4 -- ssh {keyed} -tt -b {src} clerk@{dst}
mix-bulk           h1       9.0  iperf3 -B {src} -c {dst} -t {s} -b 30M
mix-ftp            h2       9.0  {traffic} repeat --seconds {s} --rate 0.2 -- curl -sS --interface {src} -u clerk:lantern ftp://{dst}/pub/file[1-12] -o /dev/null
mix-mail           h1       9.0  {traffic} mail {src} {dst} --seconds {s} --rate 1
mix-database       h2       9.0  env PGPASSWORD=lantern {pgbench} -n -f {lists}/query.sql -h {peer} -U postgres -c 3 -R 30 -T {i} postgres
mix-call           h1       9.0  {traffic} media {src} {dst} --seconds {s} --rate 50 --size 160
mix-monitor        h2       9.0  {traffic} monitor {src} 10.83.4.2,10.83.4.4 --seconds {s} --rate 0.3 --pause 0.02
mix-noise          h1       9.0  {traffic} noise {src} {dev} --seconds {s} --rate 1
mix-closed         h2       9.0  {traffic} retry {src} {dst} --seconds {s} --rate 1

late-ping          h1       10.0 held ping -n -I {src} -i 0.2 -w {i} {dst}
late-web           h2       10.0 held {traffic} repeat --seconds {s} --rate 5 -- wget -q -O /dev/null --bind-address={src} http://{dst}/20000
late-web-keep      h1       10.0 held hey -z {i}s -c 4 -q 5 http://{peer}/5000
late-dns           h2       10.0 held dnsperf -s {dst} -a {src} -Q 20 -l {i} -d {lists}/names
late-telnet        h1       10.0 held {traffic} human --login --seconds {s} --rate 4 -- telnet -b {src} {dst}
late-ftp           h2       10.0 held {traffic} repeat --seconds {s} --rate 0.2 -- lftp --norc -c set␣net:socket-bind-ipv4␣{src};open␣ftp://clerk:lantern@{dst};mirror␣--overwrite␣pub␣{scratch}/pub
late-mail          h1       10.0 held {traffic} repeat --seconds {s} --rate 1 -- swaks --silent 2 -li {src} -s {dst} -f a@lab -t b@lab
late-noise         h2       10.0 held {traffic} noise {src} {dev} --seconds {s} --rate 2

steady-ping-150    h1       40.0 ping -n -I {src} -s 400 -i 0.0066 -w {i} {dst}
steady-ping-200    h2       40.0 ping -n -I {src} -i 0.005 -w {i} {dst}
steady-ping6       h1       40.0 ping -6 -n -I {src6} -i 0.007 -w {i} {dst6}
steady-ping-100    h2       40.0 ping -n -I {src} -s 120 -i 0.01 -w {i} {dst}
steady-ping-60     h1       40.0 ping -n -I {src} -s 1000 -i 0.016 -w {i} {dst}
steady-ping-large  h2       40.0 ping -n -I {src} -s 1400 -i 0.008 -w {i} {dst}
steady-ping-1200   h1       40.0 ping -n -I {src} -s 1200 -i 0.02 -w {i} {dst}
steady-pings-5     h1       40.0 {traffic} repeat --seconds {s} --rate 0.25 -- ping -n -I {src} -i 0.2 -c 18 {dst}
steady-pings-10    h2       40.0 {traffic} repeat --seconds {s} --rate 0.2 -- ping -n -I {src} -s 120 -i 0.1 -c 45 {dst}
steady-pings-20    h1       40.0 {traffic} repeat --seconds {s} --rate 0.4 -- ping -n -I {src} -s 1000 -i 0.05 -c 45 {dst}
steady-pings-30    h2       40.0 {traffic} repeat --seconds {s} --rate 0.3 -- ping -n -I {src} -s 400 -i 0.03 -c 90 {dst}
steady-pings-50    h1       40.0 {traffic} repeat --seconds {s} --rate 0.7 -- ping -n -I {src} -i 0.02 -c 60 {dst}
steady-web-20      h1       40.0 {traffic} web {src} {dst} --seconds {s} --rate 5 --burst 4 --size 20000 --cookie 300
steady-web-50      h1       40.0 {traffic} web {src} {dst} --seconds {s} --rate 10 --burst 5 --size 1000 --cookie 50
steady-web-80      h2       40.0 {traffic} web {src} {dst} --seconds {s} --rate 4 --burst 20 --size 5000 --cookie 250
steady-web-120     h2       40.0 {traffic} web {src} {dst} --seconds {s} --rate 12 --burst 10 --size 1000 --cookie 500
steady-web-hosts   h1       40.0 {traffic} web {src} 10.83.4.1 --count 30 --seconds {s} --rate 4 --burst 5 --size 5000 --cookie 120
steady-dns         h2       40.0 {traffic} dns {src} {dst} --seconds {s} --rate 120
steady-ftp         h1       40.0 {traffic} repeat --seconds {s} --rate 0.3 -- curl -sS -Z --parallel-max 4 --interface {src} -u clerk:lantern ftp://{dst}/pub/file[1-15] -o /dev/null
steady-ftp-active  h2       40.0 {traffic} repeat --seconds {s} --rate 0.4 -- curl -sS -Z --parallel-max 2 --interface {src} --ftp-port {src} -u clerk:lantern ftp://{dst}/pub/file[1-6] -o /dev/null
steady-mail        h2       40.0 {traffic} mail {src} {dst} --seconds {s} --rate 4
steady-mailbox     h1       40.0 {traffic} repeat --seconds {s} --rate 1.5 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern pop3://{dst}/
steady-redis       h2       40.0 {traffic} repeat --seconds {s} --rate 1 -- redis-benchmark -h {peer} -q -k 0 -c 5 -n 40 -t set
steady-call        h1       40.0 {traffic} media {src} {dst} --seconds {s} --rate 100 --size 500
steady-poll-1      h1       40.0 {traffic} repeat --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} http://{dst}/100
steady-poll-3      h2       40.0 {traffic} web {src} {dst} --seconds {s} --rate 3 --size 100 --cookie 90
steady-poll-unchanged h1    40.0 {traffic} repeat --seconds {s} --rate 0.5 -- curl -sS -o /dev/null -z 20350101 --interface {src} http://{dst}/5000
steady-poll-password h2     40.0 {traffic} repeat --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern http://{dst}/
steady-poll-missing h2      40.0 {traffic} repeat --seconds {s} --rate 0.7 -- curl -sS -o /dev/null --interface {src} http://{dst}/no/such/page
steady-ssh         h1       40.0 {traffic} repeat --seconds {s} --rate 0.6 -- ssh {keyed} -b {src} clerk@{dst} date
steady-lists       h2       40.0 {traffic} repeat --seconds {s} --rate 0.7 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern --list-only ftp://{dst}/pub/
steady-mailbox-slow h1      40.0 {traffic} repeat --seconds {s} --rate 0.3 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern pop3://{dst}/
steady-pool-40     h1       40.0 {traffic} repeat --seconds {s} --rate 0.5 -- ab -q -k -B {src} -n 400 -c 40 http://{dst}/5000
steady-pool-90     h2       40.0 {traffic} repeat --seconds {s} --rate 0.3 -- ab -q -k -B {src} -n 900 -c 90 http://{dst}/1000
steady-ssh-hosts   h1       40.0 {traffic} repeat --seconds {s} --rate 0.7 -- ssh {keyed} -b {src} clerk@{dst} id
                            +    {traffic} repeat --seconds {s} --rate 0.7 -- ssh {keyed} -b {src} clerk@10.83.4.1 id
                            +    {traffic} repeat --seconds {s} --rate 0.7 -- ssh {keyed} -b {src} clerk@10.83.4.5 id

steady-pings-slow  h1       100.0 {traffic} repeat --seconds {s} --rate 0.1 -- ping -n -I {src} -s 400 -i 0.2 -c 45 {dst}
steady-pings-wide  h2       100.0 {traffic} repeat --seconds {s} --rate 0.07 -- ping -n -I {src} -s 1200 -i 0.25 -c 52 {dst}
steady-pings-3     h1       100.0 {traffic} repeat --seconds {s} --rate 0.12 -- ping -n -I {src} -i 0.33 -c 24 {dst}

again-ping-1       h1       60.0 {traffic} repeat --seconds {s} --rate 2 -- ping -n -I {src} -s 400 -c 1 {dst}
again-ping-3       h2       60.0 {traffic} repeat --seconds {s} --rate 0.8 -- ping -n -I {src} -s 120 -i 0.3 -c 3 {dst}
again-ping-6       h1       60.0 {traffic} repeat --seconds {s} --rate 0.4 -- ping -n -I {src} -i 0.2 -c 6 {dst}
again-ping-11      h2       60.0 {traffic} repeat --seconds {s} --rate 0.5 -- ping -n -I {src} -s 0 -i 0.02 -c 11 {dst}
again-ping-25      h1       60.0 {traffic} repeat --seconds {s} --rate 0.3 -- ping -n -I {src} -s 8 -i 0.01 -c 25 {dst}
again-ping-60      h2       60.0 {traffic} repeat --seconds {s} --rate 0.2 -- ping -n -I {src} -s 1400 -i 0.01 -c 60 {dst}
again-ping-burst   h1       60.0 {traffic} repeat --seconds {s} --rate 0.3 -- ping -n -I {src} -l 3 -i 0.2 -c 9 {dst}
again-ping6        h2       60.0 {traffic} repeat --seconds {s} --rate 0.4 -- ping -6 -n -I {src6} -i 0.1 -c 8 {dst6}
again-ping-random  h1       60.0 held {traffic} repeat --random --seconds {s} --rate 0.4 -- ping -n -I {src} -s 200 -i 0.03 -c 14 {dst}
whenever-ssh         h2       60.0 {traffic} repeat --random --seconds {s} --rate 0.7 -- ssh {keyed} -b {src} clerk@{dst} id
                            +    {traffic} repeat --random --seconds {s} --rate 0.4 -- ssh {keyed} -b {src} clerk@{dst} sleep␣0.7
                            +    {traffic} repeat --random --seconds {s} --rate 0.2 -- ssh {keyed} -b {src} clerk@{dst} sleep␣3
whenever-ssh-3       h1       60.0 {traffic} repeat --random --seconds {s} --rate 3 -- ssh {keyed} -b {src} clerk@{dst} date
whenever-ssh-long    h2       60.0 {traffic} repeat --random --seconds {s} --rate 1 -- ssh {keyed} -b {src} clerk@{dst} sleep␣2
whenever-scp         h1       60.0 held {traffic} repeat --random --seconds {s} --rate 1 -- sftp -q {keyed} -o BindAddress={src} clerk@{dst}:pub/file3 {scratch}/file3
whenever-lists       h1       60.0 {traffic} repeat --random --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern --list-only ftp://{dst}/pub/
whenever-lists-4     h2       60.0 held {traffic} repeat --random --seconds {s} --rate 4 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern --list-only ftp://{dst}/pub/
whenever-files       h2       60.0 held {traffic} repeat --random --seconds {s} --rate 1.5 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern ftp://{dst}/pub/file2
whenever-mailbox     h1       60.0 {traffic} repeat --random --seconds {s} --rate 2 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern pop3://{dst}/
whenever-letters     h1       60.0 held {traffic} repeat --random --seconds {s} --rate 1.5 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern pop3://{dst}/1
whenever-password    h2       60.0 {traffic} repeat --random --seconds {s} --rate 4 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern http://{dst}/

again-ping-pause   h1       100.0 {traffic} repeat --seconds {s} --rate 0.05 -- ping -n -I {src} -i 0.05 -c 22 {dst}
again-ping-pause-100 h2     100.0 {traffic} repeat --seconds {s} --rate 0.04 -- ping -n -I {src} -s 120 -i 0.01 -c 26 {dst}
again-ping-pause-large h1   100.0 {traffic} repeat --seconds {s} --rate 0.06 -- ping -n -I {src} -s 1400 -i 0.01 -c 24 {dst}
again-ping-pause-empty h2   100.0 held {traffic} repeat --seconds {s} --rate 0.05 -- ping -n -I {src} -s 0 -i 0.01 -c 28 {dst}
again-mtr          h1       100.0 held {traffic} repeat --seconds {s} --rate 0.05 -- mtr -n -r -c 5 -i 0.2 -a {src} {dst}

lasting-ping       h1       100.0 held ping -n -I {src} -i 0.01 -w {i} {dst}
lasting-ping-large h2       100.0 held ping -n -I {src} -s 1200 -i 0.05 -w {i} {dst}
lasting-pings-5    h2       100.0 held {traffic} repeat --seconds {s} --rate 0.1 -- ping -n -I {src} -s 400 -i 0.2 -c 45 {dst}
lasting-pings-10   h1       100.0 held {traffic} repeat --seconds {s} --rate 0.1 -- ping -n -I {src} -i 0.1 -c 90 {dst}
lasting-web-60     h1       100.0 held {traffic} web {src} {dst} --seconds {s} --rate 15 --burst 4 --size 1000
lasting-web-100    h2       100.0 held {traffic} web {src} {dst} --seconds {s} --rate 100 --size 5000
lasting-hey        h2       100.0 held hey -z {i}s -c 5 -q 10 -disable-keepalive http://{peer}/1000
lasting-ab         h1       100.0 held {traffic} repeat --seconds {s} --rate 1 -- ab -q -B {src} -n 200 -c 10 http://{dst}/1000
lasting-keep       h2       100.0 held {traffic} web {src} {dst} --seconds {s} --rate 15 --keep
lasting-dns        h1       100.0 held {traffic} dns {src} {dst} --seconds {s} --rate 200
lasting-call       h2       100.0 held {traffic} media {src} {dst} --seconds {s} --rate 50 --size 160
lasting-call-500   h1       100.0 held {traffic} media {src} {dst} --seconds {s} --rate 500 --size 1000
lasting-stream     h2       100.0 held iperf3 -u -B {src} -c {dst} -t {s} -b 20M -l 1200
lasting-download   h1       100.0 held curl -sS -o /dev/null --limit-rate 500k --interface {src} http://{dst}/60000000
lasting-ssh        h2       100.0 held {traffic} human --seconds {s} --rate 5 -- ssh {keyed} -tt -b {src} clerk@{dst}
lasting-ansible    h1       100.0 held {traffic} repeat --seconds {s} --rate 1.5 -- ssh {keyed} -b {src} clerk@{dst} id
lasting-ftp        h2       100.0 held {traffic} repeat --seconds {s} --rate 0.3 -- curl -sS --interface {src} -u clerk:lantern ftp://{dst}/pub/file[1-15] -o /dev/null
lasting-mail       h1       100.0 held {traffic} mail {src} {dst} --seconds {s} --rate 10
lasting-mailbox    h2       100.0 held {traffic} repeat --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern pop3://{dst}/
lasting-database   h2       100.0 held env PGPASSWORD=lantern {pgbench} -n -C -f {lists}/query.sql -h {peer} -U postgres -c 2 -R 15 -T {i} postgres
lasting-redis      h1       100.0 held {traffic} repeat --seconds {s} --rate 1 -- redis-benchmark -h {peer} -q -k 0 -c 10 -n 80 -t get
lasting-monitor    h1       100.0 held {traffic} monitor {src} 10.83.4.2,10.83.4.4,10.83.4.6 --seconds {s} --rate 0.4 --pause 0.01
";

/// Goes on while the attacks come: a victim still has friends.
pub(in crate::record) const BACKGROUND: &str = "
meanwhile-ping     h1       all  ping -n -I {src} -i 0.1 -w {i} {dst}
meanwhile-ping-back h2       all  ping -n -I {src} -i 0.2 -w {i} {dst}
meanwhile-web      h2       all  {traffic} web {src} {dst} --seconds {s} --rate 2
meanwhile-keep     h1       all  {traffic} web {src} {dst} --seconds {s} --rate 3 --keep
meanwhile-dns      h2       all  {traffic} dns {src} {dst} --seconds {s} --rate 4
meanwhile-ssh      h1       all  {traffic} human --seconds {s} --rate 2 -- ssh {keyed} -tt -b {src} clerk@{dst}
meanwhile-ansible  h2       all  {traffic} repeat --any-code --seconds {s} --rate 0.3 -- ssh {keyed} -b {src} clerk@{dst} id
meanwhile-ftp      h1       all  {traffic} repeat --any-code --seconds {s} --rate 0.1 -- curl -sS --interface {src} -u clerk:lantern ftp://{dst}/pub/file[1-6] -o /dev/null
meanwhile-call     h2       all  {traffic} media {src} {dst} --seconds {s} --rate 20 --size 160
meanwhile-noise    h1       all  {traffic} noise {src} {dev} --seconds {s} --rate 0.5
meanwhile-down     h2       all  {traffic} retry {src} {quiet}.7 --seconds {s} --rate 0.2 --patience 2
meanwhile-monitor  h1       all  {traffic} monitor {src} 10.83.4.1 --count 6 --ports 22,80,443 --seconds {s} --rate 0.1 --pause 0.1
";
