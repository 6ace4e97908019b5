/* SPDX-License-Identifier: MIT */
/* Send and receive requests: their memory, their channel, their arguments, and what counts as
 * waiting. */
#include <stdlib.h>

#include "scene.h"

typedef struct {
  uvchan_send_t send;
  uvchan_recv_t recv;
  uint64_t out;
  uint64_t in;
  uint64_t expected;
  uvchan_t* ch;
} chain_t;

static void send_next(uvchan_send_t* req, int status) {
  chain_t* chain = req->data;
  must(status == 0);
  if (++chain->out < 100) must(uvchan_send(req->loop, req, chain->ch, &chain->out, send_next) == 0);
}

static void recv_next(uvchan_recv_t* req, int status) {
  chain_t* chain = req->data;
  must(status == 0);
  must(chain->in == chain->expected);
  if (++chain->expected < 100)
    must(uvchan_recv(req->loop, req, chain->ch, &chain->in, recv_next) == 0);
}

START_TEST(a_request_may_be_used_again_in_its_callback) {
  chain_t chain;

  memset(&chain, 0, sizeof(chain));
  chain.ch = support_channel(8, support_capacities[_i]);
  chain.send.data = &chain;
  chain.recv.data = &chain;
  ck_assert_int_eq(uvchan_send(&scene.loop, &chain.send, chain.ch, &chain.out, send_next), 0);
  ck_assert_int_eq(uvchan_recv(&scene.loop, &chain.recv, chain.ch, &chain.in, recv_next), 0);
  ck_assert_ptr_eq(chain.send.data, &chain);
  ck_assert_ptr_eq(chain.send.loop, &scene.loop);
  ck_assert_ptr_eq(chain.recv.loop, &scene.loop);
  scene_run();
  ck_assert_uint_eq(chain.out, 100);
  ck_assert_uint_eq(chain.in, 99);
  scene_finish_loop();
  uvchan_release(chain.ch);
}
END_TEST

START_TEST(a_pending_request_holds_its_channel) {
  uvchan_t* ch = support_channel(8, support_capacities[_i]);
  recv_op_t recv;

  recv_op(&recv, &scene.loop, ch);
  ck_assert_int_eq(try_send(ch, 5), 0);
  uvchan_release(ch);
  scene_finish_loop();
  check_received(&recv, 5);
}
END_TEST

static unsigned int freed;

static void free_send(uvchan_send_t* req, int status) {
  must(status == UV_EPIPE || status == UV_ECANCELED);
  freed++;
  free(req);
}

static void free_recv(uvchan_recv_t* req, int status) {
  must(status == UV_EOF || status == UV_ECANCELED);
  freed++;
  free(req);
}

static void free_select(uvchan_select_t* req, int index) {
  must(index == 5 || index == UV_ECANCELED);
  freed++;
  free(req);
}

static uvchan_case_t cases_of_the_test[6];

static void begin_all(uv_loop_t* loop, uvchan_t* ch, uint64_t* value, uvchan_req_t** reqs) {
  uvchan_send_t* send = malloc(sizeof(*send));
  uvchan_recv_t* recv = malloc(sizeof(*recv));
  uvchan_select_t* select = malloc(sizeof(*select));
  must(send != NULL && recv != NULL && select != NULL);
  cases_of_the_test[5].ch = ch;
  cases_of_the_test[5].op = UVCHAN_RECV;
  cases_of_the_test[5].value = value;
  must(uvchan_recv(loop, recv, ch, value, free_recv) == 0);
  must(uvchan_select(loop, select, cases_of_the_test, 6, free_select) == 0);
  reqs[0] = (uvchan_req_t*)recv;
  reqs[1] = (uvchan_req_t*)select;
  must(uvchan_close(ch) == 0);
  must(uvchan_send(loop, send, ch, value, free_send) == 0);
}

START_TEST(a_request_may_be_freed_in_its_callback) {
  uint64_t value = 0;
  uvchan_req_t* reqs[2];
  uvchan_recv_t* cancelled = malloc(sizeof(*cancelled));
  uvchan_t* ch = support_channel(8, support_capacities[_i]);

  ck_assert_ptr_nonnull(cancelled);
  freed = 0;
  ck_assert_int_eq(uvchan_recv(&scene.loop, cancelled, ch, &value, free_recv), 0);
  ck_assert_int_eq(uvchan_cancel((uvchan_req_t*)cancelled), 0);
  begin_all(&scene.loop, ch, &value, reqs);
  ck_assert_int_eq(uvchan_cancel(reqs[0]), UV_EBUSY);
  ck_assert_int_eq(uvchan_cancel(reqs[1]), UV_EBUSY);
  uvchan_release(ch);
  scene_finish_loop();
  ck_assert_uint_eq(freed, 4);
}
END_TEST

START_TEST(requests_with_a_null_pointer_are_refused_and_never_call_back) {
  uvchan_t* ch = support_channel(8, 3);
  uv_loop_t loop;
  send_op_t send;
  recv_op_t recv;

  support_loop_open(&loop);
  memset(&send, 0, sizeof(send));
  memset(&recv, 0, sizeof(recv));
  ck_assert_int_eq(uvchan_send(NULL, &send.req, ch, &send.value, send_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_send(&loop, NULL, ch, &send.value, send_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_send(&loop, &send.req, NULL, &send.value, send_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_send(&loop, &send.req, ch, NULL, send_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv(NULL, &recv.req, ch, &recv.value, recv_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv(&loop, NULL, ch, &recv.value, recv_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv(&loop, &recv.req, NULL, &recv.value, recv_op_done), UV_EINVAL);
  ck_assert_int_eq(uvchan_recv(&loop, &recv.req, ch, NULL, recv_op_done), UV_EINVAL);
  ck_assert_int_eq(uv_loop_close(&loop), 0);
  ck_assert_uint_eq(send.calls + recv.calls, 0);
  ck_assert_uint_eq(rest(ch).sent, 0);
  uvchan_release(ch);
}
END_TEST

START_TEST(signals_without_a_value_need_no_pointer) {
  uvchan_t* ch = support_channel(0, support_capacities[_i]);
  send_op_t send;
  recv_op_t recv;

  memset(&send, 0, sizeof(send));
  memset(&recv, 0, sizeof(recv));
  ck_assert_int_eq(uvchan_send(&scene.loop, &send.req, ch, NULL, send_op_done), 0);
  ck_assert_int_eq(uvchan_recv(&scene.loop, &recv.req, ch, NULL, recv_op_done), 0);
  scene_run();
  ck_assert_uint_eq(send.calls, 1);
  ck_assert_uint_eq(recv.calls, 1);
  ck_assert_int_eq(send.status, 0);
  ck_assert_int_eq(recv.status, 0);
  scene_finish_loop();
  uvchan_release(ch);
}
END_TEST

START_TEST(pending_requests_count_as_waiting) {
  uvchan_t* ch = scene_channel(0);
  send_op_t sends[3];
  recv_op_t recvs[2];
  int i;

  for (i = 0; i < 3; i++) send_op(&sends[i], &scene.loop, ch, 0);
  ck_assert_uint_eq(rest(ch).waiting_senders, 3);
  ck_assert_uint_eq(rest(ch).waiting_receivers, 0);
  for (i = 0; i < 3; i++) ck_assert(takes(ch, 0));
  ck_assert_uint_eq(rest(ch).waiting_senders, 0);
  for (i = 0; i < 2; i++) recv_op(&recvs[i], &scene.loop, ch);
  ck_assert_uint_eq(rest(ch).waiting_receivers, 2);
  ck_assert_int_eq(uvchan_close(ch), 0);
  ck_assert_uint_eq(rest(ch).waiting_receivers, 0);
  scene_finish();
}
END_TEST

int main(void) {
  Suite* suite = suite_create("request-life");
  TCase* life = scene_tcase(suite, "life");

  tcase_add_loop_test(life, a_request_may_be_used_again_in_its_callback, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(life, a_pending_request_holds_its_channel, 0, SUPPORT_NCAPACITIES);
  tcase_add_loop_test(life, a_request_may_be_freed_in_its_callback, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(life, requests_with_a_null_pointer_are_refused_and_never_call_back);
  tcase_add_loop_test(life, signals_without_a_value_need_no_pointer, 0, SUPPORT_NCAPACITIES);
  tcase_add_test(life, pending_requests_count_as_waiting);
  return support_main(suite);
}
