/* enable: controllers for the groups below one. Internal to pkg/cgroup. */
#pragma once

#include <glib.h>

/* enable_all: give the groups below the one behind @fd all controllers that it has. Returns 0; -EBUSY: processes are in it (the "no internal processes" rule); what else is refused is left out. */
int enable_all (int fd);
/* enable_all_at: enable_all; when processes are in the group, this one goes to "supervisor" below it first, which helps if it was the only one. */
void enable_all_at (int fd);
/* enable_supervisor: move this process into the group "supervisor" below. 0 or -errno. */
int enable_supervisor (int fd);
/* enable_word: is @word in the list @text, parted by blanks? */
gboolean enable_word (const char *text, const char *word);
