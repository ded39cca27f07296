/* event: what has happened to containers, images and volumes: one line of JSON per event, in Podman's shape, for `events` and whoever reads the file.
 *
 * Back ends (containers.conf [engine] events_logger, or --events-backend):
 *   file      RUN_ROOT/events/events.log, or events_logfile_path; gone at the next boot, as Podman's. Above events_logfile_max_size (1 MiB) its older half is dropped.
 *   journald  the journal, with Podman's fields and CORACLE_ROOT, by which a store's own are found again
 *   none      nothing is kept
 *
 * An event, or several that come together, is written with one write to a file opened for appending, so that writers need no lock: the lines of two never mix. Only renaming is done under a lock, of
 * that file, by whoever gets it: a line that comes after it lands in the older file, which readers go on reading. Writing takes some 20 µs and never fails a command. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "pkg/state/state.h"

typedef enum { EVENTS_FILE, EVENTS_JOURNALD, EVENTS_NONE } EventsBackend;

/* ---- configuration: of the process, read from containers.conf when it is first needed */
/* events_choose: --events-backend. Errors: INVALID `"x" is not a valid events backend: invalid argument`. */
gboolean events_choose (const char *word, GError **error);
/* events_use_conf: for who has read containers.conf anyway: saves reading it again. What events_choose said stays. */
void events_use_conf (const json_t *conf);
EventsBackend events_backend (void);
const char *events_backend_name (void);
/* events_chosen: the word of --events-backend, to be passed on to another process; NULL = not given. */
const char *events_chosen (void);
/* events_path: the file of the back end `file`; free with g_free. */
char *events_path (const char *run_root);
guint64 events_max_size (void);
/* What a log that was shortened begins with, and has where the new events begin: an event "system log-rotation" with the attribute "begin", then "end". */
#define EVENTS_ROTATE_STATUS "log-rotation"
#define EVENTS_ROTATE_KEY "io.podman.event.rotate"
/* events_want_inspect: containers.conf events_container_create_inspect_data. */
gboolean events_want_inspect (void);

/* ---- one event */
typedef struct {
  const char *type;        /* container, image, volume, system, network, pod, secret */
  const char *status;      /* create, start, died … */
  const char *id, *name;   /* NULL = none, as with all texts here */
  const char *image;       /* a container's */
  const char *error, *network, *pod_id, *inspect;
  const char *health_status;
  gint64 health_streak;    /* failures in a row */
  const char *health_log;
  gboolean has_exit_code;
  gint64 exit_code;
  gint64 time;             /* nanoseconds since the epoch; 0 = now, for who writes */
  json_t *attributes;      /* labels: an object, or NULL */
  json_t *held;            /* what a read event borrows all this from; owned */
} Event;

/* event_write: @root: of the store, noted in the journal. Never fails: there is nothing a command could do about it. */
void event_write (const char *root, const char *run_root, const Event *event);
/* event_write_container: @row's id, name, image and labels, and its exit code when it is "died", or "remove" after a run. @statuses: "start", or several with one blank between them,
 * which are written at once: "died remove". */
void event_write_container (const char *root, const char *run_root, StateContainer *row, const char *statuses);

/* event_line: as it is in the file, with the newline. event_datagram: as the journal takes it. Free with g_string_free. */
GString *event_line (const Event *event);
GString *event_datagram (const char *root, const Event *event);
/* event_text: as `events` prints it: "TIME TYPE STATUS ID (image=…, name=…, LABELS)". @whole: IDs in full. Free with g_free. */
char *event_text (const Event *event, gboolean whole);
/* event_json: the object of `events --format json`; @all: every field, for templates. */
json_t *event_json (const Event *event, gboolean all);

/* event_parse: one line of the file, without newline; clear with event_clear. FALSE: it is none (half a line after a full disk). */
gboolean event_parse (const char *line, size_t size, Event *ret_event);
/* event_parse_journal: the same of a line of `journalctl -o json`. */
gboolean event_parse_journal (const char *line, size_t size, Event *ret_event);
void event_clear (Event *event);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Event, event_clear)

/* ---- reading */
typedef struct {
  const char *root, *run_root;
  gboolean stream;       /* go on with what happens, until @until */
  gboolean from_start;   /* begin with what there is, not with what comes */
  gint64 since, until;   /* nanoseconds since the epoch; 0 = no limit */
} EventsRequest;
/* events_read: call @visit for each, in the order written. It returns FALSE to end, with @error set or not.
 * Errors: INVALID the back end is none; SYSTEM. Waits without waking up (inotify, or journalctl). */
typedef gboolean (*EventVisit) (const Event *event, void *data, GError **error);
gboolean events_read (const EventsRequest *request, EventVisit visit, void *data, GError **error);

/* ---- filters */
/* events_filters_parse: "key=value" words; free with g_ptr_array_unref. Errors: INVALID "x is an invalid filter". */
GPtrArray *events_filters_parse (const char *const *texts, GError **error);
/* events_filters_fit: one of the values of each key. */
gboolean events_filters_fit (const GPtrArray *filters, const Event *event);
