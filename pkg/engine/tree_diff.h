/* tree_diff: what differs between two trees of files, or what an overlay's upper folder changes of what lies below it. */
#pragma once

#include <glib.h>

typedef struct {
  char kind;    /* 'A' added, 'C' changed, 'D' deleted */
  char *path;   /* "/etc/group" */
} TreeChange;
void tree_change_free (TreeChange *change);

/* tree_diff_layer: what the overlay folder @upper (an upper, or an image's layer) changes of @lower, the mounted rest; @lower -1: there is nothing below it, all is added.
 * A folder made anew is deleted and its content added; a folder is changed when its owner, mode or time is, or something was added to it or deleted from it.
 * Both descriptors are readable and borrowed. @ret_changes: of TreeChange, folders before what is in them, sorted by name; free with g_ptr_array_unref.
 * Runs in: the user namespace. No link is followed. */
gboolean tree_diff_layer (int upper, int lower, GPtrArray **ret_changes, GError **error);

/* tree_diff_roots: what makes the tree @new of the tree @old. What is below a deleted folder is not told of; a folder in which something differs is changed. */
gboolean tree_diff_roots (int new, int old, GPtrArray **ret_changes, GError **error);
