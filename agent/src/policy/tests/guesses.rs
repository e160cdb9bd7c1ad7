//! Guesses of passwords, each a connection, and logins that look like one for a moment.

use super::*;

fn server() -> SocketAddr {
    end(VICTIM, 22)
}

/// A login of a tenth of a second, like a guess until it has come to something; what is proposed meanwhile.
fn log_in(bench: &mut Bench, port: u16, like: Class) -> Option<Proposal> {
    let client = end(ATTACKER, port);
    let begun = bench.talk(client, server(), like);
    let going_on = (0..12).filter_map(|_| {
        let said = bench.send(8, &tcp(client, server(), ACK, 10), like);
        bench.send(0, &tcp(server(), client, ACK, 10), like);
        said
    });
    begun.or(going_on.last())
}

/// Ends a connection, from one side or the other; what is proposed then.
fn hang_up(bench: &mut Bench, port: u16, client_first: bool, class: Class) -> Option<Proposal> {
    let client = end(ATTACKER, port);
    let (first, second) = if client_first {
        (client, server())
    } else {
        (server(), client)
    };
    let closing = bench.send(5, &tcp(first, second, FIN | ACK, 0), class);
    let closed = bench.send(5, &tcp(second, first, FIN | ACK, 0), class);
    closing.or(closed)
}

/// Two short connections, whatever they were like on the way.
fn two_end_well(bench: &mut Bench, like: Class) {
    for port in 100..102 {
        bench.talk(end(ATTACKER, port), server(), like);
        assert_eq!(hang_up(bench, port, true, Class::Normal), None);
    }
}

#[test]
fn where_logins_came_to_nothing_bad_the_next_are_no_guesses() {
    let mut bench = Bench::new();
    two_end_well(&mut bench, Class::R2l);
    for port in 0..40 {
        assert_eq!(log_in(&mut bench, port, Class::R2l), None, "{port}");
        // Three more have begun before the first is over.
        if let Some(before) = port.checked_sub(3) {
            let over = hang_up(&mut bench, before, before.is_multiple_of(2), Class::Normal);
            assert_eq!(over, None, "{before}");
        }
    }
}

#[test]
fn three_guesses_make_a_narrow_verdict_whoever_hangs_up() {
    for client_first in [true, false] {
        let mut bench = Bench::new();
        let proposed: Vec<_> = (0..3)
            .map(|port| {
                bench.wait(SECOND);
                assert_eq!(log_in(&mut bench, port, Class::Normal), None);
                hang_up(&mut bench, port, client_first, Class::R2l)
            })
            .collect();
        assert_eq!(proposed[..2], [None, None]);
        let proposal = proposed[2].clone().unwrap();
        assert_eq!(proposal.target.scope, Scope::Tuple);
        assert_eq!(proposal.target.source, Some(ATTACKER.parse().unwrap()));
        assert_eq!(proposal.target.port, Some(22));
        assert_eq!(proposal.evidence.agreeing, 3);
    }
}

#[test]
fn many_guesses_at_once_are_found_before_the_first_of_them_ends() {
    let mut bench = Bench::new();
    // Clients that fetch files log in side by side, too.
    for port in 0..6 {
        assert_eq!(log_in(&mut bench, port, Class::R2l), None, "{port}");
    }
    let found = (6..10).find_map(|port| log_in(&mut bench, port, Class::R2l));
    assert_eq!(found.unwrap().target.scope, Scope::Tuple);
}

#[test]
fn few_guesses_are_found_once_two_came_to_the_same() {
    let mut bench = Bench::new();
    for port in 0..2 {
        assert_eq!(log_in(&mut bench, port, Class::R2l), None, "{port}");
        assert_eq!(hang_up(&mut bench, port, false, Class::R2l), None, "{port}");
    }
    let found = log_in(&mut bench, 2, Class::R2l);
    assert_eq!(found.unwrap().target.scope, Scope::Tuple);
}

#[test]
fn a_guess_at_each_of_many_hosts_is_found_before_any_ends() {
    let mut bench = Bench::new();
    let at = |bench: &mut Bench, host: u32| {
        let server = end(&format!("10.83.1.{host}"), 22);
        bench.wait(SECOND);
        bench.talk(end(ATTACKER, 1), server, Class::R2l)
    };
    assert_eq!(at(&mut bench, 0), None);
    let found = (1..12).find_map(|host| at(&mut bench, host));
    assert_eq!(found.unwrap().target.scope, Scope::SourceService);
}

#[test]
fn connections_before_the_first_accusation_have_ended_well() {
    // Two ended alike, so what is said of the next on their way would count, if the two had not ended well.
    let mut bench = Bench::new();
    two_end_well(&mut bench, Class::Normal);
    for port in 0..4 {
        assert_eq!(log_in(&mut bench, port, Class::R2l), None, "{port}");
    }
    // What they come to counts all the same.
    let blocked = (0..4).find(|port| hang_up(&mut bench, *port, true, Class::R2l).is_some());
    assert_eq!(blocked, Some(2));

    // Those that have not ended say nothing yet.
    let mut bench = Bench::new();
    for port in 100..104 {
        bench.talk(end(ATTACKER, port), server(), Class::Normal);
    }
    let found = (0..4).find_map(|port| log_in(&mut bench, port, Class::R2l));
    assert!(found.is_some());
}
