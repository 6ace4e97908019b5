/* SPDX-License-Identifier: MIT */
/* A history as a table: a line for each operation, in the order in which they began, each thread
 * in a column of its own. */
#include <string.h>

#include "history.h"

#define COLUMN 40

typedef struct {
  char text[240];
  size_t n;
} line_t;

static void add(line_t* line, const char* text) {
  size_t n = strlen(text);

  if (n > sizeof(line->text) - 1 - line->n) n = sizeof(line->text) - 1 - line->n;
  memcpy(line->text + line->n, text, n);
  line->n += n;
  line->text[line->n] = '\0';
}

static void add_number(line_t* line, const char* before, int number) {
  char digits[16];

  snprintf(digits, sizeof(digits), "%d", number);
  add(line, before);
  add(line, digits);
}

static void add_result(line_t* line, int result) {
  if (result < 0) {
    add(line, uv_err_name(result));
  } else {
    add_number(line, "", result);
  }
}

static void add_channel(line_t* line, unsigned char channel) {
  static const char* const names[] = {"a", "b", "NULL"};

  add(line, names[channel]);
}

static void add_values(line_t* line, const char* before, const unsigned char* values, int n) {
  int i;

  for (i = 0; i < n; i++) add_number(line, i == 0 ? before : " ", values[i]);
}

/* ---- One operation --------------------------------------------------------------------------- */

static void add_one(line_t* line, const history_op_t* op) {
  static const char* const sends[] = {"try_send(", "send_wait(", "send_timed(", "send("};
  static const char* const receives[] = {"try_recv(", "recv_wait(", "recv_timed(", "recv("};
  const history_case_t* c = &op->cases[0];

  add(line, (c->sends ? sends : receives)[op->mode]);
  add_channel(line, c->channel);
  if (c->sends) add_number(line, ", ", c->value);
  add(line, ") = ");
  add_result(line, op->result);
  if (!c->sends && op->result == 0) add_number(line, ": ", c->value);
}

static void add_several(line_t* line, const history_op_t* op) {
  const history_case_t* c = &op->cases[0];

  add(line, op->mode == HISTORY_WAIT ? "" : "try_");
  add(line, c->sends ? "send" : "recv");
  add(line, op->mode == HISTORY_WAIT ? "_wait_n(" : "_n(");
  add_channel(line, c->channel);
  if (c->sends) {
    add_values(line, ", ", op->values, op->n);
  } else {
    add_number(line, ", ", op->n);
  }
  add(line, ") = ");
  add_result(line, op->result);
  if (!c->sends) add_values(line, ": ", op->values, op->result);
}

static void add_case(line_t* line, const history_case_t* c, int chosen) {
  add(line, c->sends ? "send " : "recv ");
  add_channel(line, c->channel);
  if (c->sends || (chosen && c->status == 0)) add_number(line, " ", c->value);
  if (chosen && c->status != 0) {
    add(line, " ");
    add(line, uv_err_name(c->status));
  }
}

static void add_select(line_t* line, const history_op_t* op) {
  static const char* const names[] = {"try_select{", "select_wait{", "select_timed{", "select{"};
  int i;

  add(line, names[op->mode]);
  for (i = 0; i < op->ncases; i++) {
    if (i > 0) add(line, ", ");
    add_case(line, &op->cases[i], i == op->result);
  }
  add(line, "} = ");
  add_result(line, op->result);
}

static void add_move(line_t* line, const history_op_t* op) {
  switch (op->form) {
    case HISTORY_ONE:
      add_one(line, op);
      break;
    case HISTORY_SEVERAL:
      add_several(line, op);
      break;
    default:
      add_select(line, op);
      break;
  }
}

static void add_other(line_t* line, const history_op_t* op) {
  static const char* const names[] = {
      "",       "close",      "abort",     "sender_add", "sender_done",       "len",  "is_closed",
      "cancel", "recv_start", "recv_stop", "take",       "callback returned", "turn", "release"};

  add(line, names[op->kind]);
  add(line, "(");
  if (op->kind == HISTORY_CANCEL) {
    add_number(line, "begun at ", (int)op->argument);
  } else {
    add_channel(line, op->cases[0].channel);
  }
  if (op->kind == HISTORY_ADD) add_number(line, ", ", op->n);
  if (op->kind == HISTORY_CLOSE || op->kind == HISTORY_ABORT) {
    add(line, ", ");
    add(line, uv_err_name(op->argument));
  }
  add(line, ")");
  if (op->kind == HISTORY_RELEASE || op->kind == HISTORY_REST) return;
  add(line, " = ");
  add_result(line, op->result);
  if (op->kind == HISTORY_TAKE) add_values(line, ": ", op->values, op->result);
  if (op->kind == HISTORY_START && op->form == HISTORY_SEVERAL)
    add_number(line, ", in runs of up to ", op->n);
}

static void print_op(FILE* out, const history_t* history, const history_op_t* op) {
  unsigned int column = op->thread < history->nthreads ? op->thread : history->nthreads;
  line_t line = {"", 0};

  if (op->kind == HISTORY_MOVE) {
    add_move(&line, op);
  } else {
    add_other(&line, op);
  }
  add_values(&line, " drops ", op->dropped, op->ndropped);
  if (op->mode == HISTORY_REQUEST) add_number(&line, ", made by ", (int)op->settled);
  fprintf(out, "%5u %5u  %*s%s\n", op->begin, op->end, (int)(column * COLUMN), "", line.text);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void print_channels(FILE* out, const history_t* history) {
  static const char* const policies[] = {"", ", drops its newest", ", drops its oldest"};
  unsigned int i;

  for (i = 0; i < history->nchannels; i++) {
    const history_channel_t* ch = &history->channels[i];

    fprintf(out, "%s%c: ", i == 0 ? "channel " : "; ", "ab"[i]);
    if (ch->capacity == UVCHAN_UNBOUNDED) {
      fprintf(out, "unbounded");
    } else {
      fprintf(out, ch->capacity == 0 ? "unbuffered" : "capacity %u%s", (unsigned int)ch->capacity,
              policies[ch->overflow]);
    }
    if (ch->max_age > 0) fprintf(out, ch->max_age == 1 ? ", soon old" : ", never old");
  }
  fprintf(out, "; values of %u bytes\n", (unsigned int)history->elem_size);
}

static void print_heads(FILE* out, const history_t* history) {
  unsigned int t;

  fprintf(out, "begin   end  ");
  for (t = 0; t < history->nthreads; t++) fprintf(out, "thread %-*u", COLUMN - 7, t);
  fprintf(out, "the last\n");
}

/* NULL where all operations were printed; a history has few enough to look for the next one each
 * time. */
static const history_op_t* next_after(const history_t* history, const history_op_t* before) {
  const history_op_t* next = NULL;
  unsigned int i;

  for (i = 0; i < history->nops; i++) {
    const history_op_t* op = &history->ops[i];

    if (before != NULL && op->begin <= before->begin) continue;
    if (next == NULL || op->begin < next->begin) next = op;
  }
  return next;
}

static void print_order(FILE* out, const history_t* history, const history_order_t* order) {
  static const char* const suffixes[] = {
      "", " past those who wait", " served", " waits", " finds no more", " withdraws", " cuts"};
  unsigned int i;

  fprintf(out, "The longest order that explains a part of it, by begin:");
  for (i = 0; i < order->n; i++) {
    fprintf(out, "%s %u%s", i == 0 ? "" : ",", history->ops[order->moves[i].op].begin,
            suffixes[order->moves[i].step]);
  }
  fprintf(out, "\n");
}

void history_print(FILE* out, const history_t* history, const history_order_t* order) {
  const history_op_t* op = NULL;

  fprintf(out, "History of seed %u. ", (unsigned int)history->seed);
  print_channels(out, history);
  print_heads(out, history);
  while ((op = next_after(history, op)) != NULL) print_op(out, history, op);
  if (order != NULL) print_order(out, history, order);
}
