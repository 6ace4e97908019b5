/* SPDX-License-Identifier: MIT */
/* The door of the server alone, with a system that refuses: accept() and calloc() fail where a test
 * says so. Clients are sockets of this process. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static int accept_error;            /* that it fails with, or 0 */
static unsigned int nfailures_left; /* before it goes on */
static unsigned int naccepts;
static int calloc_fails;

static int scarce_accept(int fd, struct sockaddr* address, socklen_t* len) {
  naccepts++;
  if (accept_error == 0 || nfailures_left == 0) return accept(fd, address, len);
  nfailures_left--;
  errno = accept_error;
  return -1;
}

static void* scarce_calloc(size_t n, size_t size) { return calloc_fails ? NULL : calloc(n, size); }

#define accept scarce_accept
#define calloc scarce_calloc
#include "http/door.c"
#undef accept
#undef calloc

#define FOREVER UINT_MAX
#define CLIENTS 8

#define want(holds)                                                           \
  do {                                                                        \
    if (holds) break;                                                         \
    fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #holds); \
    exit(EXIT_FAILURE);                                                       \
  } while (0)

/* ---- A scene: a loop, a door, clients -------------------------------------------------------- */

static uv_loop_t loop;
static door_t door;
static atomic_uint_least64_t nopen, nrefusals;
static unsigned int nentered, nknocks;
static int is_full;
static connection_t* inside[CLIENTS];
static int clients[CLIENTS];
static unsigned int nclients;

static int has_room(door_t* at) {
  (void)at;
  return !is_full;
}

static void enter(door_t* at, connection_t* connection) {
  (void)at;
  inside[nentered++] = connection;
}

static void knock(door_t* at) {
  (void)at;
  nknocks++;
}

static const door_calls_t calls = {.has_room = has_room, .enter = enter, .knock = knock};

static void open_scene(uint64_t most) {
  struct sockaddr_in address;

  accept_error = calloc_fails = is_full = 0;
  naccepts = nentered = nknocks = nclients = 0;
  atomic_store(&nopen, 0);
  atomic_store(&nrefusals, 0);
  want(uv_loop_init(&loop) == 0);
  want(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
  want(door_listen(&door, &loop, (const struct sockaddr*)&address, &calls, NULL) == 0);
  door_open(&door, most, &nopen, &nrefusals);
}

static void come(unsigned int n) {
  for (unsigned int i = 0; i < n; i++) {
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    int client = socket(AF_INET, SOCK_STREAM, 0);

    want(client >= 0 && getsockname(door.fd, (struct sockaddr*)&address, &len) == 0);
    want(connect(client, (const struct sockaddr*)&address, len) == 0);
    clients[nclients++] = client;
  }
}

/* One that was let in leaves. */
static void leave(unsigned int i) {
  close(inside[i]->socket);
  free(inside[i]);
  inside[i] = NULL;
  door_left(&door);
}

/* Turns the loop until so many were let in; that fewer never come is what the test's limit of time
 * tells. */
static void run_until_entered(unsigned int n) {
  while (nentered < n) uv_run(&loop, UV_RUN_ONCE);
  want(nentered == n && atomic_load(&nopen) <= door.most);
}

/* Nothing is to come of the loop now but timers. */
static void run_what_is_there(void) {
  for (int i = 0; i < 3; i++) uv_run(&loop, UV_RUN_NOWAIT);
}

static void run_until_refused(unsigned int n) {
  while (atomic_load(&nrefusals) < n) uv_run(&loop, UV_RUN_ONCE);
}

static void close_scene(void) {
  for (unsigned int i = 0; i < nentered; i++)
    if (inside[i] != NULL) leave(i);
  want(atomic_load(&nopen) == 0);
  for (unsigned int i = 0; i < nclients; i++) close(clients[i]);
  door_stop(&door);
  uv_run(&loop, UV_RUN_DEFAULT);
  want(uv_loop_close(&loop) == 0);
}

/* ---- What holds ------------------------------------------------------------------------------ */

/* One try for each pause, so a system without resources costs no processor. */
static void tries_once_in_a_while_when_the_system_refuses(int error) {
  open_scene(CLIENTS);
  accept_error = error;
  nfailures_left = FOREVER;
  naccepts = 0;
  come(2);
  run_until_refused(3);
  want(naccepts == 3 && nentered == 0);
  run_what_is_there();
  want(naccepts == 3);
  accept_error = 0;
  run_until_entered(2);
  close_scene();
}

static void comes_back_when_a_client_leaves(void) {
  open_scene(CLIENTS);
  come(1);
  run_until_entered(1);
  accept_error = EMFILE;
  nfailures_left = FOREVER;
  come(1);
  run_until_refused(1);
  accept_error = 0;
  leave(0);
  want(nknocks == 1);
  door_look(&door);
  want(nentered == 2);
  close_scene();
}

/* Nobody is accepted who could not be served. */
static void leaves_clients_outside_without_memory(void) {
  open_scene(CLIENTS);
  calloc_fails = 1;
  naccepts = 0;
  come(2);
  run_until_refused(3);
  want(naccepts == 0);
  calloc_fails = 0;
  run_until_entered(2);
  close_scene();
}

static void goes_on_after_a_client_that_failed(int error) {
  open_scene(CLIENTS);
  accept_error = error;
  nfailures_left = 3;
  come(2);
  run_until_entered(2);
  want(atomic_load(&nrefusals) == 0);
  close_scene();
}

static void lets_in_no_more_than_the_limit(void) {
  open_scene(2);
  come(4);
  run_until_entered(2);
  run_what_is_there();
  want(nentered == 2 && nknocks == 0 && atomic_load(&nrefusals) == 0);
  leave(0);
  want(nknocks == 1);
  door_look(&door);
  want(nentered == 3);
  leave(1);
  door_look(&door);
  want(nentered == 4);
  close_scene();
}

static void is_not_knocked_at_while_it_is_open(void) {
  open_scene(CLIENTS);
  come(1);
  run_until_entered(1);
  leave(0);
  door_hold(&door);
  door_unhold(&door);
  want(nknocks == 0);
  close_scene();
}

/* A hold keeps all out, a room that was found lets in one, the end of the last hold all. */
static void is_held_from_outside(void) {
  open_scene(CLIENTS);
  door_hold(&door);
  door_hold(&door);
  come(4);
  run_what_is_there();
  want(nentered == 0);
  door_found_room(&door);
  want(nknocks == 1);
  door_look(&door);
  run_what_is_there();
  want(nentered == 1);
  door_unhold(&door);
  want(nknocks == 1);
  door_unhold(&door);
  want(nknocks == 2);
  door_look(&door);
  want(nentered == 4);
  close_scene();
}

/* A room that was found while nobody waited lets nobody in later. */
static void forgets_room_that_nobody_took(void) {
  open_scene(CLIENTS);
  door_found_room(&door);
  door_hold(&door);
  door_found_room(&door);
  door_look(&door);
  come(2);
  run_what_is_there();
  want(nentered == 0);
  door_unhold(&door);
  door_look(&door);
  want(nentered == 2);
  close_scene();
}

static void waits_while_nobody_could_take_a_client(void) {
  open_scene(CLIENTS);
  is_full = 1;
  naccepts = 0;
  come(1);
  run_until_refused(2);
  want(naccepts == 0);
  is_full = 0;
  run_until_entered(1);
  close_scene();
}

static void stops_while_clients_wait(void) {
  open_scene(1);
  come(3);
  run_until_entered(1);
  door_stop(&door);
  door_look(&door);
  leave(0);
  want(nentered == 1);
  close_scene();
}

static void says_that_the_address_is_taken(void) {
  struct sockaddr_in address;
  socklen_t len = sizeof(address);
  door_t second;

  open_scene(1);
  want(getsockname(door.fd, (struct sockaddr*)&address, &len) == 0);
  want(door_listen(&second, &loop, (const struct sockaddr*)&address, &calls, NULL) ==
       UV_EADDRINUSE);
  close_scene();
}

int main(void) {
  static const int scarce[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, EINVAL};
  static const int passing[] = {EINTR, ECONNABORTED, EPROTO};

  for (size_t i = 0; i < sizeof(scarce) / sizeof(*scarce); i++)
    tries_once_in_a_while_when_the_system_refuses(scarce[i]);
  for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
    goes_on_after_a_client_that_failed(passing[i]);
  comes_back_when_a_client_leaves();
  leaves_clients_outside_without_memory();
  lets_in_no_more_than_the_limit();
  is_not_knocked_at_while_it_is_open();
  is_held_from_outside();
  forgets_room_that_nobody_took();
  waits_while_nobody_could_take_a_client();
  stops_while_clients_wait();
  says_that_the_address_is_taken();
  puts("door: all holds");
  return EXIT_SUCCESS;
}
