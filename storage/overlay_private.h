/* overlay_private: what overlay.c, overlay_fuse.c and overlay_child.c share. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* The folders of one overlay, open (O_PATH): lower[0] is the topmost */
typedef struct {
  int *lower;
  size_t n_lower;
  size_t n_data;     /* the last of lower are data-only */
  int upper, work;   /* -1: read-only */
} OverlayFolders;

/* overlay_folders_open: open them all; raises the soft limit of descriptors when it must. Errors: NOT_FOUND and such, naming the path. */
gboolean overlay_folders_open (const char *const *layers, const char *upper, const char *work, OverlayFolders *ret_folders, GError **error);
void overlay_folders_clear (OverlayFolders *folders);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OverlayFolders, overlay_folders_clear)

/* overlay_options: "lowerdir=PREFIX3:PREFIX4,upperdir=PREFIX5,workdir=PREFIX6", the numbers being the descriptors. Free with g_free. */
char *overlay_options (const OverlayFolders *folders, const char *prefix);

/* what the server's process does between clone and exec: const, made by the parent */
typedef struct {
  const char *path;
  char *const *argv, *const *envp;
  const int *keep;      /* descriptors that the server inherits */
  size_t n_keep;
  int null_fd;          /* its standard input and output */
  int stderr_fd;
  int gate;             /* read end of a pipe: a byte says "mounted, go on"; end of file: give up */
} OverlayServer;

/* overlay_server_child: runs in a new mount namespace; does not return. Exit status 127: could not exec, errno text on stderr_fd is the parent's matter. */
void overlay_server_child (const OverlayServer *server) G_GNUC_NORETURN;
