//! Who may ask what: reads are open on loopback, everything else needs the token.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use super::{Api, problem::refusal};

/// The client's end of the connection; the accept loop puts it into every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

pub(super) async fn require(State(api): State<Api>, request: Request, next: Next) -> Response {
    match check(&api, &request) {
        Ok(()) => next.run(request).await,
        Err(detail) => refusal(request.uri().path(), StatusCode::UNAUTHORIZED, detail),
    }
}

fn check(api: &Api, request: &Request) -> Result<(), &'static str> {
    let path = request.uri().path();
    // A balancer must be able to ask whether the process lives.
    if path == "/healthz" {
        return Ok(());
    }
    let given = bearer(request.headers());
    if let (Some(token), Some(given)) = (api.token(), given)
        && token.matches(given)
    {
        return Ok(());
    }
    let refused = |missing| match given {
        Some(_) => Err("wrong token; the right one is in the agent's token file"),
        None => Err(missing),
    };
    let read = matches!(*request.method(), Method::GET | Method::HEAD) || path == "/predict";
    if !read {
        return refused(
            "a change needs Authorization: Bearer with the token from the agent's token file",
        );
    }
    let loopback = request
        .extensions()
        .get::<Peer>()
        .is_some_and(|Peer(peer)| peer.ip().to_canonical().is_loopback());
    if !loopback {
        return refused(
            "a request from another machine needs Authorization: Bearer with the token from the agent's token file",
        );
    }
    // A web page may point a name of its own at 127.0.0.1 and so read with its visitor's rights (DNS rebinding).
    // It can't make the browser send an address instead.
    if !is_local_name(request.uri(), request.headers()) {
        return refused("ask for 127.0.0.1 or localhost by that name, or send the token");
    }
    Ok(())
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

fn is_local_name(uri: &Uri, headers: &HeaderMap) -> bool {
    let authority = match (uri.authority(), headers.get(header::HOST)) {
        (Some(authority), _) => authority.clone(),
        (None, None) => return true,
        (None, Some(host)) => match Authority::try_from(host.as_bytes()) {
            Ok(authority) => authority,
            Err(_) => return false,
        },
    };
    let host = authority.host();
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;
    use crate::{api::Models, token::Token};

    #[test]
    fn only_addresses_and_localhost_are_local_names() {
        for (host, local) in [
            ("127.0.0.1:8080", true),
            ("localhost", true),
            ("LOCALHOST:1", true),
            ("[::1]:8080", true),
            ("192.0.2.1", true),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            assert_eq!(
                is_local_name(&Uri::from_static("/"), &headers),
                local,
                "{host}"
            );
        }
        assert!(is_local_name(&Uri::from_static("/"), &HeaderMap::new()));
    }

    #[test]
    fn other_machines_need_the_token_for_everything_but_healthz() {
        let token = Token::parse(&"t".repeat(40)).unwrap();
        let api = Api::predict_only(Models::for_predict(None).unwrap(), Some(token.clone()));
        let allowed = |peer: &str, method: &str, path: &str, token: Option<&str>| {
            let mut request = Request::builder().method(method).uri(path);
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            let mut request = request.body(axum::body::Body::empty()).unwrap();
            request.extensions_mut().insert(Peer(peer.parse().unwrap()));
            check(&api, &request).is_ok()
        };
        let right = token.authorization();
        let wrong = format!("Bearer {}", "u".repeat(40));
        for (peer, local) in [
            ("127.0.0.1:9", true),
            ("127.9.9.9:9", true),
            ("[::1]:9", true),
            ("[::ffff:127.0.0.1]:9", true),
            ("192.0.2.1:9", false),
            ("[::ffff:192.0.2.1]:9", false),
            ("[2001:db8::1]:9", false),
        ] {
            for (method, path, read) in [
                ("GET", "/v1/stats", true),
                ("POST", "/predict", true),
                ("POST", "/v1/decisions", false),
                ("PUT", "/v1/mode", false),
                ("DELETE", "/v1/decisions/1", false),
            ] {
                assert_eq!(
                    allowed(peer, method, path, None),
                    local && read,
                    "{peer} {path}"
                );
                assert_eq!(allowed(peer, method, path, Some(&wrong)), local && read);
                assert!(allowed(peer, method, path, Some(&right)), "{peer} {path}");
            }
            assert!(allowed(peer, "GET", "/healthz", None));
        }
    }

    #[test]
    fn bearer_tokens_are_found() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            bearer(&headers).map(<[u8]>::to_vec)
        };
        assert_eq!(of("Bearer abc"), Some(b"abc".to_vec()));
        assert_eq!(of("bearer  abc "), Some(b"abc".to_vec()));
        assert_eq!(of("Basic abc"), None);
        assert_eq!(of("Bear"), None);
    }
}
