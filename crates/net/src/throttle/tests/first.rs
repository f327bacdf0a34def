//! What others wait for goes before them.

use super::*;
use crate::urgency::first;

#[tokio::test(start_paused = true)]
async fn what_others_wait_for_goes_before_them() {
    let clock = Passing::new();
    let host = Host::new(&clock, 100);
    let rates = Rates { at_once: 100, ..rates(None) };
    let throttle = Throttle::new(vec![member(rates, &host)], Arc::clone(&clock) as _, Arc::new(()));
    // Two a second, so that there is room for as many a minute later.
    for _ in 0..100 {
        throttle.send(request(Method::GET)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(450)).await;
    }

    // Many who wait already, and one after the other that comes late.
    let crowd = send_many(&throttle, Method::GET, 200);
    let row = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for _ in 0..5 {
            let sent = throttle.send(request(Method::GET));
            first(sent).await.unwrap();
        }
        clock.0.elapsed()
    };
    let ((), took) = futures::join!(crowd, row);

    assert!(took < MINUTE + Duration::from_secs(5), "{took:?}");
    assert_eq!(*host.refused.lock().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_one_bucket_keeps_nobody_from_another() {
    let clock = Passing::new();
    let host = Host::new(&clock, 100);
    let throttle =
        Throttle::new(vec![member(rates(None), &host)], clock.clone() as _, Arc::new(()));
    send_many(&throttle, Method::POST, 20).await;

    let writing = first(throttle.send(request(Method::POST)));
    let reading = async {
        send_many(&throttle, Method::GET, 40).await;
        clock.0.elapsed()
    };
    let (written, read_after) = tokio::join!(writing, reading);

    assert_eq!(written.unwrap().status, StatusCode::OK);
    assert!(read_after < MINUTE / 2 && clock.0.elapsed() >= MINUTE);
}
