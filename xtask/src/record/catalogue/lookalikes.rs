//! Benign traffic that looks like an attack from afar: clients of servers that are down or
//! filtered, monitoring of many hosts, browsers, mistyped passwords, answers in fragments, crowds.

pub(in crate::record) const LOOKALIKES: &str = "
down-curl          h1       7.0  {traffic} repeat --any-code --seconds {s} --rate 2 -- curl -sS -o /dev/null --connect-timeout 1 --interface {src} http://{quiet}.7/
down-ssh           h2       7.0  {traffic} repeat --any-code --seconds {s} --rate 0.7 -- ssh {keyed} -o ConnectTimeout=1 -b {src} clerk@{quiet}.8 true

down-many          h2       6.0  {traffic} repeat --any-code --seconds {s} --rate 0.5 -- curl -sS -o /dev/null --connect-timeout 1.5 -Z --parallel-max 6 --interface {src} http://{quiet}.[1-6]/

down-pool          h1       6.0  {traffic} repeat --any-code --seconds {s} --rate 0.7 -- curl -sS -o /dev/null --connect-timeout 1 -Z --parallel-immediate --parallel-max 10 --interface {src} http://{quiet}.9/?[1-10]

down-filtered      h2       7.0  {traffic} repeat --any-code --seconds {s} --rate 1 -- curl -sS -o /dev/null --connect-timeout 2 --interface {src} http://{filtered}:8080/
                            +    {traffic} repeat --any-code --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} http://{filtered}/1000
down-retry-20      h1       6.0  {traffic} retry {src} {dst} --seconds {s} --rate 20 --port 5433

down-retry-quiet   h2       7.0  {traffic} retry {src} {quiet}.4 --seconds {s} --rate 3 --patience 0.3
down-wget          h1       7.0  held ~wget -q -O /dev/null --tries=4 --timeout=1 --bind-address={src} http://{quiet}.7/
down-nc            h2       7.0  held {traffic} repeat --any-code --seconds {s} --rate 2 -- nc -z -w 1 -s {src} {quiet}.7 25

resolver-silent    h1       6.0  ~{traffic} dns {src} {quiet}.53 --seconds {s} --rate 10 --patience 0.08
resolver-dig       h2       6.0  {traffic} repeat --any-code --seconds {s} --rate 1 -- dig -b {src} @{quiet}.53 +time=1 +tries=2 www.lab
resolver-busy      h1       6.0  ~{traffic} dns {src} {quiet}.53 --seconds {s} --rate 60 --patience 0.01
resolver-busy-30   h2       7.0  ~{traffic} dns {src} {quiet}.53 --seconds {s} --rate 30 --patience 0.02
resolver-busy-120  h1       5.0  ~{traffic} dns {src} {quiet}.53 --seconds {s} --rate 120 --patience 0.005

resolver-dnsperf   h2       6.0  held ~dnsperf -s {quiet}.53 -a {src} -Q 40 -t 1 -l {i} -d {lists}/names

call-nobody        h1       5.0  ~{traffic} media {src} {quiet}.4 --seconds {s} --rate 50 --size 160
ping-nobody        h2       7.0  ~ping -n -I {src} -i 0.5 -w {i} {quiet}.7

monitor-30-hosts   h2       9.0  {traffic} monitor {src} 10.83.4.2 --count 30 --ports 22,80,443 --seconds {s} --rate 0.2 --pause 0.02

monitor-20-hosts   h1       9.0  {traffic} monitor {src} 10.83.4.1 --count 20 --ports 22,5432 --seconds {s} --rate 0.2 --pause 0.08
monitor-partly     h2       9.0  {traffic} monitor {src} 10.83.4.2,10.83.4.4,{quiet}.1,10.83.4.6,{quiet}.2 --ports 22,80,8080 --seconds {s} --rate 0.5 --pause 0.05 --patience 0.4

monitor-web        h1       8.0  {traffic} monitor {src} 10.83.4.1 --count 30 --ports 80 --seconds {s} --rate 0.5 --pause 0.01

monitor-curl       h2       8.0  {traffic} repeat --seconds {s} --rate 0.4 -- curl -sS -o /dev/null --interface {src} http://10.83.4.[2-60:2]/

monitor-ping       h1       8.0  ping -n -I {src} -i 1 -w {i} 10.83.4.1
                            +    ping -n -I {src} -i 1 -w {i} 10.83.4.3
                            +    ping -n -I {src} -i 1 -w {i} 10.83.4.5
                            +    ping -n -I {src} -i 1 -w {i} 10.83.4.7
                            +    ping -n -I {src} -i 1 -w {i} 10.83.4.9
                            +    ping -n -I {src} -i 1 -w {i} 10.83.4.11
                            +    ping -n -I {src} -i 1 -w {i} 10.83.4.13
                            +    ping -n -I {src} -i 1 -w {i} 10.83.4.15
monitor-fping      h2       8.0  held {traffic} repeat --any-code --seconds {s} --rate 0.3 -- fping -q -S {src} -r 1 -i 100 -g 10.83.4.2 10.83.4.20

ssh-mistyped-3     h2       6.0  {traffic} repeat --any-code --seconds {s} --rate 0.4 -- sshpass -p lantren ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 -b {src} clerk@{dst} true
                            +    sshpass -p lantern ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no -b {src} clerk@{dst} sleep 4
ftp-mistyped       h1       6.0  {traffic} repeat --any-code --seconds {s} --rate 0.4 -- curl -sS -o /dev/null --interface {src} -u clerk:lantren ftp://{dst}/
                            +    curl -sS --interface {src} -u clerk:lantern ftp://{dst}/pub/file[1-9] -o /dev/null

http-mistyped      h2       6.0  {traffic} repeat --seconds {s} --rate 0.4 -- curl -sS -o /dev/null --interface {src} -u clerk:lantren http://{dst}/private/
                            +    {traffic} repeat --seconds {s} --rate 2 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern http://{dst}/private/
ftp-mistyped-lftp  h1       6.0  held ~lftp --norc -c set␣net:socket-bind-ipv4␣{src};set␣dns:order␣inet;set␣net:max-retries␣2;open␣ftp://clerk:lantren@{dst};ls
                            +    ~lftp --norc -c set␣net:socket-bind-ipv4␣{src};set␣dns:order␣inet;open␣ftp://clerk:lantern@{dst};mirror␣--overwrite␣pub␣{scratch}/pub

browse-4-hosts     h2       6.0  {traffic} repeat --seconds {s} --rate 0.6 -- curl -sS --interface {src} -Z --parallel-immediate --parallel-max 24 http://10.83.4.2/20000?[1-6] http://10.83.4.4/5000?[1-6] http://10.83.4.6/100000?[1-6] http://10.83.4.8/1000?[1-6]

browse-10-hosts    h1       6.0  {traffic} repeat --seconds {s} --rate 0.5 -- curl -sS -o /dev/null --interface {src} -Z --parallel-immediate --parallel-max 60 http://10.83.4.[1-19:2]/20000?[1-6]

browse-https       h2       6.0  {traffic} repeat --seconds {s} --rate 0.7 -- curl -sS -k -o /dev/null --interface {src} -Z --parallel-immediate --parallel-max 18 https://10.83.4.[2-6:2]/5000?[1-6]

browse-slowly      h1       7.0  {traffic} web {src} 10.83.4.1 --seconds {s} --rate 0.5 --burst 6
                            +    {traffic} web {src} 10.83.4.3 --seconds {s} --rate 0.4 --burst 6 --size 20000
                            +    {traffic} web {src} 10.83.4.5 --seconds {s} --rate 0.3 --burst 4 --size 1000
                            +    {traffic} dns {src} {dst} --seconds {s} --rate 2

browse-wget        h2       6.0  held {traffic} repeat --seconds {s} --rate 0.6 -- wget -q -O /dev/null --bind-address={src} http://10.83.4.2/5000 http://10.83.4.4/20000 http://10.83.4.6/1000 http://10.83.4.8/5000
                            +    {traffic} repeat --seconds {s} --rate 0.6 -- wget -q -O /dev/null --bind-address={src} http://10.83.4.10/5000 http://10.83.4.12/20000 http://10.83.4.14/1000

web-200-on-3       h1       5.0  {traffic} web {src} 10.83.4.1 --seconds {s} --rate 70 --size 1000
                            +    {traffic} web {src} 10.83.4.3 --seconds {s} --rate 70
                            +    {traffic} web {src} 10.83.4.5 --seconds {s} --rate 60 --size 20000

curl-100           h2       5.0  curl -sS -o /dev/null --interface {src} --rate 100/s -H Connection:close http://{dst}/1000?[1-400]

ab-segments        h1       5.0  ab -q -B {src} -t {i} -n 100000 -c 20 http://{dst}/video/500000

wrk-segments       h2       5.0  held wrk -t 1 -c 20 -d {i}s -H Connection:␣close http://{peer}/video/500000

httperf-170        h2       5.0  httperf --hog --server {peer} --uri /20000 --rate 170 --num-conns {n@170}

dns-fragments      h2       6.0  {traffic} repeat --seconds {s} --rate 8 -- dig -b {src} @{dst} +bufsize=4096 +ignore large.lab TXT
dns6-fragments     h1       6.0  {traffic} repeat --seconds {s} --rate 4 -- dig -b {src6} @{dst6} +bufsize=4096 +ignore large.lab TXT

dns-fragments-30   h1       5.0  {traffic} dns {src} {dst} --seconds {s} --rate 30 --large
                            +    {traffic} dns {src} {dst} --seconds {s} --rate 20

dns-fragments-perf h2       5.0  held dnsperf -s {dst} -a {src} -Q 40 -e -b 4096 -l {i} -d {lists}/large-names

backup-ssh         h1       6.0  {traffic} repeat --seconds {s} --rate 0.5 -- ssh {keyed} -b {src} clerk@{dst} cat large
backup-rsync       h2       6.0  {traffic} repeat --seconds {s} --rate 0.4 -- rsync -a --ignore-times --address={src} rsync://{dst}/pub/large {scratch}/large

backup-ftp         h1       6.0  {traffic} repeat --seconds {s} --rate 2 -- curl -sS --interface {src} -T {lists}/names -u clerk:lantern ftp://{dst}/names

crowd-web-40       h2       8.0  {traffic} web {crowd} {dst} --clients 40 --seconds {s} --rate 40 --size 2000

crowd-web-150      h1       8.0  {traffic} web {crowd} {dst} --clients 120 --seconds {s} --rate 150 --size 1000

crowd-web-400      h2       8.0  {traffic} web {crowd} {dst} --seconds {s} --rate 200 --size 1000
                            +    {traffic} web {crowd} {dst} --seconds {s} --rate 200 --size 20000
crowd-web-800      h1       6.0  {traffic} web {crowd} {dst} --seconds {s} --rate 270 --size 500
                            +    {traffic} web {crowd} {dst} --seconds {s} --rate 270 --size 2000
                            +    {traffic} web {crowd} {dst} --seconds {s} --rate 270 --size 1000
crowd-web-250      h1       8.0  held {traffic} web {crowd} {dst} --clients 180 --seconds {s} --rate 250 --size 3000

crowd-web-bursts   h2       8.0  {traffic} web {crowd} {dst} --clients 60 --seconds {s} --rate 6 --burst 16 --size 5000

crowd-web-3-hosts  h1       8.0  {traffic} web {crowd} 10.83.4.1 --clients 100 --seconds {s} --rate 120 --size 1000
                            +    {traffic} web {crowd} 10.83.4.3 --clients 100 --seconds {s} --rate 120 --size 1000
                            +    {traffic} web {crowd} 10.83.4.5 --clients 100 --seconds {s} --rate 120 --size 1000

crowd-proxies      h2      10.0  {traffic} web {crowd} {dst} --clients 8 --seconds {s} --rate 160 --size 3000

crowd-town-a       h1       6.0  {traffic} web {crowd} {dst} --seconds {s} --rate 70 --size 1000
crowd-town-b       h1       6.0  {traffic} web {crowd} {dst} --seconds {s} --rate 80 --size 5000
crowd-town-c       h1       6.0  {traffic} web {crowd} {dst} --clients 200 --seconds {s} --rate 60 --size 20000

crowd-dns-100      h1       8.0  {traffic} dns {crowd} {dst} --clients 100 --seconds {s} --rate 100

crowd-dns-400      h2       8.0  {traffic} dns {crowd} {dst} --seconds {s} --rate 200
                            +    {traffic} dns {crowd} {dst} --seconds {s} --rate 200
crowd-dns-200      h1       8.0  held {traffic} dns {crowd} {dst} --clients 150 --seconds {s} --rate 200

crowd-ntp-60       h1       8.0  {traffic} ntp {crowd} {dst} --seconds {s} --rate 60

crowd-mail-10      h2       8.0  {traffic} mail {crowd} {dst} --clients 80 --seconds {s} --rate 10

crowd-office-30    h1       8.0  {traffic} dns {crowd} {dst} --clients 30 --seconds {s} --rate 15 --large
                            +    {traffic} ntp {crowd} {dst} --clients 30 --seconds {s} --rate 5
                            +    {traffic} web {crowd} {dst} --clients 30 --seconds {s} --rate 30 --size 50000

web-bursts-25      h1       6.0  {traffic} web {src} {dst} --seconds {s} --rate 3 --burst 8 --size 20000
trace-paced        h2       7.0  {traffic} repeat --seconds {s} --rate 0.6 -- traceroute -n -q 1 -N 1 -z 0.2 -s {src} {dst}

web-bursts-60      h2       5.0  {traffic} web {src} {dst} --seconds {s} --rate 15 --burst 4 --size 1000
trace-paced-lost   h1       7.0  {traffic} repeat --seconds {s} --rate 0.3 -- traceroute -n -q 2 -N 1 -m 6 -w 0.5 -z 0.1 -s {src} 10.83.7.7

web-bursts-100     h1       5.0  {traffic} web {src} {dst} --seconds {s} --rate 8 --burst 12

curl-six           h2       6.0  {traffic} repeat --seconds {s} --rate 3 -- curl -sS -o /dev/null --interface {src} http://{dst}/1000?[1-6]
curl-ten-polls     h1       7.0  {traffic} repeat --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} --rate 20/s http://{dst}/100?[1-10]

ab-large-5         h1       5.0  ab -q -B {src} -t {i} -n 100000 -c 5 http://{dst}/1000000

curl-segments      h1       5.0  {traffic} repeat --seconds {s} --rate 2 -- curl -sS -o /dev/null --interface {src} -H Connection:close -Z --parallel-immediate --parallel-max 40 http://{dst}/video/500000?[1-200]

monitor-web-12     h2       8.0  {traffic} monitor {src} 10.83.4.2 --count 12 --ports 80 --seconds {s} --rate 1 --pause 0.04
ftp-mistyped-wget  h1       7.0  {traffic} repeat --any-code --seconds {s} --rate 0.5 -- wget -q -O /dev/null --tries=1 --bind-address={src} ftp://clerk:lantren@{dst}/pub/file1
                            +    wget -q -O /dev/null --bind-address={src} ftp://clerk:lantern@{dst}/pub/file1 ftp://clerk:lantern@{dst}/pub/file2

stray-dns-4        h2       8.0  trafgen --dev {dev} -P 1 -n {n@4} -t 250000us {eth(da={dmac}),ipv4(sa={src},da={dst}),udp(sp=53,dp=drnd(32768,60999)),drnd(120)}
stray-ntp          h2       8.0  trafgen --dev {dev} -P 1 -n {n@1} -t 1000000us {eth(da={dmac}),ipv4(sa={src},da={dst}),udp(sp=123,dp=drnd(32768,60999)),drnd(48)}

web-100-large      h1       7.0  {traffic} web {src} {dst} --seconds {s} --rate 0.6 --burst 100 --size 100000

web-200-large      h2       7.0  {traffic} web {src} {dst} --seconds {s} --rate 0.4 --burst 200 --size 1000000

monitor-web-50     h1       8.0  {traffic} monitor {src} 10.83.4.1 --count 25 --ports 80,443 --seconds {s} --rate 0.4 --pause 0.005
poll-one           h2       9.0  {traffic} repeat --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} http://{dst}/100
poll-unchanged     h1       9.0  {traffic} repeat --seconds {s} --rate 3 -- curl -sS -o /dev/null -z 20350101 --interface {src} http://{dst}/5000
poll-with-password h2       9.0  {traffic} repeat --seconds {s} --rate 2 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern http://{dst}/private/
redis-script-5     h1       9.0  {traffic} redis {src} {dst} --seconds {s} --rate 5 --size 200
events-2           h1       9.0  {traffic} events {src} {dst} --seconds {s} --rate 2 --size 400
poll-missing       h2       9.0  {traffic} repeat --seconds {s} --rate 2 -- curl -sS -o /dev/null --interface {src} http://{dst}/no/such/page
poll-two           h2       8.0  held {traffic} repeat --seconds {s} --rate 2 -- wget -q -O /dev/null --bind-address={src} http://{dst}/1000
redis-script-40    h1       8.0  {traffic} redis {src} {dst} --seconds {s} --rate 40 --size 60
redis-script-15    h1       8.0  held {traffic} redis {src} {dst} --seconds {s} --rate 15 --size 1000
events-15          h2       8.0  {traffic} events {src} {dst} --seconds {s} --rate 15 --size 90
mailbox            h1       9.0  {traffic} repeat --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern pop3://{dst}/
mailbox-6          h2       9.0  {traffic} repeat --seconds {s} --rate 6 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern pop3://{dst}/1
mailbox-mistyped   h1       9.0  {traffic} repeat --any-code --seconds {s} --rate 0.3 -- curl -sS -o /dev/null --interface {src} -u clerk:lantren pop3://{dst}/
                            +    {traffic} repeat --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} -u clerk:lantern pop3://{dst}/
monitor-pings-12   h1       8.0  {traffic} pings {src} 10.83.4.1 --count 12 --size 56 --seconds {s} --rate 0.5
monitor-pings-24   h2       9.0  {traffic} pings {src} 10.83.4.2 --count 24 --size 56 --pause 0.03 --seconds {s} --rate 0.3
monitor-pings-five h1       9.0  {traffic} pings {src} 10.83.4.3 --count 10 --burst 5 --size 48 --pause 0.05 --seconds {s} --rate 0.3

ask-1              h1       45.0 {traffic} repeat --words {words} --seconds {s} --rate 1 -- curl -sS -o /dev/null --interface {src} http://{dst}/1000?name=WORD
ask-2              h2       45.0 {traffic} repeat --words {words} --seconds {s} --random --rate 2 -- curl -sS -o /dev/null --interface {src} -b session=0123456789abcdef0123456789abcdef0123456789abcdef http://{dst}/5000?name=WORD
ask-4              h1       45.0 {traffic} repeat --words {words} --seconds {s} --random --rate 4 -- curl -sS -o /dev/null --interface {src} -A Mozilla/5.0␣(X11;␣Linux␣x86_64;␣rv:128.0)␣Gecko/20100101␣Firefox/128.0 http://{dst}/100?WORD
ask-missing        h2       45.0 {traffic} repeat --words {words} --seconds {s} --random --rate 2 -- curl -sS -o /dev/null --interface {src} http://{dst}/no/such/WORD
ask-wget           h1       45.0 held {traffic} repeat --words {words} --seconds {s} --random --rate 3 -- wget -q -O /dev/null --bind-address={src} http://{dst}/1000?word=WORD
tell-05            h2       45.0 {traffic} events {src} {dst} --seconds {s} --rate 0.5 --size 60 --cookie 200
tell-2             h1       45.0 {traffic} events {src} {dst} --seconds {s} --random --rate 2 --size 60 --cookie 90
tell-3             h1       45.0 {traffic} events {src} {dst} --seconds {s} --rate 3 --size 60
tell-5             h2       45.0 {traffic} events {src} {dst} --seconds {s} --random --rate 5 --size 90 --cookie 400
tell-8             h2       45.0 {traffic} events {src} {dst} --seconds {s} --rate 8 --size 120
tell-20            h1       45.0 held {traffic} events {src} {dst} --seconds {s} --rate 20 --size 200 --cookie 150
web-120-large      h1       7.0  {traffic} web {src} {dst} --seconds {s} --rate 0.5 --burst 120 --size 300000
curl-120-large     h1       6.0  {traffic} repeat --seconds {s} --rate 0.4 -- curl -sS --interface {src} -Z --parallel-immediate --parallel-max 120 http://{dst}/200000?[1-240] -o /dev/null
web-250-large      h2       7.0  {traffic} web {src} {dst} --seconds {s} --rate 0.4 --burst 250 --size 400000
web-unused-3       h2       7.0  {traffic} web {src} {dst} --seconds {s} --rate 1.5 --burst 4 --unused 2 --size 20000
web-unused-keep    h1       7.0  {traffic} web {src} {dst} --seconds {s} --rate 4 --keep --unused 1
web-unused-40      h2       6.0  {traffic} web {src} {dst} --seconds {s} --rate 0.7 --burst 40 --unused 1 --size 20000
web-unused-90      h1       6.0  {traffic} web {src} {dst} --seconds {s} --rate 0.4 --burst 90 --unused 3 --size 5000

crowd-web-1100     h2       6.0  {traffic} web {crowd} {dst} --seconds {s} --rate 280 --size 500
                            +    {traffic} web {crowd} {dst} --seconds {s} --rate 280 --size 1000
                            +    {traffic} web {crowd} {dst} --seconds {s} --rate 280 --size 3000
                            +    {traffic} web {crowd} {dst} --seconds {s} --rate 280 --size 2000
";
