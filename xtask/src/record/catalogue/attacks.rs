//! What must be found: floods (dos) and scans (probe).

pub(in crate::record) const FLOODS: &str = "
icmp-333           attacker 5.0  hping3 -q -I {dev} -a {src} -1 -i u3000 -c {n@333} {dst}
icmp-5000          attacker 4.0  hping3 -q -I {dev} -a {src} -1 -d 56 -i u200 -c {n@5000} {dst}
icmp-again         attacker 4.0  hping3 -q -I {dev} -a {src} -1 -d 120 -i u1000 -c {n@1000} {dst}
icmp-500           attacker 5.0  hping3 -q -I {dev} -a {src} -1 -i u2000 -c {n@500} {dst}
icmp-1000          attacker 5.0  hping3 -q -I {dev} -a {src} -1 -i u1000 -c {n@1000} {dst}
icmp-2000          attacker 4.0  hping3 -q -I {dev} -a {src} -1 -i u500 -c {n@2000} {dst}
icmp-large         attacker 4.0  hping3 -q -I {dev} -a {src} -1 -d 1000 -i u1000 -c {n@1000} {dst}
icmp-flood         attacker 2.5  hping3 -q -I {dev} -a {src} -1 --flood {dst}
ping-f             attacker 4.0  ping -q -n -f -I {src} {dst}
ping-f-large       attacker 3.0  ping -q -n -f -s 1200 -I {src} {dst}
ping6-f            attacker 3.0  ping -6 -q -n -f -I {src6} {dst6}
syn-1000           attacker 4.0  hping3 -q -I {dev} -a {src} -S -p 80 -i u1000 -c {n@1000} {dst}
syn-flood          attacker 2.5  hping3 -q -I {dev} -a {src} -S -p 80 --flood {dst}
syn-closed         attacker 3.0  hping3 -q -I {dev} -a {src} -S -p 81 -i u500 -c {n@2000} {dst}
udp-1000           attacker 4.0  hping3 -q -I {dev} -a {src} -2 -p 53 -d 60 -i u1000 -c {n@1000} {dst}
udp-flood          attacker 2.5  hping3 -q -I {dev} -a {src} -2 -p 9999 -d 100 --flood {dst}
";

pub(in crate::record) const PROBES: &str = "
scan-syn-fast-t3   attacker 6.0  nmap -n -Pn -sS -F -T3 {dst}
scan-syn-t4        attacker 6.0  nmap -n -Pn -sS -p 1-1000 -T4 {dst}
scan-syn-t5        attacker 6.0  nmap -n -Pn -sS -p 1-4000 -T5 {dst}
scan-syn-slow      attacker 7.0  nmap -n -Pn -sS -p 1-2000 --max-rate 30 {dst}
scan-connect-t3    attacker 6.0  nmap -n -Pn -sT -F -T3 {dst}
scan-connect-t4    attacker 6.0  nmap -n -Pn -sT -p 1-1500 -T4 {dst}
scan-fin           attacker 5.0  nmap -n -Pn -sF -F -T4 {dst}
scan-udp           attacker 6.0  nmap -n -Pn -sU -p 50-90 -T4 --max-retries 0 {dst}
scan-v6            attacker 6.0  nmap -6 -n -Pn -sS -F -T4 -S {src6} -e {dev} {dst6}
scan-wide          attacker 6.0  nmap -n -Pn -sS -p 22,80,443 -T4 10.83.4.1-60
sweep-t3           attacker 6.0  nmap -n -sn -PE --disable-arp-ping -T3 10.83.4.1-60
sweep-t5           attacker 6.0  nmap -n -sn -PE --disable-arp-ping -T5 10.83.4.1-60
sweep-slow         attacker 7.0  nmap -n -sn -PE --disable-arp-ping --max-rate 10 10.83.4.1-60
";
