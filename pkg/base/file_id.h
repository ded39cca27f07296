/* file_id: which file it is, whatever its names: for whoever walks a tree and meets hard links. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  dev_t device;
  ino_t inode;
} FileId;

/* For a GHashTable whose keys are FileId. */
guint file_id_hash (const void *key);
gboolean file_id_equal (const void *a, const void *b);
