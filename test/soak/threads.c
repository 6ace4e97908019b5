/* SPDX-License-Identifier: MIT */
/* Threads without a loop: they send and receive in every way there is. */
#include "parties.h"

atomic_int is_over;
uvchan_t* jobs;

static ssize_t one_of(int status) { return status == 0 ? 1 : status; }

static uint64_t short_time(uint64_t* random) { return UINT64_C(1000) * draw(random, 300); }

static ssize_t send_somehow(uvchan_t* ch, const void* values, size_t n, uint64_t* random) {
  switch (draw(random, 6)) {
    case 0:
      return one_of(uvchan_try_send(ch, values));
    case 1:
      return uvchan_try_send_n(ch, values, n);
    case 2:
      return one_of(uvchan_send_wait(ch, values));
    case 3:
      return uvchan_send_wait_n(ch, values, n);
    default:
      return one_of(uvchan_send_timedwait(ch, values, short_time(random)));
  }
}

static ssize_t receive_somehow(uvchan_t* ch, void* values, size_t n, uint64_t* random) {
  switch (draw(random, 6)) {
    case 0:
      return one_of(uvchan_try_recv(ch, values));
    case 1:
      return uvchan_try_recv_n(ch, values, n);
    case 2:
      return one_of(uvchan_recv_wait(ch, values));
    case 3:
      return uvchan_recv_wait_n(ch, values, n);
    default:
      return one_of(uvchan_recv_timedwait(ch, values, short_time(random)));
  }
}

static int is_not_now(ssize_t answer) { return answer == UV_EAGAIN || answer == UV_ETIMEDOUT; }

static ssize_t send_some(party_t* party, epoch_t* epoch) {
  unsigned char values[MOST_AT_ONCE * MOST_BYTES];
  uint64_t numbers[MOST_AT_ONCE];
  size_t n = 1 + draw(&party->random, MOST_AT_ONCE);
  ssize_t answer;
  size_t i;
  if (!has_room(epoch)) return UV_EAGAIN;
  for (i = 0; i < n; i++) {
    numbers[i] = next_number(epoch, party->sender);
    put(epoch, nth(epoch, values, i), numbers[i]);
  }
  answer = send_somehow(epoch->ch, values, n, &party->random);
  must(answer > 0 || is_not_now(answer) || answer == UV_EPIPE);
  for (i = 0; answer > 0 && i < (size_t)answer; i++) note_sent(epoch, numbers[i]);
  return answer;
}

static ssize_t receive_some(party_t* party, epoch_t* epoch, order_t* order) {
  unsigned char values[MOST_AT_ONCE * MOST_BYTES];
  size_t n = 1 + draw(&party->random, MOST_AT_ONCE);
  ssize_t answer = receive_somehow(epoch->ch, values, n, &party->random);
  size_t i;
  must(answer > 0 || is_not_now(answer) || is_end(answer));
  for (i = 0; answer > 0 && i < (size_t)answer; i++)
    note_received(epoch, order, nth(epoch, values, i));
  return answer;
}

static ssize_t select_somehow(party_t* party, epoch_t* from, order_t* order, epoch_t* to) {
  unsigned char in[MOST_BYTES];
  unsigned char out[MOST_BYTES];
  uint64_t number = next_number(to, party->sender);
  uvchan_case_t cases[2];
  int i;
  put(to, out, number);
  set_case(&cases[0], from, UVCHAN_RECV, in);
  set_case(&cases[1], to, UVCHAN_SEND, out);
  i = draw(&party->random, 3) == 0 ? uvchan_try_select(cases, 2)
                                   : uvchan_select_timedwait(cases, 2, short_time(&party->random));
  if (i < 0) {
    must(is_not_now(i));
    return i;
  }
  must(i < 2 &&
       (cases[i].status == 0 || (i == 0 ? is_end(cases[i].status) : cases[i].status == UV_EPIPE)));
  if (cases[i].status != 0) return cases[i].status;
  if (i == 0) note_received(from, order, in);
  if (i == 1) note_sent(to, number);
  return 1;
}

/* With the channels of the moment, until one has ended. */
static void trade(party_t* party) {
  epoch_t* from = epoch_pick(&party->random);
  epoch_t* to = epoch_pick(&party->random);
  order_t order;
  uint32_t steps = draw(&party->random, 400);
  ssize_t answer = 0;
  memset(&order, 0, sizeof(order));
  for (; steps > 0 && answer != UV_EPIPE && !is_end(answer); steps--) {
    switch (draw(&party->random, 5)) {
      case 0:
      case 1:
        answer = send_some(party, to);
        break;
      case 2:
      case 3:
        answer = receive_some(party, from, &order);
        break;
      default:
        answer = select_somehow(party, from, &order, to);
        break;
    }
  }
  epoch_leave(from);
  epoch_leave(to);
}

void do_jobs(void) {
  uvchan_waitgroup_t* group;
  while (uvchan_try_recv(jobs, &group) == 0) must(uvchan_waitgroup_done(group) == 0);
}

void run_plain(void* arg) {
  party_t* party = arg;
  uint32_t rounds = 1 + draw(&party->random, 20);
  count(&done.threads, 1);
  for (; rounds > 0 && !atomic_load(&is_over); rounds--) {
    trade(party);
    do_jobs();
  }
  atomic_store(&party->has_ended, 1);
}
