/* record: RUN_ROOT/userns and RUN_ROOT/userns.single: who is in the shared user namespace, and the lock for making one. Private to idmap. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "pkg/idmap/idmap.h"

typedef struct {
  int fd;        /* of the user namespace, for setns */
  ino_t inode;
  IdMap *map;    /* mode RANGE or SINGLE */
} RecordLive;
void record_live_clear (RecordLive *live);

/* record_open: open, and create, the record of @single or ranged namespaces, and lock it (waits). Returns the descriptor or -errno; closing it unlocks. */
int record_open (const char *run_root, gboolean single, gboolean create);
/* record_lock, record_unlock: again, on an open one. record_lock: 0 or -errno. */
int record_lock (int fd);
void record_unlock (int fd);

/* record_find: a live namespace of @single's kind that belongs to us: by the record @fd (locked), newest line first, else by any monitor's pid file, which is then
 * added to the record. Also shortens a record that has grown long. FALSE: there is none. */
gboolean record_find (int fd, const char *run_root, gboolean single, RecordLive *ret_live);

/* record_newest: the inode in the last line of @fd (locked); 0 if there is none. */
ino_t record_newest (int fd);

/* record_add: add "PID INODE" to @fd (locked). Returns 0 or -errno. */
int record_add (int fd, pid_t pid, ino_t inode);
