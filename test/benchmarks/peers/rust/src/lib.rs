// SPDX-License-Identifier: MIT
//! What the peers in Rust share: arguments of the form name=value, time, processors, sums, latencies, and the figures of the one line
//! that a program prints. The same things as in test/benchmarks/benchmark.h, with the same meanings.

use std::alloc::{GlobalAlloc, Layout, System};
use std::iter::Sum;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{mpsc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, hint, mem, process};

// ---- Arguments ----------------------------------------------------------------------------------------------------------------------

pub fn unsupported(what: &str) -> ! {
  eprintln!("not supported: {what}");
  process::exit(2)
}

pub struct Args {
  pub workload: String,
  pairs: Vec<(String, String)>,
}

impl Args {
  pub fn parse() -> Args {
    let mut words = env::args().skip(1);
    let workload = words.next().unwrap_or_else(|| unsupported("no workload"));
    let pair = |word: String| match word.split_once('=') {
      Some((name, value)) => (name.to_string(), value.to_string()),
      None => unsupported(&word),
    };

    Args { workload, pairs: words.map(pair).collect() }
  }

  /// Ends the program where an argument is none of these, and not of those that every workload has.
  pub fn only(&self, names: &[&str]) {
    for (name, value) in &self.pairs {
      if !["ms", "pin"].contains(&name.as_str()) && !names.contains(&name.as_str()) {
        unsupported(&format!("{name}={value}"));
      }
    }
  }

  fn value(&self, name: &str) -> Option<&str> {
    self.pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.as_str())
  }

  /// One of these words: the first one where the argument is not given.
  pub fn word(&self, name: &str, words: &[&'static str]) -> &'static str {
    match self.value(name) {
      None => words[0],
      Some(value) => words.iter().find(|&&word| word == value).unwrap_or_else(|| unsupported(&format!("{name}={value}"))),
    }
  }

  pub fn number(&self, name: &str, otherwise: u64, range: RangeInclusive<u64>) -> u64 {
    match self.value(name) {
      None => otherwise,
      Some(value) => match value.parse() {
        Ok(number) if range.contains(&number) => number,
        _ => unsupported(&format!("{name}={value}")),
      },
    }
  }

  pub fn count(&self, name: &str, otherwise: usize, range: RangeInclusive<usize>) -> usize {
    self.number(name, otherwise as u64, *range.start() as u64..=*range.end() as u64) as usize
  }
}

// ---- Time and processors --------------------------------------------------------------------------------------------------------------

fn clock(id: libc::clockid_t) -> u64 {
  let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };

  unsafe { libc::clock_gettime(id, &mut time) };
  time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

pub fn now() -> u64 {
  clock(libc::CLOCK_MONOTONIC)
}

pub fn thread_cpu() -> u64 {
  clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Keeps the calling thread on one processor of those that it may use, counted from 0 and around.
fn pin(nth: usize) {
  unsafe {
    let mut allowed: libc::cpu_set_t = mem::zeroed();
    let mut one: libc::cpu_set_t = mem::zeroed();
    let size = mem::size_of_val(&one);

    if libc::sched_getaffinity(0, size, &mut allowed) != 0 {
      return;
    }
    let processors: Vec<usize> = (0..libc::CPU_SETSIZE as usize).filter(|&cpu| libc::CPU_ISSET(cpu, &allowed)).collect();
    libc::CPU_SET(processors[nth % processors.len()], &mut one);
    libc::sched_setaffinity(0, size, &one);
  }
}

/// Wall time, and the processor time of the whole process.
#[derive(Clone, Copy, Default)]
pub struct Moment {
  ns: u64,
  cpu: u64,
}

impl Moment {
  pub fn now() -> Moment {
    Moment { ns: now(), cpu: clock(libc::CLOCK_PROCESS_CPUTIME_ID) }
  }
}

// ---- A run ----------------------------------------------------------------------------------------------------------------------------

/// All threads come to its start; then the main thread lets them go, and raises the flag when the time is over.
pub struct Run {
  ms: u64,
  pin: bool,
  ready: Barrier,
  go: Barrier,
  over: AtomicBool,
}

impl Run {
  /// A program has one, for as long as it lives.
  pub fn new(args: &Args, threads: usize) -> &'static Run {
    let barrier = || Barrier::new(threads + 1);

    Box::leak(Box::new(Run {
      ms: args.number("ms", 200, 0..=3_600_000),
      pin: args.number("pin", 0, 0..=1) == 1,
      ready: barrier(),
      go: barrier(),
      over: AtomicBool::new(false),
    }))
  }

  /// Starts one of the threads. The work begins when all are there.
  pub fn spawn<T: Send + 'static>(&'static self, nth: usize, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::spawn(move || {
      if self.pin {
        pin(nth);
      }
      self.ready.wait();
      self.go.wait();
      work()
    })
  }

  /// Waits until the time is over, and gives the start.
  pub fn time(&self) -> Moment {
    self.ready.wait();
    let start = Moment::now();
    self.go.wait();
    thread::sleep(Duration::from_millis(self.ms));
    self.over.store(true, Relaxed);
    start
  }

  /// Calls each period until the run is over; who is late catches up, without waiting.
  pub fn tick(&self, period: u64, mut tick: impl FnMut()) {
    let mut due = now();

    while self.goes_on() {
      let time = now();

      if time < due {
        thread::sleep(Duration::from_nanos(due - time));
      }
      tick();
      due += period;
    }
  }

  pub fn goes_on(&self) -> bool {
    !self.over.load(Relaxed)
  }

  /// Sends a time each period until the run is over, and looks at the clock in between: its processor does not go to sleep.
  pub fn pace(&self, period: u64, mut send: impl FnMut(u64)) -> Tally {
    let mut sent = Tally::default();
    let mut due = now() + period;

    while self.goes_on() {
      let time = now();

      if time < due {
        hint::spin_loop();
        continue;
      }
      send(time);
      sent.add(time);
      due += period;
    }
    sent
  }
}

// ---- Values ---------------------------------------------------------------------------------------------------------------------------

/// xorshift64*, by George Marsaglia and Sebastiano Vigna.
pub struct Random(u64);

impl Default for Random {
  fn default() -> Random {
    Random(0x9E37_79B9_7F4A_7C15)
  }
}

impl Random {
  pub fn value(&mut self) -> u64 {
    self.0 ^= self.0 >> 12;
    self.0 ^= self.0 << 25;
    self.0 ^= self.0 >> 27;
    self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
  }
}

/// One of the channels for a random value, which decides that.
pub fn chosen<T>(channels: &[T], value: u64) -> &T {
  &channels[(value % channels.len() as u64) as usize]
}

/// What one thread sent or received, and when it had received the last.
#[derive(Default)]
pub struct Tally {
  pub values: u64,
  sum: u64,
  end: Moment,
}

impl Tally {
  pub fn add(&mut self, value: u64) {
    self.values += 1;
    self.sum = self.sum.wrapping_add(value);
  }

  pub fn end(mut self) -> Tally {
    self.end = Moment::now();
    self
  }
}

impl Sum for Tally {
  fn sum<I: Iterator<Item = Tally>>(tallies: I) -> Tally {
    tallies.fold(Tally::default(), |a, b| Tally {
      values: a.values + b.values,
      sum: a.sum.wrapping_add(b.sum),
      end: if a.end.ns > b.end.ns { a.end } else { b.end },
    })
  }
}

pub fn total(threads: Vec<JoinHandle<Tally>>) -> Tally {
  threads.into_iter().map(|thread| thread.join().unwrap()).sum()
}

/// Ends the program where a value was lost, doubled or torn.
pub fn check(sent: &Tally, received: &Tally) {
  if (sent.values, sent.sum) != (received.values, received.sum) {
    eprintln!("sent {} values with sum {}, received {} with sum {}", sent.values, sent.sum, received.values, received.sum);
    process::exit(1);
  }
}

/// Checks, and prints the figures that every workload has.
pub fn report(start: Moment, sent: Tally, received: Tally) {
  check(&sent, &received);
  print!("values={} ns={} cpu={} ", received.values, received.end.ns - start.ns, received.end.cpu - start.cpu);
}

// ---- Latencies ------------------------------------------------------------------------------------------------------------------------

#[derive(Default)]
pub struct Latencies(Vec<u32>);

impl Latencies {
  pub fn since(&mut self, time: u64) {
    self.0.push((now() - time).try_into().unwrap_or(u32::MAX));
  }

  pub fn add(&mut self, ns: u64) {
    self.0.push(ns.try_into().unwrap_or(u32::MAX));
  }

  pub fn merge(&mut self, mut other: Latencies) {
    self.0.append(&mut other.0);
  }

  pub fn print(mut self) {
    if let Some(last) = self.0.len().checked_sub(1) {
      let n = self.0.len();

      self.0.sort_unstable();
      print!("p50={} p90={} p99={} p999={} ", self.0[n / 2], self.0[last - n / 10], self.0[last - n / 100], self.0[last - n / 1000]);
    }
  }
}

// ---- Works ----------------------------------------------------------------------------------------------------------------------------

/// What the threads of a pool are given to do.
#[derive(Clone, Copy)]
pub enum Work {
  Empty,
  Burn(u64),
  Sleep(u64),
}

impl Work {
  pub fn of(args: &Args) -> Work {
    let ns = args.number("us", 100, 0..=1_000_000) * 1000;

    match args.word("work", &["empty", "burn", "sleep"]) {
      "burn" => Work::Burn(ns),
      "sleep" => Work::Sleep(ns),
      _ => Work::Empty,
    }
  }

  /// So much of the calling thread's processor time, or so long asleep, and what the system adds.
  pub fn off(self) {
    match self {
      Work::Empty => (),
      Work::Burn(ns) => {
        let end = thread_cpu() + ns;

        while thread_cpu() < end {}
      }
      Work::Sleep(ns) => thread::sleep(Duration::from_nanos(ns)),
    }
  }
}

/// Workload pool-memory: what a work takes that waits behind one that is held up.
pub fn pool_memory<W>(args: &Args, spawn: impl Fn(Box<dyn FnOnce() + Send>) -> W, wait: impl FnOnce(Vec<W>)) {
  const WAITING: usize = 100_000;
  args.only(&[]);
  let (release, held_up) = mpsc::channel::<()>();
  let mut works = Vec::with_capacity(WAITING + 1);

  COUNTS.store(true, Relaxed);
  works.push(spawn(Box::new(move || held_up.recv().unwrap())));
  let before = held();
  works.extend((0..WAITING).map(|_| spawn(Box::new(|| ()))));
  let bytes = (held() - before) / WAITING;
  release.send(()).unwrap();
  wait(works);
  print!("bytes={bytes} ");
}

// ---- Memory ---------------------------------------------------------------------------------------------------------------------------

/// Counts, in that workload, what the program asks for, and not what malloc makes of it.
struct Counter;

static COUNTS: AtomicBool = AtomicBool::new(false);
static HELD: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counter {
  unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
    if COUNTS.load(Relaxed) {
      HELD.fetch_add(layout.size(), Relaxed);
    }
    System.alloc(layout)
  }

  unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
    if COUNTS.load(Relaxed) {
      HELD.fetch_sub(layout.size(), Relaxed);
    }
    System.dealloc(memory, layout)
  }
}

#[global_allocator]
static COUNTER: Counter = Counter;

fn held() -> usize {
  HELD.load(Relaxed)
}

/// Workload memory, with the peer's ways to make a channel of 16 values, to make one without a bound, and to send and receive once.
pub fn memory<C, U>(
  args: &Args,
  bounded: impl Fn() -> C,
  pass: impl Fn(&mut C, u64) -> u64,
  unbounded: impl Fn() -> U,
  send: impl Fn(&mut U, u64),
  receive: impl Fn(&mut U) -> u64,
) {
  args.only(&["kind"]);
  let kind = args.word("kind", &["idle", "empty", "million"]);
  let start = Moment::now();

  COUNTS.store(true, Relaxed);
  if kind == "idle" {
    memory_each(start, bounded, pass);
  } else if kind == "empty" {
    memory_each(start, unbounded, |channel, value| {
      send(channel, value);
      receive(channel)
    });
  } else {
    memory_million(start, unbounded, send, receive);
  }
}

fn memory_each<C>(start: Moment, make: impl Fn() -> C, pass: impl Fn(&mut C, u64) -> u64) {
  const CHANNELS: usize = 1000;
  let mut channels = Vec::with_capacity(CHANNELS);
  let (mut sent, mut received) = (Tally::default(), Tally::default());
  let before = held();

  for value in 0..CHANNELS as u64 {
    let mut channel = make();

    sent.add(value);
    received.add(pass(&mut channel, value));
    channels.push(channel);
  }
  let bytes = (held() - before) / CHANNELS;
  report(start, sent, received.end());
  print!("bytes={bytes} ");
}

fn memory_million<U>(start: Moment, make: impl Fn() -> U, send: impl Fn(&mut U, u64), receive: impl Fn(&mut U) -> u64) {
  const VALUES: u64 = 1_000_000;
  let (mut sent, mut received) = (Tally::default(), Tally::default());
  let before = held();
  let mut channel = make();

  for value in 0..VALUES {
    send(&mut channel, value);
    sent.add(value);
  }
  let bytes = held() - before;
  for _ in 0..VALUES {
    received.add(receive(&mut channel));
  }
  let received = received.end();
  let drained_bytes = held() - before;
  report(start, sent, received);
  print!("bytes={bytes} drained_bytes={drained_bytes} ");
}
