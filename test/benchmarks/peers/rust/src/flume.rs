// SPDX-License-Identifier: MIT
//! flume, channels between threads: a queue behind a lock. Unlike uvchan it has no loops, and one lock is taken for each value on both
//! sides. A receiver that finds nothing allocates a slot for its value and goes to sleep; it does not spin first.

use flume as channel;

mod threads;

fn main() {
  threads::run(&peers::Args::parse());
  println!();
}
