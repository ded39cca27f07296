/* copy_place: where a path of `cp` leads, on the host or in a container. Internal to pkg/engine. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

typedef struct {
  char *container;      /* name or id as given; NULL: the host's */
  char *path;           /* as given, without the container */
  gboolean stream;      /* "-" */
  gboolean slash, dot;  /* @path ends in "/"; in "/." (or is "."): the content rather than the folder */
  /* after place_find: */
  int dir_fd;           /* O_PATH of the folder it is in */
  char *name;           /* its name there, which is no link; "." for "/" */
  gboolean exists;
  struct stat st;       /* if it exists */
} CopyPlace;
#define COPY_PLACE_INIT { .dir_fd = -1 }
void copy_place_clear (CopyPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CopyPlace, copy_place_clear)

/* copy_place_parse: "CONTAINER:PATH"; what begins with "." or "/", or has no colon, is the host's. */
void copy_place_parse (const char *text, CopyPlace *ret_place);

/* copy_place_find_host: links are followed with the caller's rights. A missing last component is no error. Returns 0 or -errno. */
int copy_place_find_host (CopyPlace *place);
/* copy_place_find_container: the same below @root_fd, which no link leaves; @cwd: where relative paths begin. */
int copy_place_find_container (CopyPlace *place, int root_fd, const char *cwd);

/* copy_place_is_folder: it exists and is one. */
gboolean copy_place_is_folder (const CopyPlace *place);
/* copy_place_open_folder: readable; -errno. */
int copy_place_open_folder (const CopyPlace *place);
