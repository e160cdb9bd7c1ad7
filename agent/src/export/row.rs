//! A connection with its columns as a line of CSV: what `--record` and `replay --features` write, and what the trainer
//! reads.

use std::{
    fmt::Display,
    io::{self, Write},
};

use tidegate_models::{Class, Features, Flag, LIVE_COLUMNS, Protocol, Service};

use crate::track::Connection;

/// The names of the columns.
pub(crate) fn write_header(out: &mut impl Write) -> io::Result<()> {
    let columns = LIVE_COLUMNS.join(",");
    writeln!(
        out,
        "time_s,iface,src,src_port,dst,dst_port,{columns},class,confidence"
    )
}

/// One line. `time_ns` is the packet clock's, `features` a row of the schema live.
pub(crate) fn write(
    out: &mut impl Write,
    time_ns: u64,
    interface: impl Display,
    connection: &Connection,
    features: &Features,
    class: Class,
    confidence: f32,
) -> io::Result<()> {
    write!(
        out,
        "{}.{:09},{interface},{},{},{},{}",
        time_ns / 1_000_000_000,
        time_ns % 1_000_000_000,
        connection.originator,
        connection.originator_port,
        connection.responder,
        connection.responder_port,
    )?;
    for (column, &value) in LIVE_COLUMNS.iter().zip(features.values()) {
        match name_of(column, value) {
            Some(name) => write!(out, ",{name}")?,
            None => write!(out, ",{value}")?,
        }
    }
    writeln!(out, ",{},{confidence:.3}", class.name())
}

/// The word for a code, in the three columns that have words.
fn name_of(column: &str, code: u32) -> Option<&'static str> {
    match column {
        "protocol_type" => {
            let protocol = Protocol::ALL.into_iter().find(|p| p.code() == code)?;
            Some(protocol.name())
        }
        "service" => Service::from_code(code).map(Service::name),
        "flag" => {
            let flag = Flag::ALL.into_iter().find(|flag| flag.code() == code)?;
            Some(flag.name())
        }
        _ => None,
    }
}
