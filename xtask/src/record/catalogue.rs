//! The recorder's traffic as tables: name, who, seconds, command; `+` adds a
//! command to the same scenario, an empty line ends a phase. All scenarios of a
//! phase run at the same time; an attack is always alone among attacks.

use super::scenarios::Place;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) from: Place,
    pub(super) seconds: f64,
    pub(super) commands: Vec<String>,
}

pub(super) const BENIGN: &str = "
ping-1             h1       9.0  ping -n -I {src} -c {n@1} {dst}
ping-5             h2       9.0  ping -n -I {src} -i 0.2 -c {n@5} {dst}

ping-10            h1       8.0  ping -n -I {src} -i 0.1 -c {n@10} {dst}

ping-20            h2       7.0  ping -n -I {src} -i 0.05 -c {n@20} {dst}

ping-50            h1       6.0  ping -n -I {src} -i 0.02 -c {n@50} {dst}

ping-100           h2       6.0  ping -n -I {src} -i 0.01 -c {n@100} {dst}

ping-125           h1       6.0  ping -n -I {src} -i 0.008 -c {n@125} {dst}

ping-preload       h2       6.0  ping -n -I {src} -l 3 -i 0.2 -c {n@5} {dst}

ping-sizes         h1       7.0  ping -n -I {src} -s 8 -i 0.25 -c {n@4} {dst}
                            +    ping -n -I {src} -s 300 -i 0.5 -c {n@2} {dst}
                            +    ping -n -I {src} -s 1000 -i 0.2 -c {n@5} {dst}
                            +    ping -n -I {src} -s 1400 -i 0.1 -c {n@10} {dst}

ping-empty-20      h1       5.0  ping -n -I {src} -s 0 -i 0.05 -c {n@20} {dst}

ping-empty-100     h2       5.0  ping -n -I {src} -s 0 -i 0.01 -c {n@100} {dst}

ping-small-50      h1       5.0  ping -n -I {src} -s 8 -i 0.02 -c {n@50} {dst}

ping-large-100     h2       5.0  ping -n -I {src} -s 1400 -i 0.01 -c {n@100} {dst}

ping-512-50        h1       5.0  ping -n -I {src} -s 512 -i 0.02 -c {n@50} {dst}

ping6-large-50     h2       5.0  ping -6 -n -I {src6} -s 1000 -i 0.02 -c {n@50} {dst6}

ping6-100          h1       5.0  ping -6 -n -I {src6} -i 0.01 -c {n@100} {dst6}

web-30             h2       5.0  {traffic} web {src} {dst} --seconds {s} --rate 30

web-60             h2       5.0  {traffic} web {src} {dst} --seconds {s} --rate 60

web-120            h2       5.0  {traffic} web {src} {dst} --seconds {s} --rate 120

web-200            h2       5.0  {traffic} web {src} {dst} --seconds {s} --rate 200

web-50-at-once     h2       5.0  {traffic} web {src} {dst} --seconds {s} --rate 2 --burst 50

web6-100           h2       5.0  {traffic} web {src6} {dst6} --seconds {s} --rate 100

dns-200            h1       5.0  {traffic} dns {src} {dst} --seconds {s} --rate 200

desk               h1       6.0  {traffic} web {src} {dst} --seconds {s} --rate 15
                            +    {traffic} dns {src} {dst} --seconds {s} --rate 10
                            +    ping -n -I {src} -i 0.1 -c {n@10} {dst}
                            +    {traffic} chat {src} {dst} --seconds {s} --rate 3

desk-busy          h2       6.0  {traffic} web {src} {dst} --seconds {s} --rate 80
                            +    {traffic} dns {src} {dst} --seconds {s} --rate 50
                            +    ping -n -I {src} -i 0.02 -c {n@50} {dst}
                            +    curl -s -o /dev/null --max-time {s} --interface {src} http://{dst}/20000000

ping6-2            h1       7.0  ping -6 -n -I {src6} -i 0.5 -c {n@2} {dst6}
ping6-20           h2       7.0  ping -6 -n -I {src6} -i 0.05 -c {n@20} {dst6}

ping-parallel      h1       7.0  ping -n -I {src} -i 0.1 -c {n@10} {dst}
                            +    ping -n -I {src} -i 0.1 -s 120 -c {n@10} {dst}
                            +    ping -n -I {src} -i 0.3 -s 800 -c {n@3} {dst}
ping-back          h2       7.0  ping -n -I {src} -i 0.1 -c {n@10} {dst}

web-single         h2       8.0  {traffic} web {src} {dst} --seconds {s} --rate 2
dns-5              h2       8.0  {traffic} dns {src} {dst} --seconds {s} --rate 5
ssh-idle           h1       8.0  {traffic} chat {src} {dst} --seconds {s} --rate 1.5

web-burst          h2       8.0  {traffic} web {src} {dst} --seconds {s} --rate 1 --burst 20
dns-burst          h1       8.0  {traffic} dns {src} {dst} --seconds {s} --rate 2 --burst 25

web-keep           h1       8.0  {traffic} web {src} {dst} --seconds {s} --rate 15 --keep
web6               h2       8.0  {traffic} web {src6} {dst6} --seconds {s} --rate 8 --size 20000

download           h2       5.0  curl -s -o /dev/null --max-time {s} --interface {src} http://{dst}/60000000
                            +    curl -s -o /dev/null --max-time {s} --interface {src} http://{dst}/1500000

curl-many          h2       5.0  curl -s --interface {src} -Z --parallel-max 10 http://{dst}/[1-40]000 -o /dev/null

tcp-bulk           h2       4.0  iperf3 -B {src} -c {dst} -t {s} -b 400M

tcp-max            h1       3.0  iperf3 -B {src} -c {dst} -t {s}

tcp-bulk-reverse   h2       4.0  iperf3 -B {src} -c {dst} -t {s} -R

tcp-streams        h1       4.0  iperf3 -B {src} -c {dst} -t {s} -P 6 -b 50M

bulk-8-streams     h2       3.0  iperf3 -B {src} -c {dst} -t {s} -P 8

bulk-4-reverse     h1       3.0  iperf3 -B {src} -c {dst} -t {s} -P 4 -R

bulk6              h2       3.0  iperf3 -6 -B {src6} -c {dst6} -t {s}

bulk-udp-1g        h1       3.0  iperf3 -u -B {src} -c {dst} -t {s} -b 1G

bulk-udp-streams   h2       3.0  iperf3 -u -B {src} -c {dst} -t {s} -b 20M -P 4

bulk-busy          h2       6.0  {traffic} web {src} {dst} --seconds {s} --rate 150
                            +    iperf3 -B {src} -c {dst} -t {s} -P 2

bulk-busy-reverse  h2       6.0  {traffic} web {src} {dst} --seconds {s} --rate 60 --burst 3
                            +    iperf3 -B {src} -c {dst} -t {s} -R

udp-1m             h2       5.0  iperf3 -u -B {src} -c {dst} -t {s} -b 1M

udp-20m            h1       5.0  iperf3 -u -B {src} -c {dst} -t {s} -b 20M -l 1200

udp-200m           h2       4.0  iperf3 -u -B {src} -c {dst} -t {s} -b 200M -l 1400

trace              h1       7.0  {traffic} trace {src} {dst} --seconds {s} --rate 0.7
mail               h2       7.0  {traffic} chat {src} {dst} --port 25 --seconds {s} --rate 8
dns-50             h2       7.0  {traffic} dns {src} {dst} --seconds {s} --rate 50

mix-ping           h1       12.0 ping -n -I {src} -i 0.1 -c {n@10} {dst}
mix-web            h2       12.0 {traffic} web {src} {dst} --seconds {s} --rate 6 --burst 3
mix-dns            h1       12.0 {traffic} dns {src} {dst} --seconds {s} --rate 12
mix-ssh            h2       12.0 {traffic} chat {src} {dst} --seconds {s} --rate 4
mix-bulk           h1       12.0 iperf3 -B {src} -c {dst} -t {s} -b 30M
";

/// Goes on while the attacks come: a victim still has friends.
pub(super) const BACKGROUND: &str = "
meanwhile-ping     h1       all  ping -n -I {src} -i 0.1 -c {n@10} {dst}
meanwhile-ping-back h2       all  ping -n -I {src} -i 0.2 -c {n@5} {dst}
meanwhile-web      h2       all  {traffic} web {src} {dst} --seconds {s} --rate 2
meanwhile-dns      h2       all  {traffic} dns {src} {dst} --seconds {s} --rate 4
meanwhile-ssh      h1       all  {traffic} chat {src} {dst} --seconds {s} --rate 2
";

pub(super) const FLOODS: &str = "
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

pub(super) const PROBES: &str = "
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

/// The table's phases. The tables are ours: a line that can't be read is a bug,
/// and a test finds it.
pub(super) fn read(table: &str) -> Vec<Vec<Entry>> {
    table
        .trim()
        .split("\n\n")
        .map(|phase| {
            let mut entries: Vec<Entry> = Vec::new();
            for line in phase.lines() {
                if let (Some(command), Some(last)) =
                    (line.trim_start().strip_prefix("+ "), entries.last_mut())
                {
                    last.commands.push(command.trim().to_owned());
                } else if let Some(entry) = entry(line) {
                    entries.push(entry);
                }
            }
            entries
        })
        .collect()
}

fn entry(line: &str) -> Option<Entry> {
    let (name, rest) = line.split_once(' ')?;
    let (who, rest) = rest.trim_start().split_once(' ')?;
    let (seconds, command) = rest.trim_start().split_once(' ')?;
    Some(Entry {
        name: name.to_owned(),
        from: match who {
            "h1" => Place::H1,
            "h2" => Place::H2,
            "attacker" => Place::Attacker,
            _ => return None,
        },
        seconds: match seconds {
            // As long as there are attacks.
            "all" => 0.0,
            number => number.parse().ok()?,
        },
        commands: vec![command.trim().to_owned()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_table_is_read() {
        for table in [BENIGN, BACKGROUND, FLOODS, PROBES] {
            let lines = table.lines().filter(|line| !line.trim().is_empty()).count();
            let read: usize = read(table)
                .iter()
                .flatten()
                .map(|entry| entry.commands.len())
                .sum();
            assert_eq!(lines, read);
        }
    }

    #[test]
    fn a_plus_adds_to_the_line_above() {
        let phases = read("a h1 2 x y\n         +  z\n\nb h2 1.5 w");
        assert_eq!(phases.len(), 2);
        assert_eq!(phases[0][0].commands, ["x y", "z"]);
        assert!((phases[1][0].seconds - 1.5).abs() < 1e-9);
    }
}
