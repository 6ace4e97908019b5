// SPDX-License-Identifier: MIT
//! The workloads of the channels between threads, crossbeam's and flume's, which have the same functions by the same names. A program
//! includes this module and names its crate `channel`.

use super::channel::{bounded, unbounded, Receiver, Sender};
use peers::{memory, report, thread_cpu, total, unsupported, Args, Latencies, Run, Tally};

pub fn run(args: &Args) {
  match args.workload.as_str() {
    "stream" => match args.number("size", 8, 8..=1024) {
      8 => stream::<1>(args),
      64 => stream::<8>(args),
      1024 => stream::<128>(args),
      size => unsupported(&format!("size={size}")),
    },
    "pingpong" => pingpong(args),
    "paced" => paced(args),
    "same-loop" => same_loop(args),
    "memory" => memory(
      args,
      || bounded(16),
      |(tx, rx), value| {
        tx.send(value).unwrap();
        rx.recv().unwrap()
      },
      unbounded,
      |(tx, _), value| tx.send(value).unwrap(),
      |(_, rx)| rx.recv().unwrap(),
    ),
    workload => unsupported(workload),
  }
}

fn send_all<const N: usize>(run: &Run, tx: &Sender<[u64; N]>) -> Tally {
  let mut sent = Tally::default();
  let mut value = [0; N];

  while run.goes_on() {
    value[0] = sent.values;
    tx.send(value).unwrap();
    sent.add(value[0]);
  }
  sent
}

fn receive_all<const N: usize>(rx: &Receiver<[u64; N]>) -> Tally {
  let mut received = Tally::default();

  while let Ok(value) = rx.recv() {
    received.add(value[0]);
  }
  received.end()
}

/// There are no loops: where one is asked for, a thread that blocks takes its place. Values go one by one.
fn stream<const N: usize>(args: &Args) {
  args.only(&["from", "to", "senders", "receivers", "capacity", "size", "batch"]);
  args.word("from", &["thread", "loop"]);
  args.word("to", &["thread", "loop"]);
  args.number("batch", 1, 1..=1);
  let senders = args.count("senders", 1, 1..=1000);
  let receivers = args.count("receivers", 1, 1..=1000);
  let (tx, rx) = bounded::<[u64; N]>(args.count("capacity", 1024, 0..=1 << 20));
  let run = Run::new(args, senders + receivers);
  let spawn_sender = |tx: Sender<[u64; N]>| run.spawn(0, move || send_all(run, &tx));
  let spawn_receiver = |rx: Receiver<[u64; N]>| run.spawn(1, move || receive_all(&rx));
  let sending = (0..senders).map(|_| spawn_sender(tx.clone())).collect();
  let receiving = (0..receivers).map(|_| spawn_receiver(rx.clone())).collect();

  drop((tx, rx));
  report(run.time(), total(sending), total(receiving));
}

fn pingpong(args: &Args) {
  args.only(&["capacity"]);
  let capacity = args.count("capacity", 1, 0..=1 << 20);
  let (ping, pinged) = bounded(capacity);
  let (pong, ponged) = bounded(capacity);
  let run = Run::new(args, 2);
  let first = run.spawn(0, move || {
    let (mut sent, mut received) = (Tally::default(), Tally::default());

    while run.goes_on() {
      let value = sent.values;

      ping.send(value).unwrap();
      sent.add(value);
      received.add(ponged.recv().unwrap());
    }
    (sent, received.end())
  });

  run.spawn(1, move || {
    while let Ok(value) = pinged.recv() {
      pong.send(value).unwrap();
    }
  });
  let start = run.time();
  let (sent, received) = first.join().unwrap();
  report(start, sent, received);
}

fn paced(args: &Args) {
  args.only(&["period"]);
  let period = args.number("period", 10_000, 1..=1_000_000_000);
  let (tx, rx) = bounded(1024);
  let run = Run::new(args, 2);
  let sending = run.spawn(0, move || run.pace(period, |time| tx.send(time).unwrap()));
  let receiving = run.spawn(1, move || {
    let mut received = Tally::default();
    let mut latencies = Latencies::default();
    let cpu = thread_cpu();

    while let Ok(time) = rx.recv() {
      latencies.since(time);
      received.add(time);
    }
    (received.end(), latencies, thread_cpu() - cpu)
  });
  let start = run.time();
  let (received, latencies, cpu) = receiving.join().unwrap();

  report(start, sending.join().unwrap(), received);
  latencies.print();
  print!("receiver_cpu={cpu} ");
}

/// One thread sends and then receives a run of values: nobody is ever woken.
fn same_loop(args: &Args) {
  args.only(&["run"]);
  let length = args.number("run", 1, 1..=64);
  let (tx, rx) = bounded(64);
  let run = Run::new(args, 1);
  let both = run.spawn(0, move || {
    let (mut sent, mut received) = (Tally::default(), Tally::default());

    while run.goes_on() {
      for _ in 0..length {
        tx.send(sent.values).unwrap();
        sent.add(sent.values);
      }
      for _ in 0..length {
        received.add(rx.recv().unwrap());
      }
    }
    (sent, received.end())
  });
  let start = run.time();
  let (sent, received) = both.join().unwrap();

  report(start, sent, received);
}
