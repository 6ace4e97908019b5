// SPDX-License-Identifier: MIT
//! tokio's mpsc channels. Unlike uvchan's they have one receiver, which a value wakes by its task: a wake from another thread puts the task
//! in the queue of its runtime and writes to the eventfd of that runtime's poll, be it asleep or not. A runtime here has one thread, and
//! sleeps in epoll without spinning, as a loop does. A task that finds values again and again gives way to others after 128 of them.

use peers::{chosen, memory, now, pool_memory, report, thread_cpu, total, unsupported, Args, Latencies, Random, Run, Tally, Work};
use std::future::Future;
use std::thread;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{channel, unbounded_channel, Receiver, Sender};
use tokio::task::{spawn_blocking, JoinHandle};

fn main() {
  let args = Args::parse();

  match args.workload.as_str() {
    "stream" => match args.number("size", 8, 8..=1024) {
      8 => stream::<1>(&args),
      64 => stream::<8>(&args),
      1024 => stream::<128>(&args),
      size => unsupported(&format!("size={size}")),
    },
    "pingpong" => pingpong(&args),
    "paced" => paced(&args),
    "same-loop" => same_loop(&args),
    "many" => many(&args),
    "memory" => memory(
      &args,
      || channel(16),
      |(tx, rx), value| {
        tx.try_send(value).unwrap();
        rx.try_recv().unwrap()
      },
      unbounded_channel,
      |(tx, _), value| tx.send(value).unwrap(),
      |(_, rx)| rx.try_recv().unwrap(),
    ),
    "pool" => pool(&args),
    "pool-memory" => {
      let runtime = new_pool(1);

      pool_memory(
        &args,
        |work| runtime.spawn_blocking(work),
        |works| {
          runtime.block_on(async {
            for work in works {
              work.await.unwrap();
            }
          })
        },
      )
    }
    workload => unsupported(workload),
  }
  println!();
}

fn new_runtime() -> Runtime {
  Builder::new_current_thread().enable_io().build().unwrap()
}

/// A task on a runtime in a thread of its own.
fn spawn_task<T>(run: &'static Run, nth: usize, task: impl Future<Output = T> + Send + 'static) -> thread::JoinHandle<T>
where
  T: Send + 'static,
{
  let runtime = new_runtime();
  let task = runtime.spawn(task);

  run.spawn(nth, move || runtime.block_on(task).unwrap())
}

fn send_all<const N: usize>(run: &Run, tx: Sender<[u64; N]>) -> Tally {
  let mut sent = Tally::default();
  let mut value = [0; N];

  while run.goes_on() {
    value[0] = sent.values;
    tx.blocking_send(value).unwrap();
    sent.add(value[0]);
  }
  sent
}

async fn send_all_by_task<const N: usize>(run: &Run, tx: Sender<[u64; N]>) -> Tally {
  let mut sent = Tally::default();
  let mut value = [0; N];

  while run.goes_on() {
    value[0] = sent.values;
    tx.send(value).await.unwrap();
    sent.add(value[0]);
  }
  sent
}

fn receive_all<const N: usize>(mut rx: Receiver<[u64; N]>) -> Tally {
  let mut received = Tally::default();

  while let Some(value) = rx.blocking_recv() {
    received.add(value[0]);
  }
  received
}

async fn receive_all_by_task<const N: usize>(mut rx: Receiver<[u64; N]>) -> Tally {
  let mut received = Tally::default();

  while let Some(value) = rx.recv().await {
    received.add(value[0]);
  }
  received
}

/// A channel has one receiver and room for at least one value, and values go one by one.
fn stream<const N: usize>(args: &Args) {
  args.only(&["from", "to", "senders", "receivers", "capacity", "size", "batch"]);
  args.number("batch", 1, 1..=1);
  args.number("receivers", 1, 1..=1);
  let senders = args.count("senders", 1, 1..=1000);
  let (tx, rx) = channel::<[u64; N]>(args.count("capacity", 1024, 1..=1 << 20));
  let run = Run::new(args, senders + 1);
  let receiving = match args.word("to", &["loop", "thread"]) {
    "loop" => spawn_task(run, 1, async { receive_all_by_task(rx).await.end() }),
    _ => run.spawn(1, || receive_all(rx).end()),
  };
  let spawn_sender: fn(&'static Run, Sender<[u64; N]>) -> thread::JoinHandle<Tally> = match args.word("from", &["thread", "loop"]) {
    "loop" => |run, tx| spawn_task(run, 0, send_all_by_task(run, tx)),
    _ => |run, tx| run.spawn(0, move || send_all(run, tx)),
  };
  let sending = (0..senders).map(|_| spawn_sender(run, tx.clone())).collect();

  drop(tx);
  report(run.time(), total(sending), receiving.join().unwrap());
}

fn pingpong(args: &Args) {
  args.only(&["capacity"]);
  let capacity = args.count("capacity", 1, 1..=1 << 20);
  let (ping, mut pinged) = channel(capacity);
  let (pong, mut ponged) = channel(capacity);
  let run = Run::new(args, 2);
  let first = spawn_task(run, 0, async move {
    let (mut sent, mut received) = (Tally::default(), Tally::default());

    while run.goes_on() {
      let value = sent.values;

      ping.send(value).await.unwrap();
      sent.add(value);
      received.add(ponged.recv().await.unwrap());
    }
    (sent, received.end())
  });

  spawn_task(run, 1, async move {
    while let Some(value) = pinged.recv().await {
      pong.send(value).await.unwrap();
    }
  });
  let start = run.time();
  let (sent, received) = first.join().unwrap();
  report(start, sent, received);
}

fn paced(args: &Args) {
  args.only(&["period"]);
  let period = args.number("period", 10_000, 1..=1_000_000_000);
  let (tx, mut rx) = channel(1024);
  let run = Run::new(args, 2);
  let sending = run.spawn(0, move || run.pace(period, |time| tx.blocking_send(time).unwrap()));
  let receiving = spawn_task(run, 1, async move {
    let mut received = Tally::default();
    let mut latencies = Latencies::default();
    let cpu = thread_cpu();

    while let Some(time) = rx.recv().await {
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

/// One of two tasks: when a run of values has come, as many go back.
async fn pass_runs(run: &Run, length: u64, serves: bool, tx: Sender<u64>, mut rx: Receiver<u64>) -> (Tally, Tally) {
  let (mut sent, mut received) = (Tally::default(), Tally::default());
  let mut sends = serves;

  loop {
    if sends && !run.goes_on() {
      return (sent, received);
    }
    if sends {
      for _ in 0..length {
        tx.send(sent.values).await.unwrap();
        sent.add(sent.values);
      }
    }
    for _ in 0..length {
      match rx.recv().await {
        Some(value) => received.add(value),
        None => return (sent, received),
      }
    }
    sends = true;
  }
}

/// There are two channels, one each way: a task that receives what it sent itself would never wait.
fn same_loop(args: &Args) {
  args.only(&["run"]);
  let length = args.number("run", 1, 1..=64);
  let (to, from) = channel(64);
  let (back, answers) = channel(64);
  let run = Run::new(args, 1);
  let both = spawn_task(run, 0, async move {
    let second = tokio::spawn(pass_runs(run, length, false, back, from));
    let first = pass_runs(run, length, true, to, answers).await;
    let second = second.await.unwrap();

    ([first.0, second.0], [first.1, second.1].into_iter().sum::<Tally>().end())
  });
  let start = run.time();
  let (sent, received) = both.join().unwrap();

  report(start, sent.into_iter().sum(), received);
}

fn many(args: &Args) {
  args.only(&["channels", "capacity"]);
  let capacity = args.count("capacity", 16, 1..=1 << 20);
  let (senders, receivers): (Vec<_>, Vec<_>) = (0..args.count("channels", 1, 1..=1_000_000)).map(|_| channel(capacity)).unzip();
  let run = Run::new(args, 2);
  let runtime = new_runtime();
  let tasks: Vec<JoinHandle<Tally>> = receivers.into_iter().map(|rx| runtime.spawn(receive_all_by_task::<1>(rx))).collect();

  runtime.block_on(runtime.spawn(async {})).unwrap(); // each has looked once before the time begins
  let receiving = run.spawn(1, move || {
    runtime.block_on(async {
      let mut received = Vec::with_capacity(tasks.len());

      for task in tasks {
        received.push(task.await.unwrap());
      }
      received.into_iter().sum::<Tally>().end()
    })
  });
  let sending = run.spawn(0, move || {
    let mut random = Random::default();
    let mut sent = Tally::default();

    while run.goes_on() {
      let value = random.value();

      chosen(&senders, value).blocking_send([value]).unwrap();
      sent.add(value);
    }
    sent
  });

  report(run.time(), sending.join().unwrap(), receiving.join().unwrap());
}

// ---- Pool -----------------------------------------------------------------------------------------------------------------------------

fn new_pool(threads: usize) -> Runtime {
  Builder::new_current_thread().enable_io().max_blocking_threads(threads).build().unwrap()
}

/// Has one work after the other done: for each one in flight there is such a task. Latencies as in benchmark-pool.c.
async fn submit_all(run: &Run, work: Work, is_alone: bool) -> (Tally, Tally, Latencies) {
  let (mut sent, mut received) = (Tally::default(), Tally::default());
  let mut latencies = Latencies::default();

  while run.goes_on() {
    submit(work, is_alone, &mut sent, &mut received, &mut latencies).await;
  }
  (sent, received.end(), latencies)
}

async fn submit(work: Work, is_alone: bool, sent: &mut Tally, received: &mut Tally, latencies: &mut Latencies) {
  let takes_time = !matches!(work, Work::Empty);
  let submitted = if is_alone || takes_time { now() } else { 0 };

  sent.add(0);
  let begun = spawn_blocking(move || {
    let begun = if takes_time { now() } else { 0 };

    work.off();
    begun
  })
  .await
  .unwrap();
  received.add(0);
  if is_alone {
    latencies.since(submitted);
  } else if takes_time {
    latencies.add(begun - submitted);
  }
}

/// A work for each tick that comes while none is on its way.
async fn submit_paced(work: Work, mut ticks: Receiver<()>) -> (Tally, Tally, Latencies) {
  let (mut sent, mut received) = (Tally::default(), Tally::default());
  let mut latencies = Latencies::default();

  while ticks.recv().await.is_some() {
    submit(work, true, &mut sent, &mut received, &mut latencies).await;
  }
  (sent, received.end(), latencies)
}

fn pool(args: &Args) {
  args.only(&["threads", "flight", "loops", "work", "us", "period"]);
  args.number("loops", 1, 1..=1);
  let flight = args.count("flight", 64, 1..=1_000_000);
  let period = args.number("period", 0, 0..=1_000_000_000);
  let work = Work::of(args);
  let run = Run::new(args, if period > 0 { 2 } else { 1 });
  let runtime = new_pool(args.count("threads", 4, 1..=1000));
  let (tx, ticks) = channel(1);
  let ticking = (period > 0).then(|| {
    run.spawn(0, move || {
      run.tick(period, || {
        let _ = tx.try_send(()); // one that comes too early is left out
      })
    })
  });
  let looping = run.spawn(0, move || {
    let tasks: Vec<_> = if period > 0 {
      vec![runtime.spawn(submit_paced(work, ticks))]
    } else {
      (0..flight).map(|_| runtime.spawn(submit_all(run, work, flight == 1))).collect()
    };

    runtime.block_on(async {
      let mut outcomes = Vec::with_capacity(tasks.len());

      for task in tasks {
        outcomes.push(task.await.unwrap());
      }
      outcomes
    })
  });
  let start = run.time();
  let (mut sent, mut received, mut latencies) = (Vec::new(), Vec::new(), Latencies::default());

  for outcome in looping.join().unwrap() {
    sent.push(outcome.0);
    received.push(outcome.1);
    latencies.merge(outcome.2);
  }
  if let Some(ticking) = ticking {
    ticking.join().unwrap();
  }
  report(start, sent.into_iter().sum(), received.into_iter().sum());
  latencies.print();
}
