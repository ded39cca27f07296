/* The monitor's logs: what is in them is what the container printed, in every format and size. */
#include <jansson.h>
#include <sys/un.h>

#include "pkg/monitor/client.h"
#include "tests/unit/monitor-setup.h"

#define LINES 200000

/* ---- what stands for the container */

/* numbered_line: of 0 to about 300 bytes, a few of them longer than what is read at once. */
static gsize
numbered_line (guint number, char *line)
{
  gsize size = number % 50021 == 50020 ? 150000 : (number * 2654435761u >> 13) % 300;
  int n = sprintf (line, "%u:", number);
  memset (line + n, 'a' + (int) (number % 26), size);
  line[(gsize) n + size] = '\n';
  return (gsize) n + size + 1;
}

static void
init_lines (void)
{
  static char line[200000], buffer[1 << 18];
  gsize used = 0;
  for (guint i = 0; i < LINES; i++)
    {
      gsize n = numbered_line (i, line);
      if (used + n > sizeof buffer)
        {
          (void) fd_write_all (1, buffer, used);
          used = 0;
        }
      memcpy (buffer + used, line, n);
      used += n;
    }
  (void) fd_write_all (1, buffer, used);
  _exit (9);
}

static void
init_parts (void)
{
  (void) fd_write_all (1, "one\n\ntwo", 8);
  usleep (100000);
  (void) fd_write_all (1, " three\nlast", 11);
  usleep (100000);
  (void) fd_write_all (2, "problem\n", 8);
  _exit (0);
}

static const char odd_text[] = "tab\t quote\" back\\ bell\a esc\x1b del\x7f nul\0 gr\xc3\xbc\xc3\x9f euro\xe2\x82\xac face\xf0\x9f\x98\x80 end\r\nwrong \xff \xc3( \xe2\x82 \xed\xa0\x80 \xf5.\n";

static void
init_odd (void)
{
  for (gsize i = 0; i < sizeof odd_text - 1; i++)
    {
      (void) fd_write_all (1, odd_text + i, 1);
      usleep (2000);
    }
  (void) fd_write_all (1, "cut \xe2\x82", 6);
  _exit (0);
}

/* ---- how it is looked at */

typedef struct {
  Setup setup;
  char *path;
} Logged;

static void
logged_begin (Logged *logged, MonitorLogKind kind, InitFunction init)
{
  Setup *setup = &logged->setup;
  setup_init (setup, init);
  setup->no_client = setup->no_output = TRUE;
  logged->path = g_build_filename (setup->dir, "ctr.log", NULL);
  setup->start.log.kind = kind;
  setup->start.log.fd = open (logged->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  g_strlcpy (setup->start.log.name, "ctr.log", sizeof setup->start.log.name);
}

static void
logged_wait (Logged *logged)
{
  int status;
  g_assert_cmpint (proc_wait (logged->setup.monitor, &status), ==, 0);
  g_assert_true (WIFEXITED (status));
}

static void
logged_end (Logged *logged)
{
  fd_close (logged->setup.start.log.fd);
  g_free (logged->path);
  g_assert_cmpint (path_remove_tree (AT_FDCWD, logged->setup.dir), ==, 0);
  g_free (logged->setup.dir);
}

/* read_k8s: what the container printed, by a log's text, on one stream. */
static void
read_k8s (const char *text, const char *stream, GString *output)
{
  g_autofree char *wanted = g_strdup_printf (" %s ", stream);
  for (const char *line = text, *end; *line != '\0'; line = end + 1)
    {
      end = strchr (line, '\n');
      g_assert_nonnull (end);
      g_assert_true (line[4] == '-' && line[10] == 'T' && line[19] == '.' && (line[29] == '+' || line[29] == '-') && line[32] == ':');
      g_assert_true (g_str_has_prefix (line + 35, " std") && line[42] == ' ' && (line[43] == 'F' || line[43] == 'P'));
      g_assert_cmpint (line[41], ==, line[39] == 'o' ? 't' : 'r');
      if (strncmp (line + 35, wanted, strlen (wanted)) != 0)
        continue;
      g_assert_cmpint (line[44], ==, ' ');
      g_string_append_len (output, line + 45, end - line - 45);
      if (line[43] == 'F')
        g_string_append_c (output, '\n');
    }
}

static void
read_json (const char *text, const char *stream, GString *output)
{
  for (const char *line = text, *end; *line != '\0'; line = end + 1)
    {
      end = strchr (line, '\n');
      g_assert_nonnull (end);
      json_error_t problem;
      json_auto_t *record = json_loadb (line, (gsize) (end - line), JSON_ALLOW_NUL, &problem);
      if (record == NULL)
        g_error ("%s: %.*s", problem.text, (int) (end - line), line);
      json_t *log = json_object_get (record, "log");
      const char *when = json_string_value (json_object_get (record, "time"));
      g_assert_true (strlen (when) == 30 && when[19] == '.' && when[29] == 'Z');
      if (strcmp (json_string_value (json_object_get (record, "stream")), stream) == 0)
        g_string_append_len (output, json_string_value (log), (gssize) json_string_length (log));
    }
}

typedef void (*ReadFunction) (const char *text, const char *stream, GString *output);

/* check_lines: numbered lines from any one on to the last. Returns the first. */
static guint
check_lines (const GString *output)
{
  static char line[200000];
  guint first = (guint) g_ascii_strtoull (output->str, NULL, 10);
  gsize at = 0;
  for (guint i = first; i < LINES; i++)
    {
      gsize n = numbered_line (i, line);
      if (at + n > output->len || memcmp (output->str + at, line, n) != 0)
        g_error ("line %u differs: %.60s", i, output->str + at);
      at += n;
    }
  g_assert_cmpuint (at, ==, output->len);
  return first;
}

/* ---- tests */

static void
test_parts (void)
{
  static const struct {
    MonitorLogKind kind;
    ReadFunction read;
  } kinds[] = { { MONITOR_LOG_K8S, read_k8s }, { MONITOR_LOG_JSON, read_json } };
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Logged logged;
      logged_begin (&logged, kinds[i].kind, init_parts);
      setup_start (&logged.setup);
      logged_wait (&logged);
      g_autofree char *text = NULL;
      g_assert_true (g_file_get_contents (logged.path, &text, NULL, NULL));
      g_autoptr (GString) out = g_string_new (NULL), err = g_string_new (NULL);
      kinds[i].read (text, "stdout", out);
      kinds[i].read (text, "stderr", err);
      g_assert_cmpstr (out->str, ==, "one\n\ntwo three\nlast");
      g_assert_cmpstr (err->str, ==, "problem\n");
      if (kinds[i].kind == MONITOR_LOG_K8S)
        {
          g_assert_nonnull (strstr (text, " stdout F one\n"));
          g_assert_nonnull (strstr (text, " stdout F \n"));
          /* on a busy machine both parts of a line may be read at once */
          g_assert_true (strstr (text, " stdout F two three\n") != NULL || (strstr (text, " stdout P two\n") != NULL && strstr (text, " stdout F  three\n") != NULL));
          g_assert_nonnull (strstr (text, " stdout P last\n"));
        }
      logged_end (&logged);
    }
}

/* The moment is the real one, in local time. */
static void
test_time (void)
{
  static const char *const zones[] = { "UTC", "Asia/Kolkata", "America/St_Johns" };
  for (gsize i = 0; i < G_N_ELEMENTS (zones); i++)
    {
      Logged logged;
      g_setenv ("TZ", zones[i], TRUE);
      logged_begin (&logged, MONITOR_LOG_K8S, init_parts);
      setup_start (&logged.setup);
      logged_wait (&logged);
      g_autofree char *text = NULL;
      g_assert_true (g_file_get_contents (logged.path, &text, NULL, NULL));
      text[35] = '\0';
      g_autoptr (GDateTime) when = g_date_time_new_from_iso8601 (text, NULL);
      g_assert_nonnull (when);
      g_assert_cmpint (llabs (g_date_time_to_unix (when) - g_get_real_time () / G_USEC_PER_SEC), <, 200);
      g_autoptr (GTimeZone) zone = g_time_zone_new_identifier (zones[i]);
      if (zone != NULL)
        {
          g_autoptr (GDateTime) local = g_date_time_to_timezone (when, zone);
          g_assert_cmpint (g_date_time_get_utc_offset (when), ==, g_date_time_get_utc_offset (local));
        }
      logged_end (&logged);
      g_unsetenv ("TZ");
    }
}

/* More than is read at once, with nobody else and with a foreground command that takes the same. */
static void
test_lines (void)
{
  for (int i = 0; i < 4; i++)
    {
      Logged logged;
      logged_begin (&logged, i % 2 == 0 ? MONITOR_LOG_K8S : MONITOR_LOG_JSON, init_lines);
      logged.setup.no_client = logged.setup.no_output = i < 2;
      setup_start (&logged.setup);
      g_autoptr (GString) shown = g_string_new (NULL), output = g_string_new (NULL);
      static char data[65536];
      for (ssize_t n; i >= 2 && (n = read (logged.setup.out, data, sizeof data)) > 0;)
        g_string_append_len (shown, data, n);
      if (i >= 2)
        {
          g_assert_cmpint (WEXITSTATUS (wait_exited (&logged.setup).status), ==, 9);
          monitor_client_cleaned (logged.setup.socket);
          fd_close (logged.setup.socket);
          fd_close (logged.setup.out);
          fd_close (logged.setup.err);
          g_assert_cmpuint (check_lines (shown), ==, 0);
        }
      logged_wait (&logged);
      g_autofree char *text = NULL;
      g_assert_true (g_file_get_contents (logged.path, &text, NULL, NULL));
      (i % 2 == 0 ? read_k8s : read_json) (text, "stdout", output);
      g_assert_cmpuint (check_lines (output), ==, 0);
      logged_end (&logged);
    }
}

static void
test_odd (void)
{
  Logged logged;
  logged_begin (&logged, MONITOR_LOG_JSON, init_odd);
  setup_start (&logged.setup);
  logged_wait (&logged);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (logged.path, &text, NULL, NULL));
  g_autoptr (GString) output = g_string_new (NULL);
  read_json (text, "stdout", output);
  static const char expected[] = "tab\t quote\" back\\ bell\a esc\x1b del\x7f nul\0 gr\xc3\xbc\xc3\x9f euro\xe2\x82\xac face\xf0\x9f\x98\x80 end\r\n"
                                 "wrong \xef\xbf\xbd \xef\xbf\xbd( \xef\xbf\xbd ";
  g_assert_cmpmem (output->str, MIN (output->len, sizeof expected - 1), expected, sizeof expected - 1);
  g_assert_true (g_str_has_suffix (output->str + sizeof expected - 1, " \xef\xbf\xbd.\ncut \xef\xbf\xbd"));
  logged_end (&logged);
}

/* Old files are kept up to a number; none is too large, and together they have the last lines, whole. */
static void
test_rotation (void)
{
  static const struct {
    MonitorLogKind kind;
    ReadFunction read;
  } kinds[] = { { MONITOR_LOG_K8S, read_k8s }, { MONITOR_LOG_JSON, read_json } };
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Logged logged;
      logged_begin (&logged, kinds[i].kind, init_lines);
      MonitorLog *log = &logged.setup.start.log;
      log->dir = open (logged.setup.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      log->max_size = 1000000;
      log->max_files = 3;
      setup_start (&logged.setup);
      logged_wait (&logged);
      g_autoptr (GString) output = g_string_new (NULL);
      for (int number = 4; number >= 0; number--)
        {
          g_autofree char *path = number > 0 ? g_strdup_printf ("%s.%d", logged.path, number) : g_strdup (logged.path);
          g_autofree char *text = NULL;
          gsize size;
          g_assert_cmpint (g_file_get_contents (path, &text, &size, NULL), ==, number < 4);
          if (number == 4)
            continue;
          g_assert_cmpuint (size, <=, log->max_size);
          if (number > 0)
            g_assert_cmpuint (size, >, log->max_size - 70000);
          kinds[i].read (text, "stdout", output);
        }
      /* the oldest may begin within a long line */
      if (!g_ascii_isdigit (output->str[0]))
        g_string_erase (output, 0, strchr (output->str, '\n') + 1 - output->str);
      guint first = check_lines (output);
      g_assert_cmpuint (first, >, 100000);
      fd_close (log->dir);
      logged_end (&logged);
    }
}

/* A slow enough container's every line is seen by one who follows: reads the open file to its end, and goes on with the one that came after it. */
static void
init_slow_lines (void)
{
  static char line[200000];
  for (guint i = 0; i < 3000; i++)
    {
      gsize n = numbered_line (i, line);
      (void) fd_write_all (1, line, n);
      if (i % 10 == 0)
        usleep (1000);
    }
  _exit (0);
}

#define OLD_FILES 100   /* so many that a reader who is held up for a while finds them all */

static gboolean
is_file (const char *path, int fd)
{
  struct stat mine, other;
  g_assert_cmpint (fstat (fd, &mine), ==, 0);
  return stat (path, &other) == 0 && other.st_ino == mine.st_ino;
}

static int
open_newer (const char *path, int fd)
{
  for (int number = 1; number <= OLD_FILES; number++)
    {
      g_autofree char *old = g_strdup_printf ("%s.%d", path, number), *newer = number > 1 ? g_strdup_printf ("%s.%d", path, number - 1) : g_strdup (path);
      if (!is_file (old, fd))
        continue;
      /* unless all have got another number meanwhile: the oldest first */
      cleanup_fd int found = open (newer, O_RDONLY | O_CLOEXEC);
      return is_file (old, fd) ? fd_steal (&found) : open_newer (path, fd);
    }
  return -1;
}

static void
test_follow (void)
{
  Logged logged;
  logged_begin (&logged, MONITOR_LOG_K8S, init_slow_lines);
  MonitorLog *log = &logged.setup.start.log;
  log->dir = open (logged.setup.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  log->max_size = 20000;
  log->max_files = OLD_FILES;
  int fd = open (logged.path, O_RDONLY | O_CLOEXEC);
  setup_start (&logged.setup);
  g_autoptr (GString) text = g_string_new (NULL), output = g_string_new (NULL);
  static char data[65536], line[200000];
  int status;
  for (gboolean dead = FALSE;;)
    {
      gboolean was_dead = dead;
      int newer = open_newer (logged.path, fd);
      for (ssize_t n; (n = read (fd, data, sizeof data)) > 0;)
        g_string_append_len (text, data, n);
      if (newer >= 0)
        {
          fd_close (fd);
          fd = newer;
          continue;
        }
      if (was_dead)
        break;
      dead = waitpid (logged.setup.monitor, &status, WNOHANG) > 0;
      usleep (500);
    }
  read_k8s (text->str, "stdout", output);
  gsize at = 0;
  for (guint i = 0; i < 3000; i++)
    {
      gsize n = numbered_line (i, line);
      g_assert_cmpmem (output->str + at, n, line, n);
      at += n;
    }
  g_assert_cmpuint (at, ==, output->len);
  fd_close (fd);
  fd_close (log->dir);
  logged_end (&logged);
}

/* No room: the container goes on to its end, and the client sees all. */
static void
test_full (void)
{
  Logged logged;
  logged_begin (&logged, MONITOR_LOG_K8S, init_lines);
  fd_close (logged.setup.start.log.fd);
  logged.setup.start.log.fd = open ("/dev/full", O_WRONLY | O_CLOEXEC);
  setup_start (&logged.setup);
  logged_wait (&logged);
  MonitorExit how = read_exit_file (&logged.setup);
  g_assert_cmpint (WEXITSTATUS (how.status), ==, 9);
  logged_end (&logged);
}

static void
test_terminal (void)
{
  Logged logged;
  logged_begin (&logged, MONITOR_LOG_K8S, init_parts);
  logged.setup.tty = TRUE;
  setup_start (&logged.setup);
  logged_wait (&logged);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (logged.path, &text, NULL, NULL));
  g_autoptr (GString) out = g_string_new (NULL);
  read_k8s (text, "stdout", out);
  g_assert_cmpstr (out->str, ==, "one\r\n\r\ntwo three\r\nlastproblem\r\n");
  logged_end (&logged);
}

/* ---- the journal */

static int
journal_open (const char *path, int *ret_connected)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  (void) unlink (path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  if (ret_connected == NULL)
    return fd;
  *ret_connected = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (*ret_connected, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static char *
journal_field (const char *message, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (message, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], name) && lines[i][strlen (name)] == '=')
      return g_strdup (lines[i] + strlen (name) + 1);
  return NULL;
}

static void
assert_field (const char *message, const char *name, const char *expected)
{
  g_autofree char *value = journal_field (message, name);
  g_assert_cmpstr (value, ==, expected);
}

/* read_journal: the messages until the monitor has ended and there are no more, each part in @output, or @errors, as the container printed it: which of the two streams comes
 * first is nobody's promise. */
static guint
read_journal (Logged *logged, int journal, GString *output, GString *errors)
{
  static char message[200000];
  guint n = 0;
  for (gboolean dead = FALSE;;)
    {
      struct pollfd wait = { .fd = journal, .events = POLLIN };
      if (poll (&wait, 1, dead ? 0 : 50) > 0)
        {
          ssize_t size = recv (journal, message, sizeof message - 1, 0);
          g_assert_cmpint (size, >, 0);
          message[size] = '\0';
          g_assert_true (g_str_has_prefix (message, "MESSAGE="));
          const char *end = strchr (message, '\n');
          GString *to = strstr (message, "problem") != NULL ? errors : output;
          g_string_append_len (to, message + 8, end - message - 8);
          g_autofree char *partial = journal_field (end + 1, "CONTAINER_PARTIAL_MESSAGE");
          if (partial == NULL)
            g_string_append_c (to, '\n');
          n++;
          assert_field (end + 1, "CONTAINER_ID", "0123456789ab");
          assert_field (end + 1, "CONTAINER_ID_FULL", logged->setup.start.id);
          assert_field (end + 1, "CONTAINER_NAME", "some_name");
          assert_field (end + 1, "CONTAINER_TAG", logged->setup.start.log.tag[0] != '\0' ? logged->setup.start.log.tag : NULL);
          assert_field (end + 1, "SYSLOG_IDENTIFIER", logged->setup.start.log.tag[0] != '\0' ? logged->setup.start.log.tag : "0123456789ab");
          assert_field (end + 1, "PRIORITY", to == errors ? "3" : "6");
        }
      else if (dead)
        return n;
      else
        dead = waitpid (logged->setup.monitor, NULL, WNOHANG) > 0;
    }
}

static void
test_journal (void)
{
  for (int tagged = 0; tagged < 2; tagged++)
    {
      Logged logged;
      logged_begin (&logged, MONITOR_LOG_JOURNALD, init_parts);
      MonitorLog *log = &logged.setup.start.log;
      fd_close (log->fd);
      g_autofree char *path = g_build_filename (logged.setup.dir, "journal", NULL);
      int journal = journal_open (path, &log->fd);
      g_strlcpy (log->container_name, "some_name", sizeof log->container_name);
      g_strlcpy (log->tag, tagged ? "a tag" : "", sizeof log->tag);
      setup_start (&logged.setup);
      g_autoptr (GString) output = g_string_new (NULL), errors = g_string_new (NULL);
      /* a line whose two parts are read at once is one message */
      guint n = read_journal (&logged, journal, output, errors);
      g_assert_true (n == 5 || n == 6);
      g_assert_cmpstr (output->str, ==, "one\n\ntwo three\nlast");
      g_assert_cmpstr (errors->str, ==, "problem\n");
      fd_close (journal);
      logged_end (&logged);
    }
}

/* A journal that is slower than the container holds it back, and loses nothing. */
static void
test_journal_lines (void)
{
  Logged logged;
  logged_begin (&logged, MONITOR_LOG_JOURNALD, init_lines);
  MonitorLog *log = &logged.setup.start.log;
  fd_close (log->fd);
  g_autofree char *path = g_build_filename (logged.setup.dir, "journal", NULL);
  int journal = journal_open (path, &log->fd);
  g_strlcpy (log->container_name, "some_name", sizeof log->container_name);
  setup_start (&logged.setup);
  usleep (200000);
  g_autoptr (GString) output = g_string_new (NULL), errors = g_string_new (NULL);
  g_assert_cmpuint (read_journal (&logged, journal, output, errors), >=, LINES);
  g_assert_cmpuint (check_lines (output), ==, 0);
  fd_close (journal);
  logged_end (&logged);
}

/* A journal that is not there does not end the container; one that comes back gets what comes then. */
static void
test_journal_gone (void)
{
  Logged logged;
  logged_begin (&logged, MONITOR_LOG_JOURNALD, init_parts);
  MonitorLog *log = &logged.setup.start.log;
  fd_close (log->fd);
  g_autofree char *path = g_build_filename (logged.setup.dir, "journal", NULL);
  fd_close (journal_open (path, &log->fd));
  g_strlcpy (log->container_name, "some_name", sizeof log->container_name);
  setup_start (&logged.setup);
  usleep (50000);
  int journal = journal_open (path, NULL);
  g_autoptr (GString) output = g_string_new (NULL), errors = g_string_new (NULL);
  (void) read_journal (&logged, journal, output, errors);
  /* how much came before the journal did is a matter of time */
  g_assert_true (g_str_has_suffix ("one\n\ntwo three\nlast", output->str));
  g_assert_true (errors->len == 0 || strcmp (errors->str, "problem\n") == 0);
  fd_close (journal);
  logged_end (&logged);

  /* one that takes nothing must not hold up the end for ever */
  logged_begin (&logged, MONITOR_LOG_JOURNALD, init_lines);
  log = &logged.setup.start.log;
  fd_close (log->fd);
  g_autofree char *other = g_build_filename (logged.setup.dir, "journal", NULL);
  journal = journal_open (other, &log->fd);
  setup_start (&logged.setup);
  g_assert_cmpint (kill (init_of (&logged.setup), SIGKILL), ==, 0);
  gint64 begin = g_get_monotonic_time ();
  logged_wait (&logged);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 60 * G_USEC_PER_SEC);
  fd_close (journal);
  logged_end (&logged);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  find_monitor (argv[0]);
  g_test_add_func ("/monitor-log/parts", test_parts);
  g_test_add_func ("/monitor-log/time", test_time);
  g_test_add_func ("/monitor-log/lines", test_lines);
  g_test_add_func ("/monitor-log/odd", test_odd);
  g_test_add_func ("/monitor-log/rotation", test_rotation);
  g_test_add_func ("/monitor-log/follow", test_follow);
  g_test_add_func ("/monitor-log/full", test_full);
  g_test_add_func ("/monitor-log/terminal", test_terminal);
  g_test_add_func ("/monitor-log/journal", test_journal);
  g_test_add_func ("/monitor-log/journal-lines", test_journal_lines);
  g_test_add_func ("/monitor-log/journal-gone", test_journal_gone);
  int status = g_test_run ();
  g_free (monitor_program);
  return status;
}
