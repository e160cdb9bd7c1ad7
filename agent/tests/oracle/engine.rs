//! Packets through the engine, connections out of it.

use std::{convert::Infallible, fs::File, path::Path, sync::Arc};

use tidegate::{
    config::Config,
    replay::{Ended, Replay},
    source::{
        capture::{Capture, CapturedPacket},
        link::LinkType,
    },
    track::Connection,
};
use tidegate_models::{Model, Schema};

const MAX_FLOWS: u32 = 100_000;

/// The connections of a capture, by their beginning.
pub(crate) fn replay_file(path: &Path) -> Vec<Connection> {
    let name = path.display();
    let file = File::open(path).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut capture = Capture::read(file, None).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut run = Run::new();
    while let Some(packet) = capture.next().unwrap_or_else(|e| panic!("{name}: {e}")) {
        run.packet(&packet);
    }
    run.finish()
}

/// The connections of Ethernet frames with their times in ns, by their beginning.
pub(crate) fn replay_frames(frames: &[(u64, Vec<u8>)]) -> Vec<Connection> {
    let mut run = Run::new();
    for (at_ns, bytes) in frames {
        run.packet(&CapturedPacket {
            at_ns: *at_ns,
            link: LinkType::Ethernet,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes,
            offset: 0,
        });
    }
    run.finish()
}

struct Run {
    replay: Replay,
    ended: Vec<Connection>,
}

impl Run {
    fn new() -> Self {
        let model = Arc::new(Model::shipped(Schema::Live).unwrap());
        Self {
            replay: Replay::new(model, &Config::default().policy, MAX_FLOWS),
            ended: Vec::new(),
        }
    }

    fn packet(&mut self, packet: &CapturedPacket<'_>) {
        let Ok(()) = self.replay.packet(packet, &mut keep(&mut self.ended));
    }

    fn finish(mut self) -> Vec<Connection> {
        let Ok(()) = self.replay.finish(&mut keep(&mut self.ended));
        self.ended.sort_by_key(|connection| connection.start_ns);
        self.ended
    }
}

fn keep(ended: &mut Vec<Connection>) -> impl FnMut(&Ended) -> Result<(), Infallible> {
    |connection| {
        ended.push(connection.connection);
        Ok(())
    }
}
