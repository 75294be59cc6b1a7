/* list.h: circular doubly linked lists whose links live inside their members. */
#ifndef SB_LIST_H
#define SB_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sb_link {
    struct sb_link *prev, *next;
} sb_link;

/* The struct that holds `link` as its member `field`. */
#define SB_ENTRY(link, type, field) ((type *)(void *)((char *)(link)-offsetof(type, field)))

static inline void sb_list_init(sb_link *head) {
    head->prev = head->next = head;
}
static inline bool sb_list_is_empty(const sb_link *head) {
    return head->next == head;
}
static inline void sb_list_append(sb_link *head, sb_link *link) {
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}
/* Harmless on a link that is in no list, as long as it was initialised. */
static inline void sb_list_remove(sb_link *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = link;
}

#endif
