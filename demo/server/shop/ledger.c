/* SPDX-License-Identifier: MIT */
/* Numbers are given out one after the other, so pages are equally long without a hash. */
#include "shop/ledger.h"

static size_t page_of(uint64_t number) { return (size_t)(number % LEDGER_PAGES); }

void ledger_add(ledger_t* ledger, entry_t* entry, uint64_t number) {
  entry_t** page = &ledger->pages[page_of(number)];

  *entry = (entry_t){.number = number, .below = *page, .prev = ledger->youngest};
  *page = entry;
  if (ledger->youngest == NULL) {
    ledger->eldest = entry;
  } else {
    ledger->youngest->next = entry;
  }
  ledger->youngest = entry;
  ledger->n++;
}

static void strike_from_page(ledger_t* ledger, const entry_t* entry) {
  entry_t** at = &ledger->pages[page_of(entry->number)];

  while (*at != entry) at = &(*at)->below;
  *at = entry->below;
}

void ledger_strike(ledger_t* ledger, entry_t* entry) {
  strike_from_page(ledger, entry);
  if (entry->prev == NULL) {
    ledger->eldest = entry->next;
  } else {
    entry->prev->next = entry->next;
  }
  if (entry->next == NULL) {
    ledger->youngest = entry->prev;
  } else {
    entry->next->prev = entry->prev;
  }
  ledger->n--;
}

entry_t* ledger_find(const ledger_t* ledger, uint64_t number) {
  entry_t* entry = ledger->pages[page_of(number)];

  while (entry != NULL && entry->number != number) entry = entry->below;
  return entry;
}
