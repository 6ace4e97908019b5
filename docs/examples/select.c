/* SPDX-License-Identifier: MIT */
/* The first of several sends and receives that can go on. */
#include <stdio.h>
#include <uvchan.h>

static uvchan_t* mail;
static uvchan_t* quit;
static int letter;

/* What arrives, or the end, whichever comes first. */
static void look(const char* how, uvchan_case_t* cases, int chosen) {
  if (chosen < 0) {
    printf("%s: %s\n", how, uv_err_name(chosen));
  } else if (cases[chosen].ch == quit) {
    printf("%s: time to go\n", how);
  } else {
    printf("%s: letter %d\n", how, letter);
  }
}

static void on_selected(uvchan_select_t* req, int index) { look("on a loop", req->cases, index); }

int main(void) {
  uv_loop_t* loop = uv_default_loop();
  uvchan_select_t req;
  int sent = 7;

  if (uvchan_create(&mail, sizeof(int), 1) != 0 || uvchan_create(&quit, 0, 0) != 0) return 1;
  uvchan_case_t cases[] = {{.ch = mail, .op = UVCHAN_RECV, .value = &letter},
                           {.ch = quit, .op = UVCHAN_RECV}};

  look("try", cases, uvchan_try_select(cases, 2)); /* Go's default branch */
  look("a while", cases, uvchan_select_timedwait(cases, 2, 1000000));
  uvchan_try_send(mail, &sent);
  look("wait", cases, uvchan_select_wait(cases, 2));
  uvchan_close(quit);
  if (uvchan_select(loop, &req, cases, 2, on_selected) != 0) return 1;
  uv_run(loop, UV_RUN_DEFAULT);
  uvchan_release(mail);
  uvchan_release(quit);
  return uv_loop_close(loop);
}
