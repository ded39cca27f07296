/* spawn: idmap's three short-lived children: the holder of the new namespace, newuidmap, newgidmap. Private to idmap.
 *
 * They share our memory until they exec or end (CLONE_VM, each on a stack of its own), which makes starting one cheap and lets all start without our waiting (vfork would
 * wait for each exec). So they run with all signals blocked, touch only their own SpawnChild, and restore errno, which is ours. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  /* for the parent */
  pid_t pid;               /* 0: not running */
  void *stack;
  /* for the child */
  pid_t parent;
  const char *path;        /* helpers: the program, found already */
  char **argv, **envp;
  int output;              /* becomes its standard input, output and error; -1: none (the holder) */
  volatile int exec_errno; /* 0, or why it did not exec */
} SpawnChild;

/* spawn_start: clone @child with @flags (CLONE_NEWUSER for the holder). Returns 0 or -errno. */
int spawn_start (SpawnChild *child, int (*body) (void *), int flags);

/* spawn_wait: wait for its end; *@ret_status as waitpid gives it. Returns 0 or -errno. Its stack is free afterwards. */
int spawn_wait (SpawnChild *child, int *ret_status);

/* spawn_kill: SIGKILL, without waiting. spawn_clear: kill and wait, if it still runs; frees the stack. */
void spawn_kill (const SpawnChild *child);
void spawn_clear (SpawnChild *child);

/* the bodies (spawn_child.c): @data is the SpawnChild */
int spawn_holder_child (void *data);
int spawn_helper_child (void *data);
int spawn_visitor_child (void *data);   /* of the user namespace @output: stops when it is in it; else ends with the errno */
