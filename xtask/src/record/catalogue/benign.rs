//! What must never be taken for an attack.

pub(in crate::record) const BENIGN: &str = "
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
pub(in crate::record) const BACKGROUND: &str = "
meanwhile-ping     h1       all  ping -n -I {src} -i 0.1 -c {n@10} {dst}
meanwhile-ping-back h2       all  ping -n -I {src} -i 0.2 -c {n@5} {dst}
meanwhile-web      h2       all  {traffic} web {src} {dst} --seconds {s} --rate 2
meanwhile-dns      h2       all  {traffic} dns {src} {dst} --seconds {s} --rate 4
meanwhile-ssh      h1       all  {traffic} chat {src} {dst} --seconds {s} --rate 2
";
