//! Locks, between servers that have them and servers that do not.

use super::carrying::Bench;
use packhorse_git::lfs::{LfsError, LockEnd};

#[tokio::test]
async fn locks_are_made_anew_page_by_page() {
    let bench = Bench::new().await;
    let lock = |n: usize| (format!("art/{n}.bin"), format!("owner {n}"));
    bench.from.state().locks = (0..5).map(lock).collect();
    bench.to.state().locks = vec![lock(1)];

    let carried = bench.route.carry_locks().await.unwrap();

    assert_eq!((carried.made.len(), carried.present, carried.refused.len()), (4, 1, 0));
    assert_eq!(carried.made[0].owner.as_deref(), Some("owner 0"));
    assert_eq!(bench.to.state().locks.len(), 5);
}

#[tokio::test]
async fn an_end_without_locks_is_told() {
    for status in [404, 501] {
        let bench = Bench::new().await;
        bench.from.state().locks = vec![("a".into(), "alice".into())];
        bench.to.state().lock_status = Some(status);
        let at_destination = bench.route.carry_locks().await.unwrap();
        bench.from.state().lock_status = Some(status);
        let at_source = bench.route.carry_locks().await.unwrap();

        assert_eq!(at_destination.unsupported, Some(LockEnd::Destination));
        assert_eq!(at_destination.refused.len(), 1);
        assert_eq!(at_source.unsupported, Some(LockEnd::Source));
    }
}

#[tokio::test]
async fn a_list_of_locks_without_end_is_an_error() {
    let bench = Bench::new().await;
    bench.from.state().locks = vec![("a".into(), "alice".into())];
    bench.from.state().has_endless_locks = true;

    let error = bench.route.carry_locks().await.unwrap_err();

    assert!(matches!(error, LfsError::Protocol { .. }), "{error:?}");
}
