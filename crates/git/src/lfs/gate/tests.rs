use super::*;
use tokio::time::Instant;

fn passing(pieces: &[usize]) -> (Passing, oneshot::Sender<Result<(), LfsError>>) {
    let pieces: Vec<_> = pieces.iter().map(|n| Ok(Bytes::from(vec![7; *n]))).collect();
    let (to_scanner, mut scanned) = mpsc::channel(PIECES);
    tokio::spawn(async move { while scanned.recv().await.is_some() {} });
    let (tell, verdict) = oneshot::channel();
    let passing = Passing {
        pack: Box::pin(stream::iter(pieces)),
        to_scanner: Some(to_scanner),
        held: VecDeque::new(),
        n_held: 0,
        has_ended: Arc::default(),
        verdict: Some(verdict),
    };
    (passing, tell)
}

#[tokio::test]
async fn the_end_of_a_pack_comes_when_its_files_are_there() {
    let (mut passing, tell) = passing(&[100 << 10, 100 << 10, 10]);

    // What is before the end does not wait.
    assert_eq!(passing.next().await.unwrap().unwrap().len(), 100 << 10);
    tell.send(Ok(())).unwrap();
    let mut rest = 0;
    while let Some(piece) = passing.next().await.unwrap() {
        rest += piece.len();
    }

    assert_eq!(rest, (100 << 10) + 10);
    assert!(passing.has_ended.load(Ordering::Acquire));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_waits_for_the_end_hears_of_us_meanwhile() {
    let (mut passing, tell) = passing(&[100]);
    let begun = Instant::now();

    for _ in 0..5 {
        assert_eq!(passing.next().await.unwrap().unwrap().len(), 1);
    }
    assert_eq!(begun.elapsed(), 5 * TRICKLE);
    tell.send(Ok(())).unwrap();

    assert_eq!(passing.next().await.unwrap().unwrap().len(), 95);
    assert!(passing.next().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_last_byte_is_never_given_before_the_files_are_there() {
    let (mut passing, _tell) = passing(&[3]);
    let mut given = 0;

    let waited = async {
        while let Some(piece) = passing.next().await.unwrap() {
            given += piece.len();
        }
    };
    let ended = tokio::time::timeout(100 * TRICKLE, waited).await;

    assert!(ended.is_err());
    assert_eq!(given, 2);
}

#[tokio::test]
async fn a_pack_whose_files_cannot_arrive_breaks_off() {
    let (mut passing, tell) = passing(&[100 << 10, 100 << 10]);
    tell.send(Err(LfsError::NoServer { url: "h.example".into() })).unwrap();

    let error = passing.next().await.unwrap_err();

    let error = GitError::from_stream("x")(error);
    assert!(matches!(&error, GitError::LargeFiles { .. }), "{error}");
    assert!(!error.is_passing());
}
