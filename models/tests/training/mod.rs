//! A small training file.

use std::fmt::Write as _;

/// A KDD file of web traffic, floods, scans and a few intrusions.
pub(crate) fn kdd_text() -> String {
    let mut text = String::new();
    for i in 0..120 {
        let (head, rates, label) = match i % 4 {
            0 => (
                format!("tcp,http,SF,{},{}", 150 + i, 1000 + 7 * i),
                "0.00,0.00",
                "normal.",
            ),
            1 => ("tcp,private,S0,0,0".to_owned(), "1.00,1.00", "neptune."),
            2 => (
                format!("icmp,eco_i,SF,{},0", 8 + i % 3),
                "0.00,0.00",
                ["ipsweep.", "nmap."][i / 4 % 2],
            ),
            _ => (
                format!("tcp,ftp_data,SF,{},{}", 300 + i, i % 5),
                "0.00,0.00",
                ["warezclient.", "phf."][i / 4 % 2],
            ),
        };
        let count = 1 + i % 17;
        writeln!(
            text,
            "{},{head},0,0,0,{},0,1,0,0,0,0,0,0,0,0,0,0,{count},{count},{rates},0.00,0.00,1.00,0.00,0.00,{count},{count},1.00,0.00,0.11,0.00,{rates},0.00,0.00,{label}",
            i % 3,
            i % 2
        )
        .unwrap();
    }
    text
}
