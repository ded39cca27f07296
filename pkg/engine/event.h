/* event: telling `events` what the engine has done. Called once it is done; costs some 20 µs and never fails. Not for children between clone and exec. */
#pragma once

#include "pkg/events/event.h"
#include "storage/storage.h"

/* event_container: @statuses, one or several with a blank between them, told at once: attach, cleanup, commit, create, died, exec, exec_died, export, import, init, kill, mount, pause, prune, remove, rename, restart, start, stop, unmount, unpause,
 * update. "died" and "remove" tell @row's exit code, so they come after it was recorded there. */
void event_container (Storage *storage, StateContainer *row, const char *statuses);
/* event_container_created: "create", with what `container inspect --size` shows of it where containers.conf asks for that (events_container_create_inspect_data). In the user namespace. */
void event_container_created (Storage *storage, StateContainer *row);
/* event_container_code: the same with an exit code that is not the container's own (exec_died), or not in its row yet. */
void event_container_code (Storage *storage, StateContainer *row, const char *status, gint64 exit_code);
/* event_container_health: health_status: "healthy", "unhealthy", "starting"; @streak: failures in a row; @log: what the check printed, or NULL. */
void event_container_health (Storage *storage, StateContainer *row, const char *health, gint64 streak, const char *log);

/* event_image: @status: import, loadfromarchive, mount, prune, pull, push, remove, save, tag, unmount, untag. @id: of the image; @name: the name or file it concerns. NULL = none. */
void event_image (Storage *storage, const char *status, const char *id, const char *name);
/* event_pull_error: @name could not be had, since @reason. */
void event_pull_error (Storage *storage, const char *name, const char *reason);

/* event_volume: create, prune, remove. */
void event_volume (Storage *storage, const char *status, const char *name);
/* event_network: create and remove, with the network's @id and @driver; connect and disconnect, with the container's id and NULL. @name: the network's. */
void event_network (Storage *storage, const char *status, const char *id, const char *name, const char *driver);
/* event_system: prune, refresh, renumber. */
void event_system (Storage *storage, const char *status);
