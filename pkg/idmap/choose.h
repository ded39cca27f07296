/* choose: which ids a container's own user namespace has: --userns, --uidmap, --gidmap as podman-run(1) describes them. Only words and numbers; nothing is made.
 *
 * "Parent" is the table of the namespace that all of the user's containers share: inside: the ids that --uidmap calls intermediate, outside: the host's. What is chosen is a table
 * whose outside ids are the parent's inside ones. */
#pragma once

#include <glib.h>

#include "pkg/idmap/idmap.h"

typedef enum {
  USERNS_HOST,       /* the shared one; also "" and what is not given */
  USERNS_SINGLE,     /* the shared one of a single id */
  USERNS_KEEP_ID,
  USERNS_NOMAP,
  USERNS_AUTO,
  USERNS_CONTAINER,  /* other: name or id */
  USERNS_PATH,       /* other: path */
  USERNS_PRIVATE,    /* what --uidmap and the like ask for */
} UsernsKind;

typedef struct {
  UsernsKind kind;
  gint64 uid, gid, size;              /* keep-id, auto; -1 = not given */
  GPtrArray *uidmapping, *gidmapping; /* auto: words "CONTAINER:[@]PARENT[:COUNT]" */
  char *other;
} UsernsMode;
void userns_mode_clear (UsernsMode *mode);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (UsernsMode, userns_mode_clear)

/* userns_mode_parse: @text may be NULL. Errors: INVALID. */
gboolean userns_mode_parse (const char *text, UsernsMode *ret_mode, GError **error);

/* A table in the making: an array of IdRange. */
/* choose_keep_id: the caller's own id, the parent's 0, becomes @own; the others fill the rest. @size: how many in all, -1 = all the parent has. */
GArray *choose_keep_id (const IdRange *parent, size_t n_parent, guint32 own, gint64 size);
/* choose_all_but_own: nomap: all but the parent's 0. Empty when there are none. */
GArray *choose_all_but_own (const IdRange *parent, size_t n_parent);
/* choose_all: each id of the parent as itself. */
GArray *choose_all (const IdRange *parent, size_t n_parent);
/* choose_words: --uidmap (@kind 'u') or --gidmap ('g'): words "[+ug]CONTAINER:[@]PARENT[:COUNT]"; those marked for the other kind alone are passed over. @ret_ranges is empty if none is left.
 * @parent: NULL: words are only read, for their form. Errors: INVALID malformed, in conflict, not in the parent. */
gboolean choose_words (const char *const *words, char kind, const IdRange *parent, size_t n_parent, GArray **ret_ranges, GError **error);
/* choose_auto: @size ids from 0 up, of those in the parent that are not 0 and not in @used (array of IdRange, outside); @forced words first.
 * Errors: INVALID as choose_words; NO_SPACE there are not so many. */
gboolean choose_auto (guint32 size, const char *const *forced, char kind, const GArray *used, const IdRange *parent, size_t n_parent, GArray **ret_ranges, GError **error);
/* choose_subid: the container's 0… are the host's @ranges (array of SubidRange) in order. Errors: DENIED one of them is not in the parent. */
gboolean choose_subid (const GArray *ranges, const char *name, const IdRange *parent, size_t n_parent, GArray **ret_ranges, GError **error);
