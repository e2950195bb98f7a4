//! Many connections that say nothing, or half of it.

use std::{io::Write, os::unix::net::UnixStream, time::Instant};

use crate::{
    wire::{answer, call, head},
    world::{World, op},
};

#[tokio::test]
async fn a_thousand_connections_that_say_nothing_keep_nobody_out() {
    let world = World::new().serving().await;
    let crowd: Vec<UnixStream> = (0..1000).map(|_| UnixStream::connect(world.socket()).unwrap()).collect();
    let began = Instant::now();
    for _ in 0..20 {
        world.client().hello(&op()).await.unwrap();
    }
    assert!(began.elapsed().as_secs() < 20, "it took {:?}", began.elapsed());
    drop(crowd);
}

#[tokio::test]
async fn a_call_that_stops_halfway_is_let_go_and_others_are_answered_meanwhile() {
    let world = World::new().serving().await;
    let whole = call("lease", "{\"id\":\"000102fdfeff\",\"name\":\"box\",\"nat\":true}");
    let mut halves: Vec<UnixStream> = [1, 10, 60, whole.len() - 1]
        .into_iter()
        .map(|len| {
            let mut stream = UnixStream::connect(world.socket()).unwrap();
            stream.write_all(&whole[..len]).unwrap();
            stream
        })
        .collect();
    // One that promises a body and sends none.
    let mut stream = UnixStream::connect(world.socket()).unwrap();
    stream.write_all(head("launch", 100).as_bytes()).unwrap();
    halves.push(stream);
    world.client().hello(&op()).await.unwrap();
    let began = Instant::now();
    for half in &mut halves {
        assert_eq!(answer(half).0, 0);
    }
    assert!(began.elapsed().as_secs() < 15, "it took {:?}", began.elapsed());
    let machines = std::fs::read_dir(world.places().jails()).unwrap().count();
    assert_eq!(machines, 0);
    assert!(!world.places().leases().exists(), "nothing of half a call was done");
}
