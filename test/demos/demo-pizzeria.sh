#!/bin/sh
# SPDX-License-Identifier: MIT
# The pizzeria: its orders, its options, its colours, and how it closes. Run as described in
# test/demos/demo.sh.
# shellcheck source=test/demos/demo.sh
. "$(dirname "$0")/demo.sh"

pizzeria=$demos/pizzeria
stdout=$scratch/stdout
stderr=$scratch/stderr
escape=$(printf '\033')

count() {
  grep -c -- "$1" "$stdout"
}

# bakes ORDERS SEED: each order is received, made and then told of once, and the last line counts
# them.
bakes() {
  "$pizzeria" --orders "$1" --seed "$2" --speed 10000 >"$stdout" 2>"$stderr" ||
    fail "$1 orders, seed $2: exit code $?"
  [ ! -s "$stderr" ] || fail "$1 orders, seed $2: a message on stderr"
  made=$(count '^Order #[0-9]* is out for delivery!$')
  failed=$(count '^The customer is really mad!$')
  [ "$(count '^Received order #[0-9]*!$')" -eq "$1" ] || fail "not $1 orders received"
  [ "$(count '^Making pizza #[0-9]*. It will take [1-5] seconds....$')" -eq "$1" ] ||
    fail "not $1 pizzas begun"
  [ "$(count '^Pizza order #[0-9]* is ready!$')" -eq "$made" ] ||
    fail "pizzas ready are not pizzas delivered"
  [ "$(count '^\*\*\* ')" -eq "$failed" ] || fail "customers mad are not pizzas failed"
  [ $((made + failed)) -eq "$1" ] || fail "$made made and $failed failed are not $1 orders"
  [ "$(count '^Done making pizzas...$')" -eq 1 ] || fail "not done once"
  [ "$(tail -n 1 "$stdout")" = \
    "We made $made pizzas, but failed to make $failed, with $1 attempts in total." ] ||
    fail "the count is wrong"
}

# The pizzas are told of in the order of their numbers.
delivers_in_order() {
  sed -n -e 's/^Pizza order #\([0-9]*\) .*/\1/p' -e 's/^\*\*\* .* pizza #\([0-9]*\)!$/\1/p' \
    "$stdout" >"$scratch/numbers"
  sort -n "$scratch/numbers" >"$scratch/sorted"
  same "the order of the pizzas" "$scratch/sorted" "$scratch/numbers"
}

repeats_itself() {
  bakes 40 7
  cp "$stdout" "$scratch/first"
  bakes 40 7
  same "the same seed twice" "$scratch/first" "$stdout"
  bakes 40 8
  cmp -s "$scratch/first" "$stdout" && fail "another seed gives the same run"
  return 0
}

# The same on every platform; how the kitchen's lines and the customer's lines alternate is left
# open.
bakes_as_written_down() {
  "$pizzeria" --orders 3 --seed 37 --speed 1000 >"$stdout" || fail "exit code $?"
  grep -e '^Received' -e '^Making' "$stdout" >"$scratch/kitchen"
  grep -v -e '^Received' -e '^Making' "$stdout" >"$scratch/customer"
  cat >"$scratch/expected_kitchen" <<'END'
Received order #1!
Making pizza #1. It will take 4 seconds....
Received order #2!
Making pizza #2. It will take 4 seconds....
Received order #3!
Making pizza #3. It will take 2 seconds....
END
  cat >"$scratch/expected_customer" <<'END'
The Pizzeria is open for business!
----------------------------------
Pizza order #1 is ready!
Order #1 is out for delivery!
*** We ran out of ingredients for pizza #2!
The customer is really mad!
*** The cook quit while making pizza #3!
The customer is really mad!
Done making pizzas...
We made 1 pizzas, but failed to make 2, with 3 attempts in total.
END
  same "the kitchen with seed 37" "$scratch/expected_kitchen" "$scratch/kitchen"
  same "the customer with seed 37" "$scratch/expected_customer" "$scratch/customer"
}

has_no_colours() {
  grep -q "$escape" "$stdout" && fail "$1: colours"
  return 0
}

# script (util-linux) gives the program a terminal.
colours_a_terminal() {
  case $(script --version 2>/dev/null) in
    *util-linux*) ;;
    *)
      echo "skipped: colours on a terminal: script of util-linux is not here"
      return
      ;;
  esac
  on_terminal "'$pizzeria' --orders 20 --seed 3 --speed 10000"
  for colour in 31 32 36; do
    grep -q "^$escape\[${colour}m.*$escape\[0m" "$stdout" ||
      fail "a terminal without colour $colour"
  done
  grep -q "^Received order #1!" "$stdout" || fail "what the kitchen says is coloured"
  on_terminal "NO_COLOR= '$pizzeria' --orders 1 --speed 10000"
  grep -q "$escape" "$stdout" || fail "an empty NO_COLOR takes the colours away"
  on_terminal "NO_COLOR=1 '$pizzeria' --orders 1 --speed 10000"
  has_no_colours "NO_COLOR on a terminal"
}

on_terminal() {
  SHELL=/bin/sh script -q -e -c "$1" /dev/null >"$stdout" </dev/null ||
    fail "on a terminal: exit code $?"
}

# refuses ARGUMENTS...: a message on stderr, nothing on stdout, exit code 2.
refuses() {
  "$pizzeria" "$@" >"$stdout" 2>"$stderr"
  [ $? -eq 2 ] || fail "$*: exit code is not 2"
  [ -s "$stderr" ] || fail "$*: no message"
  [ ! -s "$stdout" ] || fail "$*: output"
}

refuses_wrong_arguments() {
  for option in --orders --seed --speed; do
    refuses "$option"
    for value in '' x -1 +1 ' 1' '1 ' 1x 1,5 nan inf 0x; do refuses "$option" "$value"; done
  done
  for value in 0 1.5 1000001 99999999999999999999; do refuses --orders "$value"; done
  for value in 1.5 18446744073709551616; do refuses --seed "$value"; done
  for value in 0 0.0 . 1e 1e999 1e-999; do refuses --speed "$value"; done
  refuses --help=yes
  refuses --no-such-option
  refuses -x
  refuses -
  refuses margherita
  refuses --orders 1 margherita
  refuses -- margherita
}

takes_right_arguments() {
  for value in 0 18446744073709551615; do
    "$pizzeria" --orders=1 --seed="$value" --speed=1e300 >"$stdout" ||
      fail "seed $value: exit code $?"
  done
  "$pizzeria" --orders 5 --orders 1 --speed 20000.5 -- >"$stdout" ||
    fail "an option twice: exit code $?"
  [ "$(count '^Received order')" -eq 1 ] || fail "an option twice: the last one does not count"
}

helps() {
  "$pizzeria" --help >"$stdout" 2>"$stderr" || fail "--help: exit code $?"
  [ ! -s "$stderr" ] || fail "--help: a message on stderr"
  for option in --orders --seed --speed --help; do
    grep -q -- "^  $option " "$stdout" || fail "--help does not tell of $option"
  done
}

# awaits_sleep PID: until the process sleeps, where the system tells. ThreadSanitizer loses a signal
# now and then that comes just before a program sleeps (with a handler and epoll_wait() alone too),
# and then nothing wakes it any more.
awaits_sleep() {
  looks=0
  while [ "$looks" -lt 10000 ] && [ -r "/proc/$1/status" ] &&
    ! grep -q '^State:.S' "/proc/$1/status"; do looks=$((looks + 1)); done
}

# closes_on SIGNAL EXIT-CODE: so slow an oven has the first pizza in it for certain, once the
# program has said that it makes one.
closes_on() {
  rm -f "$scratch/pipe"
  mkfifo "$scratch/pipe" || fail "mkfifo"
  "$pizzeria" --speed 1e-9 >"$scratch/pipe" 2>"$stderr" &
  pid=$!
  while read -r line; do
    echo "$line"
    case $line in
      "Making pizza"*)
        awaits_sleep "$pid"
        kill -s "$1" "$pid"
        ;;
    esac
  done <"$scratch/pipe" >"$stdout"
  wait "$pid"
  code=$?
  [ "$code" -eq "$2" ] || fail "SIG$1: exit code $code is not $2"
  [ ! -s "$stderr" ] || fail "SIG$1: a message on stderr"
  grep -q '^Closing early: pizza #1 is in the oven.$' "$stdout" ||
    fail "SIG$1: not a word of the oven"
  [ "$(tail -n 1 "$stdout")" = \
    "We made 0 pizzas, but failed to make 0, with 1 attempts in total." ] ||
    fail "SIG$1: the count is wrong"
}

# A reader that goes away ends a run that would take hours, also where its signal is ignored.
ends_without_a_reader() {
  rm -f "$scratch/pipe"
  mkfifo "$scratch/pipe" || fail "mkfifo"
  (
    trap '' PIPE
    exec "$pizzeria" --orders 1000000 --speed 1000 >"$scratch/pipe" 2>"$stderr"
  ) &
  pid=$!
  read -r line <"$scratch/pipe"
  wait "$pid"
  code=$?
  [ "$line" = "The Pizzeria is open for business!" ] ||
    fail "a broken pipe: the first line is '$line'"
  [ "$code" -eq 1 ] || fail "a broken pipe: exit code $code is not 1"
  grep -q 'standard output' "$stderr" || fail "a broken pipe: no message"
}

bakes 10 1
delivers_in_order
has_no_colours "through a pipe"
bakes 1 2
repeats_itself
bakes_as_written_down
colours_a_terminal
refuses_wrong_arguments
takes_right_arguments
helps
closes_on INT 130
closes_on TERM 143
ends_without_a_reader
