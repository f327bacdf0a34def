//! What [`Live`] does with answers, and without them.

use crate::server::{Server, answer, read_chunks, read_head, write};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use packhorse_core::{HostErrorKind, Retry, Secret, port::ByteStream};
use packhorse_net::{
    Auth, Body, Credentials, Live, Options, Proxy, Reading, Redirects, Request, Transport,
    Unanswered,
};
use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Time-outs that a test can wait for.
pub(crate) fn short() -> Options {
    let soon = Duration::from_millis(150);
    let proxy = Proxy::Direct;
    Options { connect: soon, first_byte: soon, idle: soon, proxy, ..Options::default() }
}

/// Time-outs that no test reaches.
pub(crate) fn patient() -> Options {
    Options { proxy: Proxy::Direct, ..Options::default() }
}

fn live() -> Live {
    Live::new(&patient()).unwrap()
}

fn post(server: &Server, bytes: ByteStream, length: Option<u64>) -> Request {
    let request = Request::new(Method::POST, server.url("/upload"), "push");
    Request { body: Body::Stream { bytes, length }, ..request }.streamed()
}

/// Endless pieces of 64 KiB, with a count of what was taken of them.
fn endless() -> (ByteStream, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let bytes = stream::repeat_with(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Bytes::from_static(&[7; 64 << 10]))
    });
    (Box::pin(bytes), taken)
}

#[tokio::test]
async fn any_status_is_an_answer_and_says_who_we_are() {
    let server = Server::answering(|head| {
        assert!(head.contains("user-agent: packhorse/"), "{head}");
        answer("418 I'm a teapot", &["X-Kind: pot"], b"short and stout")
    })
    .await;

    let answer = live().send(Request::get(server.url("/"), "read")).await.unwrap();

    assert_eq!(answer.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(answer.header("x-kind"), Some("pot"));
    assert_eq!(answer.bytes(100).await.unwrap(), "short and stout");
}

#[tokio::test]
async fn a_stream_is_uploaded_in_chunks_or_with_its_length() {
    let chunked = Server::start(|mut stream| async move {
        let head = read_head(&mut stream).await;
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        let body = read_chunks(&mut stream).await;
        write(&mut stream, &answer("200 OK", &[], &body)).await;
    })
    .await;
    let pieces = ["PACK", "-", "ed"].map(|it| Ok(Bytes::from_static(it.as_bytes())));
    let sent = live().send(post(&chunked, Box::pin(stream::iter(pieces)), None)).await.unwrap();
    assert_eq!(sent.bytes(100).await.unwrap(), "PACK-ed");

    let counted = Server::start(|mut stream| async move {
        let head = read_head(&mut stream).await;
        assert!(head.contains("content-length: 4") && !head.contains("chunked"), "{head}");
        let mut body = [0; 4];
        stream.read_exact(&mut body).await.unwrap();
        write(&mut stream, &answer("200 OK", &[], &body)).await;
    })
    .await;
    let bytes: ByteStream = Box::pin(stream::iter(["PA", "CK"].map(|it| Ok(it.into()))));
    let sent = live().send(post(&counted, bytes, Some(4))).await.unwrap();
    assert_eq!(sent.bytes(100).await.unwrap(), "PACK");
}

#[tokio::test]
async fn a_stream_of_another_length_than_promised_is_an_error() {
    for length in [3, 5] {
        let server = Server::start(|mut stream| async move {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.ok();
        })
        .await;
        let bytes: ByteStream = Box::pin(stream::iter(["PA", "CK"].map(|it| Ok(it.into()))));

        let error = live().send(post(&server, bytes, Some(length))).await.unwrap_err();

        assert!(matches!(Unanswered::of(&error), Some(Unanswered::Upload(_))), "{error:?}");
    }
}

#[tokio::test]
async fn a_host_that_reads_nothing_is_sent_no_more_than_buffers_hold() {
    let server = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        // Holds the connection, and takes nothing from it.
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let (bytes, taken) = endless();

    let error = Live::new(&short()).unwrap().send(post(&server, bytes, None)).await.unwrap_err();

    assert!(matches!(Unanswered::of(&error), Some(Unanswered::UploadIdle(_))), "{error:?}");
    // Socket buffers of both ends; without back-pressure it would be thousands.
    let taken = taken.load(Ordering::SeqCst) * (64 << 10);
    assert!(taken < 32 << 20, "{taken} bytes were taken");
}

#[tokio::test]
async fn an_early_answer_is_read_while_the_body_is_being_sent() {
    let server = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        write(&mut stream, &answer("413 Content Too Large", &[], b"at most 1 GB")).await;
        // As servers do that care: reads on for a while, so that the answer is not lost.
        let mut rest = vec![0; 1 << 16];
        while stream.read(&mut rest).await.is_ok_and(|it| it > 0) {}
    })
    .await;
    let (bytes, taken) = endless();

    let answer = live().send(post(&server, bytes, None)).await.unwrap();

    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.bytes(100).await.unwrap(), "at most 1 GB");
    // The rest of the body is not wanted: its stream is let go of.
    let mut before = taken.load(Ordering::SeqCst);
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = taken.load(Ordering::SeqCst);
        if now == before {
            break;
        }
        before = now;
    }
}

#[tokio::test]
async fn an_early_answer_is_read_although_the_connection_is_reset_behind_it() {
    for _ in 0..50 {
        let server = Server::start(|mut stream| async move {
            read_head(&mut stream).await;
            stream.write_all(&answer("502 Bad Gateway", &[], b"sorry")).await.ok();
            // Closing with bytes unread resets the connection.
            stream.readable().await.ok();
        })
        .await;
        let (bytes, _) = endless();

        let answer = live().send(post(&server, bytes, None)).await.unwrap();

        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_not_the_hosts_fault() {
    let server = Server::start(|mut stream| async move {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.ok();
    })
    .await;
    let pieces = [Ok(Bytes::from_static(b"PA")), Err(io::Error::other("the disk is gone"))];

    let error = live().send(post(&server, Box::pin(stream::iter(pieces)), None)).await.unwrap_err();

    assert_eq!(error.retry, Retry::Never);
    let why = Unanswered::of(&error).unwrap();
    assert_eq!(why.to_string(), "what was to be sent could not be read: the disk is gone");
}

#[tokio::test]
async fn a_source_that_is_slow_does_not_time_the_host_out() {
    let server = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        let body = read_chunks(&mut stream).await;
        write(&mut stream, &answer("200 OK", &[], &body)).await;
    })
    .await;
    let bytes = stream::once(async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        Ok(Bytes::from_static(b"late"))
    });

    let options = Options { first_byte: Duration::from_secs(20), ..short() };
    let answer = Live::new(&options).unwrap().send(post(&server, Box::pin(bytes), None)).await;

    assert_eq!(answer.unwrap().bytes(100).await.unwrap(), "late");
}

#[tokio::test]
async fn silence_before_the_answer_times_out() {
    let server = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;

    let request = Request::get(server.url("/"), "read issues");
    let error = Live::new(&short()).unwrap().send(request).await.unwrap_err();

    assert_eq!(error.kind, HostErrorKind::Unavailable);
    assert_eq!(error.retry, Retry::After(None));
    let why = Unanswered::of(&error).unwrap();
    assert!(matches!(why, Unanswered::FirstByteTimeOut(_)), "{why:?}");
    assert!(why.may_have_arrived());
}

#[tokio::test]
async fn silence_within_the_answer_times_out() {
    let server = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        write(&mut stream, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let live = Live::new(&short()).unwrap();

    let streamed = live.send(Request::get(server.url("/"), "read").streamed()).await.unwrap();
    let pieces: Vec<_> = streamed.body.collect().await;
    assert_eq!(pieces[0].as_ref().unwrap(), "half");
    assert_eq!(pieces[1].as_ref().unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(pieces.len(), 2);

    let error = live.send(Request::get(server.url("/"), "read")).await.unwrap_err();
    assert!(matches!(Unanswered::of(&error), Some(Unanswered::BrokenOff(_))), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    let server = Server::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".into());
    let server = server.await;

    let error = live().send(Request::get(server.url("/"), "read")).await.unwrap_err();

    assert!(matches!(Unanswered::of(&error), Some(Unanswered::BrokenOff(_))), "{error:?}");
    assert_eq!(error.retry, Retry::After(None));
}

#[tokio::test]
async fn nobody_at_the_address_is_told_as_never_sent() {
    let server = Server::start(|_: TcpStream| async {}).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut url = server.url("/");
    url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    drop(listener);

    let error = live().send(Request::get(url, "read")).await.unwrap_err();

    let why = Unanswered::of(&error).unwrap();
    assert!(matches!(why, Unanswered::Connect(_)), "{why:?}");
    assert!(!why.may_have_arrived());
    assert_eq!(error.retry, Retry::After(None));
}

#[tokio::test]
async fn a_host_that_takes_no_connection_times_out() {
    // The queue of a listener that never accepts is full after its backlog.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let url = url::Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let live = Live::new(&short()).unwrap();

    // Those that the queue still takes are never answered.
    for _ in 0..100 {
        let error = live.send(Request::get(url.clone(), "read")).await.unwrap_err();
        match Unanswered::of(&error) {
            Some(Unanswered::FirstByteTimeOut(_)) => {}
            Some(Unanswered::ConnectTimeOut(_)) => return,
            why => panic!("{why:?}"),
        }
    }
    panic!("the queue never fills up");
}

/// A server that leads to another, which says what it was told.
async fn led_astray() -> (Server, Server) {
    let stranger = Server::answering(|head| answer("200 OK", &[], head.as_bytes())).await;
    let port = stranger.port();
    let home = Server::answering(move |head| {
        if head.starts_with("GET /here") {
            return answer("200 OK", &[], head.as_bytes());
        }
        let to = if head.starts_with("GET /own") {
            "Location: /here".to_owned()
        } else {
            format!("Location: http://127.0.0.1:{port}/there?signature=1")
        };
        answer("302 Found", &[&to], b"")
    })
    .await;
    (home, stranger)
}

#[tokio::test]
async fn credentials_and_personal_headers_stay_at_their_origin() {
    let (home, stranger) = led_astray().await;
    let token = Credentials::Bearer(Secret::new("s3cret"));
    let auth = Auth::new(live(), &home.url("/"), Some(&token)).unwrap();
    let get = |path| {
        Request::get(home.url(path), "read")
            .header(HeaderName::from_static("private-token"), HeaderValue::from_static("s3cret"))
            .header(HeaderName::from_static("sudo"), HeaderValue::from_static("alice"))
            .header(header::COOKIE, HeaderValue::from_static("session=s3cret"))
            .header(header::RANGE, HeaderValue::from_static("bytes=5-"))
    };

    let same = auth.send(get("/own")).await.unwrap();
    assert_eq!(same.url, home.url("/here"));
    let told = String::from_utf8(same.bytes(9999).await.unwrap().into()).unwrap();
    assert!(told.contains("authorization: Bearer s3cret") && told.contains("sudo"), "{told}");

    let other = auth.send(get("/elsewhere")).await.unwrap();
    assert_eq!(other.url, stranger.url("/there?signature=1"));
    let told = String::from_utf8(other.bytes(9999).await.unwrap().into()).unwrap();
    assert!(!told.contains("s3cret") && !told.contains("sudo"), "{told}");
    assert!(told.contains("range: bytes=5-"), "{told}");
}

#[tokio::test]
async fn only_what_asks_to_be_led_is_led() {
    let (home, _stranger) = led_astray().await;

    let refused =
        Request { redirects: Redirects::Refuse, ..Request::get(home.url("/own"), "read") };
    assert_eq!(live().send(refused).await.unwrap().status, StatusCode::FOUND);

    let post = Request::new(Method::POST, home.url("/own"), "write");
    let post = Request { redirects: Redirects::Follow, ..post };
    assert_eq!(live().send(post).await.unwrap().status, StatusCode::FOUND);
}

#[tokio::test]
async fn leading_in_circles_ends() {
    let circle = Server::answering(|head| {
        let to = if head.starts_with("GET /a") { "Location: /b" } else { "Location: /a" };
        answer("301 Moved Permanently", &[to], b"")
    })
    .await;
    let error = live().send(Request::get(circle.url("/a"), "read")).await.unwrap_err();
    assert!(matches!(Unanswered::of(&error), Some(Unanswered::RedirectLoop { times: 2 })));

    let endless = Server::answering(|head| {
        let path = head.split(' ').nth(1).unwrap();
        answer("307 Temporary Redirect", &[&format!("Location: {path}x")], b"")
    })
    .await;
    let error = live().send(Request::get(endless.url("/a"), "read")).await.unwrap_err();
    assert!(matches!(Unanswered::of(&error), Some(Unanswered::RedirectLoop { times: 11 })));
}

#[tokio::test]
async fn where_a_host_must_not_lead_nobody_goes() {
    for location in ["file:///etc/passwd", "http://me:s3cret@127.0.0.1/", "http://["] {
        let server = Server::answering(move |_| {
            answer("302 Found", &[&format!("Location: {location}")], b"")
        })
        .await;

        let error = live().send(Request::get(server.url("/"), "read")).await.unwrap_err();

        assert!(
            matches!(Unanswered::of(&error), Some(Unanswered::RedirectRefused(_))),
            "{location}"
        );
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn an_address_with_credentials_or_another_scheme_is_refused() {
    for url in ["http://me:s3cret@127.0.0.1:1/", "ftp://127.0.0.1/"] {
        let error = live().send(Request::get(url.parse().unwrap(), "read")).await.unwrap_err();

        assert_eq!(error.kind, HostErrorKind::Rejected);
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn packed_answers_are_unpacked_and_bounded_by_what_they_unpack_to() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&vec![b'a'; 4 << 20]).unwrap();
    let packed = gzip.finish().unwrap();
    assert!(packed.len() < 10_000);
    let server = Server::answering(move |head| {
        assert!(head.contains("accept-encoding: gzip"), "{head}");
        answer("200 OK", &["Content-Encoding: gzip"], &packed)
    })
    .await;

    let whole = live().send(Request::get(server.url("/"), "read")).await.unwrap();
    assert_eq!(whole.bytes(4 << 20).await.unwrap().len(), 4 << 20);

    let reading = Reading::Whole { at_most: 1 << 20 };
    let bounded = Request { reading, ..Request::get(server.url("/"), "read") };
    let error = live().send(bounded).await.unwrap_err();
    assert_eq!(error.kind, HostErrorKind::Protocol);
    assert!(matches!(Unanswered::of(&error), Some(Unanswered::TooLarge { at_most: 1_048_576 })));
}

#[tokio::test]
async fn a_proxy_is_asked_with_its_own_credentials() {
    let proxy = Server::answering(|head| answer("200 OK", &[], head.as_bytes())).await;
    let credentials = Some(("alice".to_owned(), Secret::new("pw")));
    let through = Proxy::Through { url: proxy.url("/"), credentials };
    let live = Live::new(&Options { proxy: through, ..Options::default() }).unwrap();

    let url = url::Url::parse("http://h.example/api").unwrap();
    let answer = live.send(Request::get(url, "read")).await.unwrap();

    let told = String::from_utf8(answer.bytes(9999).await.unwrap().into()).unwrap();
    assert!(told.starts_with("GET http://h.example/api HTTP/1.1"), "{told}");
    assert!(told.contains("proxy-authorization: Basic YWxpY2U6cHc="), "{told}");
}
