// SPDX-License-Identifier: MIT
//! crossbeam-channel, channels between threads: a ring without a lock. Unlike uvchan it has no loops, and a thread that waits spins and
//! yields its processor some times before it sleeps, which shortens latencies and costs processor time. A select visits all its channels
//! in a random order each time.

use crossbeam_channel as channel;
use crossbeam_channel::{bounded, Receiver, Select, Sender};
use peers::{check, chosen, report, Args, Random, Run, Tally};

mod threads;

type Channels = (Vec<Sender<u64>>, Vec<Receiver<u64>>);

fn main() {
  let args = Args::parse();

  match args.workload.as_str() {
    "many" => many(&args),
    "select" => select(&args),
    _ => threads::run(&args),
  }
  println!();
}

fn channels(n: usize, capacity: usize) -> Channels {
  (0..n).map(|_| bounded(capacity)).unzip()
}

fn select_from(receivers: &[Receiver<u64>]) -> Select<'_> {
  let mut select = Select::new();

  for rx in receivers {
    select.recv(rx);
  }
  select
}

/// Receives from all until all are closed. The end is that of the last value, and not of the many channels.
fn receive_all(receivers: &[Receiver<u64>]) -> Tally {
  let mut select = select_from(receivers);
  let mut left = receivers.len();
  let mut received = Tally::default();

  while left > 0 {
    let operation = select.select();
    let i = operation.index();

    match operation.recv(&receivers[i]) {
      Ok(value) => {
        received.add(value);
        if left < receivers.len() {
          received = received.end();
        }
      }
      Err(_) => {
        if left == receivers.len() {
          received = received.end();
        }
        select.remove(i);
        left -= 1;
      }
    }
  }
  received
}

fn many(args: &Args) {
  args.only(&["channels", "capacity"]);
  let capacity = args.count("capacity", 16, 0..=1 << 20);
  let (senders, receivers) = channels(args.count("channels", 1, 1..=1000), capacity);
  let run = Run::new(args, 2);
  let sending = run.spawn(0, move || {
    let mut random = Random::default();
    let mut sent = Tally::default();

    while run.goes_on() {
      let value = random.value();

      chosen(&senders, value).send(value).unwrap();
      sent.add(value);
    }
    sent
  });
  let receiving = run.spawn(1, move || receive_all(&receivers));

  report(run.time(), sending.join().unwrap(), receiving.join().unwrap());
}

fn select(args: &Args) {
  args.only(&["channels", "mode"]);
  let channels = channels(args.count("channels", 8, 1..=1024), 16);

  match args.word("mode", &["ready", "waking"]) {
    "ready" => select_ready(args, channels),
    _ => select_waking(args, channels),
  }
}

/// Each value that is received goes back to the channel that it came from.
fn select_ready(args: &Args, (senders, receivers): Channels) {
  const EACH: u64 = 8;
  let (mut filled, mut kept) = (Tally::default(), Tally::default());
  let run = Run::new(args, 1);

  for value in 0..EACH {
    for tx in &senders {
      tx.try_send(value).unwrap();
      filled.add(value);
    }
  }
  let both = run.spawn(0, move || {
    let mut select = select_from(&receivers);
    let (mut sent, mut received) = (Tally::default(), Tally::default());

    while run.goes_on() {
      let operation = select.select();
      let i = operation.index();
      let value = operation.recv(&receivers[i]).unwrap();

      received.add(value);
      senders[i].try_send(value).unwrap();
      sent.add(value);
    }
    received = received.end();
    receivers.iter().flat_map(Receiver::try_iter).for_each(|value| kept.add(value));
    check(&filled, &kept);
    (sent, received)
  });
  let start = run.time();
  let (sent, received) = both.join().unwrap();

  report(start, sent, received);
}

fn select_waking(args: &Args, (senders, receivers): Channels) {
  let (reply, replied) = bounded(1);
  let run = Run::new(args, 2);
  let first = run.spawn(0, move || {
    let mut random = Random::default();
    let (mut sent, mut received) = (Tally::default(), Tally::default());

    while run.goes_on() {
      let value = random.value();

      chosen(&senders, value).send(value).unwrap();
      sent.add(value);
      received.add(replied.recv().unwrap());
    }
    (sent, received.end())
  });

  run.spawn(1, move || {
    let mut select = select_from(&receivers);

    loop {
      let operation = select.select();
      let i = operation.index();

      match operation.recv(&receivers[i]) {
        Ok(value) => reply.send(value).unwrap(),
        Err(_) => break,
      }
    }
  });
  let start = run.time();
  let (sent, received) = first.join().unwrap();
  report(start, sent, received);
}
