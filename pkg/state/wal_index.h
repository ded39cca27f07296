/* wal_index: the index of SQLite's write-ahead log (state.db-shm) kept from one command to the next. Internal to pkg/state.
 *
 * Who finds nobody else connected empties the index and reads the whole log to make it anew, for the computer may have crashed since: 0.5 to 1 ms, a tenth of a container's start. Within
 * one boot the index is as the last process left it, also one that was killed: SQLite's own rules for a process that dies beside others hold. So we vouch for it: a read lock on the byte
 * by which connections see each other, when
 *   - the index carries our mark (user.coracle.index): this boot and the inodes of the three files, so that no copy, and nothing from before a crash, is taken for it;
 *   - its header fits the log: the same salts, and the checksum over the whole log as the last frame has it.
 * Else SQLite does as always, and the mark is made then. Source: "WAL-mode File Format" (sqlite.org/walformat.html), fcntl(2): open file description locks. */
#pragma once

#include <glib.h>

/* wal_index_vouch: before state.db in the folder @root is opened. Returns a descriptor to be closed after the database (closing it earlier would take this process's record locks on the
 * file away), or -1: not vouched for. */
int wal_index_vouch (const char *root);
/* wal_index_mark: when a database for which nobody vouched has been read from: from now on it may be. The same descriptor, or -1. */
int wal_index_mark (const char *root);
