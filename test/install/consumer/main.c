/* SPDX-License-Identifier: MIT */
/* A value goes from a thread over a typed channel to a loop, in a program outside the project. The
 * version of libuv that the argument names is the one that the program was compiled for, and the
 * one that it runs with. */
#include <stdio.h>
#include <string.h>
#include <uvchan.h>
#include <uvchan/typed.h>

UVCHAN_TYPED(numbers, int)

static int sum;

static void on_number(numbers_receiver_t* receiver, int status, const int* number) {
  if (status == UV_EOF) {
    numbers_receiver_close(receiver, NULL);
    return;
  }
  sum += *number;
}

static void produce(void* arg) {
  numbers_t* ch = arg;

  for (int i = 1; i <= 100; i++) numbers_send_wait(numbers_sendonly(*ch), i);
  numbers_close(numbers_sendonly(*ch));
}

static int is_version(const char* version) {
  char text[64];

  snprintf(text, sizeof(text), "%d.%d.%d", UV_VERSION_MAJOR, UV_VERSION_MINOR, UV_VERSION_PATCH);
  if (uv_version() == UV_VERSION_HEX && strcmp(text, version) == 0) return 1;
  fprintf(stderr, "consumer: compiled for libuv %s, runs with %s, and not %s\n", text,
          uv_version_string(), version);
  return 0;
}

int main(int argc, char** argv) {
  numbers_t ch;
  numbers_receiver_t receiver;
  uv_loop_t loop;
  uv_thread_t thread;

  if (argc > 1 && !is_version(argv[1])) return 1;
  if (uv_loop_init(&loop) != 0 || numbers_create(&ch, 4) != 0) return 1;
  if (numbers_receiver_init(&loop, &receiver, numbers_recvonly(ch)) != 0 ||
      numbers_recv_start(&receiver, on_number) != 0)
    return 1;
  if (uv_thread_create(&thread, produce, &ch) != 0) return 1;
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_thread_join(&thread);
  numbers_release(ch);
  printf("consumer: uvchan %s, sum %d\n", uvchan_version_string(), sum);
  return uv_loop_close(&loop) == 0 && sum == 5050 ? 0 : 1;
}
