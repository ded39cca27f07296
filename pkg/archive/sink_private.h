/* What the sinks that are folders share. */
#pragma once

#include "pkg/archive/sink.h"

/* folder_open: make @path if need be and open it. -1 with @error: INVALID it is no folder; NOT_FOUND the one above it is missing. */
int folder_open (const char *path, GError **error);
/* folder_put: the file @name of @folder_fd with @size bytes of @fd; a whole file of that size there is success: names are digests. It has the name when it is whole. */
gboolean folder_put (int folder_fd, const char *name, int fd, gint64 size, GError **error);
/* folder_put_data: a document, replaced by rename. */
gboolean folder_put_data (int folder_fd, const char *name, const void *data, size_t size, GError **error);
