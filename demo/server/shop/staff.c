/* SPDX-License-Identifier: MIT */
/* A short list in the order of names, so that a page shows each at its place. */
#include "shop/staff.h"

#include <string.h>

/* The place of the name, or where it would stand. */
static size_t place_of(const staff_t* staff, const char* name) {
  size_t at = 0;

  while (at < staff->n && strcmp(staff->members[at].name, name) < 0) at++;
  return at;
}

static void take_out(staff_t* staff, size_t at) {
  staff->n--;
  memmove(&staff->members[at], &staff->members[at + 1], (staff->n - at) * sizeof(*staff->members));
}

/* Answers NULL where there are too many. */
static member_t* make_place(staff_t* staff, size_t at) {
  if (staff->n == STAFF_MAX) return NULL;
  memmove(&staff->members[at + 1], &staff->members[at], (staff->n - at) * sizeof(*staff->members));
  staff->n++;
  return &staff->members[at];
}

void staff_hear(staff_t* staff, const report_t* report, uint64_t now_ms) {
  size_t at = place_of(staff, report->baker);
  int is_known = at < staff->n && strcmp(staff->members[at].name, report->baker) == 0;
  member_t* member;

  if (report->kind == REPORT_LEAVING) {
    if (is_known) take_out(staff, at);
    return;
  }
  member = is_known ? &staff->members[at] : make_place(staff, at);
  if (member == NULL) return;
  *member = (member_t){
      .threads = report->threads, .busy = report->busy, .baked = report->baked, .seen_ms = now_ms};
  memcpy(member->name, report->baker, sizeof(member->name));
}

void staff_look(staff_t* staff, uint64_t now_ms) {
  for (size_t i = staff->n; i-- > 0;) {
    if (now_ms - staff->members[i].seen_ms > STAFF_SILENCE_MS) take_out(staff, i);
  }
}

uint64_t staff_threads(const staff_t* staff) {
  uint64_t n = 0;

  for (size_t i = 0; i < staff->n; i++) n += staff->members[i].threads;
  return n;
}
