/* SPDX-License-Identifier: MIT */
/* Tickers: a timer of the loop that sends the time to a channel. Threads: the loop's. Knows the
 * channel's sends, and no hub: what it sends wakes the receiver's loop as any send does.
 *
 * The k-th tick is due at start + timeout + k * period, whenever the loop runs its timers: libuv's
 * own repeat counts from when it does, so each loop turn that is late would move all later ticks.
 * The timer keeps the period as its repeat, and is set anew for each tick. */
#include "channel/call.h"
#include "ground/platform.h"
#include "wake/closing.h"

enum { OPEN = 1, CLOSING = 2 };

static int is_usable(const uvchan_ticker_t* ticker) {
  return ticker != NULL && ticker->flags == OPEN;
}

int uvchan_ticker_init(uv_loop_t* loop, uvchan_ticker_t* ticker, uvchan_t* ch) {
  if (loop == NULL || ticker == NULL || ch == NULL || uvchan__size_to_send(ch) != sizeof(uint64_t))
    return UV_EINVAL;
  uv_timer_init(loop, &ticker->timer);
  ticker->timer.data = ticker;
  ticker->loop = loop;
  ticker->channel = uvchan_retain(ch);
  ticker->missed = 0;
  ticker->close_cb = NULL;
  ticker->flags = OPEN;
  return 0;
}

/* A time beyond the end of the clock is never. */
static uint64_t later_by(uint64_t time, uint64_t ms) {
  return ms > UINT64_MAX - time ? UINT64_MAX : time + ms;
}

static void on_timer(uv_timer_t* timer);

/* Sets the timer for the first tick that is due after now; answers how many have become due since
 * it was set last. due has come, since no timer runs before its time: so `passed` is not negative,
 * and due + passed * period is at most now. Only the next one may lie beyond the end of the
 * clock. */
static uint64_t set_next(uvchan_ticker_t* ticker, uint64_t now) {
  uint64_t period = uv_timer_get_repeat(&ticker->timer);
  uint64_t passed;

  if (period == 0) return 1;
  passed = (now - ticker->due) / period;
  ticker->due = later_by(ticker->due + passed * period, period);
  uv_timer_start(&ticker->timer, on_timer, ticker->due - now, period);
  return passed + 1;
}

/* The timer is set before the send, whose drop_cb may stop, start or close the ticker. */
static void on_timer(uv_timer_t* timer) {
  uvchan_ticker_t* ticker = timer->data;
  uint64_t now = uv_now(ticker->loop);
  uint64_t due = set_next(ticker, now);
  int r = uvchan__send_now(ticker->channel, &now, NULL);

  if (r == UV_EPIPE) {
    uv_timer_stop(timer);
  } else {
    ticker->missed += r == 0 ? due - 1 : due;
  }
}

int uvchan_ticker_start(uvchan_ticker_t* ticker, uint64_t timeout, uint64_t repeat) {
  int r;

  if (!is_usable(ticker)) return UV_EINVAL;
  r = uv_timer_start(&ticker->timer, on_timer, timeout, repeat);
  if (r == 0) ticker->due = later_by(uv_now(ticker->loop), timeout);
  return r;
}

int uvchan_ticker_stop(uvchan_ticker_t* ticker) {
  if (ticker == NULL) return UV_EINVAL;
  return uv_timer_stop(&ticker->timer);
}

uint64_t uvchan_ticker_missed(const uvchan_ticker_t* ticker) {
  return ticker == NULL ? 0 : ticker->missed;
}

void uvchan_ticker_ref(uvchan_ticker_t* ticker) {
  if (is_usable(ticker)) uv_ref((uv_handle_t*)&ticker->timer);
}

void uvchan_ticker_unref(uvchan_ticker_t* ticker) {
  if (is_usable(ticker)) uv_unref((uv_handle_t*)&ticker->timer);
}

static void on_closed(uv_handle_t* handle) {
  uvchan_ticker_t* ticker = handle->data;
  uvchan_t* ch = ticker->channel;

  if (ticker->close_cb != NULL) ticker->close_cb(ticker);
  uvchan_release(ch);
}

/* Where a stranger has closed the timer and taken no callback, the ticker's own comes once the
 * timer is finished: here and now where it is already, for then the loop may be gone. */
void uvchan_ticker_close(uvchan_ticker_t* ticker, uvchan_ticker_close_cb cb) {
  if (!is_usable(ticker)) return;
  ticker->flags = CLOSING;
  ticker->close_cb = cb;
  if (uvchan__handle_is_closed((uv_handle_t*)&ticker->timer)) {
    on_closed((uv_handle_t*)&ticker->timer);
  } else if (uv_is_closing((uv_handle_t*)&ticker->timer)) {
    ticker->later.idle.data = ticker;
    uvchan__after_closing(ticker->loop, &ticker->later, on_closed);
  } else {
    uv_close((uv_handle_t*)&ticker->timer, on_closed);
  }
}
