/* SPDX-License-Identifier: MIT */
/* Parcels, byte by byte: nothing depends on how a machine keeps numbers or lays out structures. */
#include "shop/parcel.h"

#include <string.h>

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void put(unsigned char* at, uint64_t number, int nbytes) {
  for (int i = 0; i < nbytes; i++) at[i] = (unsigned char)(number >> (8 * i));
}

static uint64_t get(const unsigned char* at, int nbytes) {
  uint64_t number = 0;

  for (int i = 0; i < nbytes; i++) number |= (uint64_t)at[i] << (8 * i);
  return number;
}

static uint32_t get4(const unsigned char* at) { return (uint32_t)get(at, 4); }

/* With its end: what is longer is cut. */
static void put_text(unsigned char* at, const char* text, size_t size) {
  size_t len = strlen(text);

  memcpy(at, text, len < size ? len : size - 1);
}

/* Answers 0, or -1 where its end is missing. */
static int get_text(const unsigned char* at, char* text, size_t size) {
  memcpy(text, at, size);
  return memchr(text, '\0', size) == NULL ? -1 : 0;
}

static int is_of_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

int party_is_valid(const char* name) {
  size_t len = strlen(name);

  for (size_t i = 0; i < len; i++) {
    if (!is_of_a_name(name[i])) return 0;
  }
  return len > 0 && len < PARTY_BYTES;
}

/* ---- Slips ----------------------------------------------------------------------------------- */

void slip_pack(const slip_t* slip, slip_bytes_t* bytes) {
  unsigned char* at = bytes->bytes;

  memset(bytes, 0, sizeof(*bytes));
  put(at, (uint64_t)slip->kind, 4);
  put(at + 4, slip->desk, 4);
  put(at + 8, slip->run, 8);
  put(at + 16, slip->number, 8);
  put(at + 24, slip->count, 4);
  put_text(at + 32, slip->server, PARTY_BYTES);
  put_text(at + 64, slip->pizza, PIZZA_BYTES);
}

int slip_unpack(const slip_bytes_t* bytes, slip_t* slip) {
  const unsigned char* at = bytes->bytes;
  uint32_t kind = get4(at);

  if (kind != SLIP_BAKE && kind != SLIP_CALL) return -1;
  *slip = (slip_t){.kind = (slip_kind_t)kind,
                   .desk = get4(at + 4),
                   .run = get(at + 8, 8),
                   .number = get(at + 16, 8),
                   .count = get4(at + 24)};
  if (get_text(at + 32, slip->server, PARTY_BYTES) != 0 || !party_is_valid(slip->server)) return -1;
  return get_text(at + 64, slip->pizza, PIZZA_BYTES);
}

/* ---- Reports --------------------------------------------------------------------------------- */

void report_pack(const report_t* report, report_bytes_t* bytes) {
  unsigned char* at = bytes->bytes;

  memset(bytes, 0, sizeof(*bytes));
  put(at, (uint64_t)report->kind, 4);
  put(at + 4, report->desk, 4);
  put(at + 8, report->run, 8);
  put(at + 16, report->number, 8);
  put(at + 24, (uint64_t)report->outcome, 4);
  put(at + 28, report->threads, 4);
  put(at + 32, report->bake_us, 8);
  put(at + 40, report->baked, 8);
  put(at + 48, report->length, 8);
  put(at + 56, report->busy, 4);
  put_text(at + 64, report->baker, PARTY_BYTES);
}

/* An order that was baked has an outcome, and nothing else has one. */
static int is_possible(uint32_t kind, uint32_t outcome) {
  if (kind < REPORT_BEGUN || kind > REPORT_LEAVING) return 0;
  return kind == REPORT_BAKED ? outcome >= OUTCOME_READY && outcome <= OUTCOME_NO_COOK
                              : outcome == OUTCOME_NONE;
}

int report_unpack(const report_bytes_t* bytes, report_t* report) {
  const unsigned char* at = bytes->bytes;
  uint32_t kind = get4(at);
  uint32_t outcome = get4(at + 24);

  if (!is_possible(kind, outcome)) return -1;
  *report = (report_t){.kind = (report_kind_t)kind,
                       .outcome = (outcome_t)outcome,
                       .desk = get4(at + 4),
                       .run = get(at + 8, 8),
                       .number = get(at + 16, 8),
                       .threads = get4(at + 28),
                       .bake_us = get(at + 32, 8),
                       .baked = get(at + 40, 8),
                       .length = get(at + 48, 8),
                       .busy = get4(at + 56)};
  if (get_text(at + 64, report->baker, PARTY_BYTES) != 0) return -1;
  return party_is_valid(report->baker) ? 0 : -1;
}
