#include "pkg/engine/container_top.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/account.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/text.h"
#include "pkg/engine/container_live.h"
#include "pkg/engine/container_ps.h"
#include "pkg/engine/user.h"
#include "pkg/seccomp/caps.h"

enum { FILE_MAX = 1 << 20, NESTING_MAX = 32 };

/* One process, as the host's /proc has it. */
typedef struct {
  pid_t pid, hpid, hppid, pgid;   /* pid and pgid as the container numbers them */
  char state;
  unsigned tty;
  unsigned long long ticks, start_ticks, vsize;
  long nice;
  char *status;                   /* the text of /proc/PID/status */
  char *args, *comm, *label;
} Process;

typedef struct {
  int root_fd;                    /* the container's */
  guint depth;                    /* where its pids stand in NSpid lines */
  IdRange *uids, *gids;
  size_t n_uids, n_gids;
  GPtrArray *processes;           /* of Process, by pid */
  GHashTable *names[2];           /* of users and groups in the container: number → name */
  struct timespec now;            /* since boot */
} Top;

static void
process_free (Process *process)
{
  g_free (process->status);
  g_free (process->args);
  g_free (process->comm);
  g_free (process->label);
  g_free (process);
}

static void
top_clear (Top *top)
{
  fd_close (fd_steal (&top->root_fd));
  g_free (top->uids);
  g_free (top->gids);
  g_clear_pointer (&top->processes, g_ptr_array_unref);
  for (int i = 0; i < 2; i++)
    g_clear_pointer (&top->names[i], g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Top, top_clear)

/* ---- reading /proc */

/* line_of: what stands behind @key and a colon in the text of a status file; "" when it is not there. Borrowed: ends at the newline. */
static const char *
line_of (const char *status, const char *key)
{
  size_t length = strlen (key);
  for (const char *line = status; line != NULL && *line != '\0';)
    {
      if (strncmp (line, key, length) == 0 && line[length] == ':')
        return line + length + 1 + strspn (line + length + 1, " \t");
      line = strchr (line, '\n');
      line += line != NULL;
    }
  return "";
}

/* number_at: the @index-th number of a line, -1 when there are fewer. */
static gint64
number_at (const char *line, guint index)
{
  for (;; index--)
    {
      char *end;
      line += strspn (line, " \t");
      gint64 value = g_ascii_strtoll (line, &end, 10);
      if (end == line)
        return -1;
      if (index == 0)
        return value;
      line = end;
    }
}

static guint
count_numbers (const char *line)
{
  guint n = 0;
  while (number_at (line, n) >= 0)
    n++;
  return n;
}

static char *
read_of (pid_t pid, const char *file, size_t *ret_size)
{
  char path[64];
  char *text = NULL;
  g_snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, file);
  return path_read_file (AT_FDCWD, path, FILE_MAX, &text, ret_size, NULL) ? text : NULL;
}

/* is_inside: is @pid in the pid namespace @inode, or in one made within it? */
static gboolean
is_inside (pid_t pid, ino_t inode)
{
  char path[64];
  struct stat st;
  g_snprintf (path, sizeof path, "/proc/%d/ns/pid", (int) pid);
  if (stat (path, &st) < 0)
    return FALSE;
  if (st.st_ino == inode)
    return TRUE;
  cleanup_fd int fd = open (path, O_RDONLY | O_CLOEXEC);
  for (int i = 0; fd >= 0 && i < NESTING_MAX; i++)
    {
      /* above our own namespace nothing is shown: EPERM */
      int parent = ioctl (fd, NS_GET_PARENT);
      fd_close (fd_steal (&fd));
      fd = parent;
      if (fd >= 0 && fstat (fd, &st) == 0 && st.st_ino == inode)
        return TRUE;
    }
  return FALSE;
}

/* read_stat: /proc/PID/stat: what follows the name, which may hold anything, begins behind the last parenthesis. Source: proc(5). */
static gboolean
read_stat (Process *process)
{
  g_autofree char *text = read_of (process->hpid, "stat", NULL);
  char *open = text != NULL ? strchr (text, '(') : NULL, *close = text != NULL ? strrchr (text, ')') : NULL;
  if (open == NULL || close == NULL || close < open)
    return FALSE;
  process->comm = g_strndup (open + 1, (gsize) (close - open - 1));
  unsigned long long user, system;
  int parent, tty;
  if (sscanf (close + 1, " %c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %ld %*d %*d %llu %llu", &process->state, &parent, &tty, &user, &system, &process->nice,
              &process->start_ticks, &process->vsize)
      != 8)
    return FALSE;
  process->hppid = parent;
  process->tty = (unsigned) tty;
  process->ticks = user + system;
  return TRUE;
}

/* printable: what a process says of itself never steers a terminal. */
static void
make_printable (char *text)
{
  for (; *text != '\0'; text++)
    if ((unsigned char) *text < ' ' || *text == 0x7f)
      *text = '?';
}

static void
read_words (Process *process)
{
  size_t size = 0;
  char *args = read_of (process->hpid, "cmdline", &size);
  for (size_t i = 0; args != NULL && i < size; i++)
    if (args[i] == '\0')
      args[i] = ' ';
  process->label = read_of (process->hpid, "attr/current", NULL);
  if (process->label != NULL)
    g_strchomp (process->label);
  if (args == NULL || args[0] == '\0')
    {
      g_free (args);
      args = g_strdup_printf ("[%s]", process->comm);
    }
  process->args = args;
  make_printable (process->args);
  make_printable (process->comm);
}

static Process *
read_process (const Top *top, pid_t hpid)
{
  Process *process = g_new0 (Process, 1);
  process->hpid = hpid;
  process->status = read_of (hpid, "status", NULL);
  if (process->status == NULL || !read_stat (process))
    {
      process_free (process);
      return NULL;
    }
  read_words (process);
  process->pid = (pid_t) number_at (line_of (process->status, "NSpid"), top->depth);
  process->pgid = (pid_t) number_at (line_of (process->status, "NSpgid"), top->depth);
  return process;
}

static int
by_pid (gconstpointer a, gconstpointer b)
{
  const Process *one = *(Process *const *) a, *other = *(Process *const *) b;
  return one->pid < other->pid ? -1 : one->pid > other->pid;
}

static gboolean
read_processes (Top *top, pid_t init, GError **error)
{
  char path[64];
  struct stat st;
  g_snprintf (path, sizeof path, "/proc/%d/ns/pid", (int) init);
  DIR *dir = stat (path, &st) == 0 ? opendir ("/proc") : NULL;
  if (dir == NULL)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "reading /proc");
    }
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    {
      int pid = atoi (entry->d_name);
      if (pid <= 0 || !is_inside (pid, st.st_ino))
        continue;
      Process *process = read_process (top, pid);
      if (process != NULL)
        g_ptr_array_add (top->processes, process);
    }
  (void) closedir (dir);
  g_ptr_array_sort (top->processes, by_pid);
  return TRUE;
}

static gboolean
top_open (Top *top, pid_t init, GError **error)
{
  g_autofree char *status = read_of (init, "status", NULL), *uids = read_of (init, "uid_map", NULL), *gids = read_of (init, "gid_map", NULL);
  char root[64];
  g_snprintf (root, sizeof root, "/proc/%d/root", (int) init);
  top->root_fd = open (root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (status == NULL || uids == NULL || gids == NULL || top->root_fd < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "top can only be used on running containers");
  top->n_uids = idmap_parse (uids, &top->uids);
  top->n_gids = idmap_parse (gids, &top->gids);
  guint levels = count_numbers (line_of (status, "NSpid"));
  top->depth = levels > 0 ? levels - 1 : 0;
  for (int i = 0; i < 2; i++)
    top->names[i] = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  (void) clock_gettime (CLOCK_BOOTTIME, &top->now);
  return read_processes (top, init, error);
}

/* ---- columns */

typedef char *(*Column) (Top *top, const Process *process);

enum { USERS, GROUPS };

/* inside_name: of the host's id @outside, in the container. */
static char *
inside_name (Top *top, int kind, uint32_t outside)
{
  uint32_t id;
  gboolean mapped = kind == USERS ? idmap_inside (top->uids, top->n_uids, outside, &id) : idmap_inside (top->gids, top->n_gids, outside, &id);
  if (!mapped)
    id = 65534; /* as the container's own kernel interface shows it */
  const char *known = g_hash_table_lookup (top->names[kind], GUINT_TO_POINTER (id));
  if (known == NULL)
    {
      char *name = kind == USERS ? user_name (top->root_fd, id) : user_group_name (top->root_fd, id);
      if (name != NULL)
        make_printable (name);
      known = name != NULL ? name : g_strdup_printf ("%u", id);
      g_hash_table_insert (top->names[kind], GUINT_TO_POINTER (id), (char *) (uintptr_t) known);
    }
  return g_strdup (known);
}

static uint32_t
id_of (const Process *process, const char *key, guint index)
{
  return (uint32_t) number_at (line_of (process->status, key), index);
}

static char *
number_text (gint64 value)
{
  return g_strdup_printf ("%lld", (long long) value);
}

static char *
inside_number (const IdRange *ranges, size_t n, uint32_t outside)
{
  uint32_t id;
  return idmap_inside (ranges, n, outside, &id) ? number_text (id) : g_strdup ("65534");
}

/* the ids of a status line: real, effective, saved, filesystem */
static char *column_user (Top *top, const Process *process) { return inside_name (top, USERS, id_of (process, "Uid", 1)); }
static char *column_ruser (Top *top, const Process *process) { return inside_name (top, USERS, id_of (process, "Uid", 0)); }
static char *column_group (Top *top, const Process *process) { return inside_name (top, GROUPS, id_of (process, "Gid", 1)); }
static char *column_rgroup (Top *top, const Process *process) { return inside_name (top, GROUPS, id_of (process, "Gid", 0)); }
static char *column_uid (Top *top, const Process *process) { return inside_number (top->uids, top->n_uids, id_of (process, "Uid", 1)); }
static char *column_gid (Top *top, const Process *process) { return inside_number (top->gids, top->n_gids, id_of (process, "Gid", 1)); }
static char *column_huid (Top *top, const Process *process) { (void) top; return number_text (id_of (process, "Uid", 1)); }
static char *column_hgid (Top *top, const Process *process) { (void) top; return number_text (id_of (process, "Gid", 1)); }
static char *column_pid (Top *top, const Process *process) { (void) top; return number_text (process->pid); }
static char *column_hpid (Top *top, const Process *process) { (void) top; return number_text (process->hpid); }
static char *column_pgid (Top *top, const Process *process) { (void) top; return number_text (process->pgid); }
static char *column_nice (Top *top, const Process *process) { (void) top; return number_text (process->nice); }
static char *column_vsz (Top *top, const Process *process) { (void) top; return number_text ((gint64) (process->vsize / 1024)); }
static char *column_args (Top *top, const Process *process) { (void) top; return g_strdup (process->args); }
static char *column_comm (Top *top, const Process *process) { (void) top; return g_strdup (process->comm); }
static char *column_state (Top *top, const Process *process) { (void) top; return g_strdup_printf ("%c", process->state); }

/* column_huser: a rootless user's subordinate ids have no names: Podman shows numbers to him. */
static char *
column_huser (Top *top, const Process *process)
{
  uint32_t uid = id_of (process, "Uid", 1);
  g_autoptr (Account) account = geteuid () == 0 ? account_of_uid (uid) : NULL;
  (void) top;
  return account != NULL ? g_steal_pointer (&account->name) : number_text (uid);
}

static char *
column_ppid (Top *top, const Process *process)
{
  for (guint i = 0; i < top->processes->len; i++)
    {
      const Process *other = top->processes->pdata[i];
      if (other->hpid == process->hppid)
        return number_text (other->pid);
    }
  return g_strdup ("0");
}

static char *
groups_text (Top *top, const Process *process, gboolean host)
{
  const char *line = line_of (process->status, "Groups");
  GString *text = g_string_new (NULL);
  for (guint i = 0; number_at (line, i) >= 0; i++)
    {
      uint32_t gid = (uint32_t) number_at (line, i);
      g_autofree char *name = host ? number_text (gid) : inside_name (top, GROUPS, gid);
      g_string_append_printf (text, "%s%s", i > 0 ? "," : "", name);
    }
  return g_string_free (text, FALSE);
}
static char *column_groups (Top *top, const Process *process) { return groups_text (top, process, FALSE); }
static char *column_hgroups (Top *top, const Process *process) { return groups_text (top, process, TRUE); }

/* ---- times */

static gint64
elapsed_ns (const Top *top, const Process *process)
{
  const unsigned long long second = (unsigned long long) sysconf (_SC_CLK_TCK);
  gint64 started = (gint64) (process->start_ticks / second * 1000000000ULL + process->start_ticks % second * (1000000000ULL / second));
  gint64 now = (gint64) top->now.tv_sec * 1000000000 + top->now.tv_nsec;
  return MAX (now - started, 0);
}

static gint64
used_ns (const Process *process)
{
  const unsigned long long second = (unsigned long long) sysconf (_SC_CLK_TCK);
  return (gint64) (process->ticks * (1000000000ULL / second));
}

static char *column_etime (Top *top, const Process *process) { return text_duration_go (elapsed_ns (top, process)); }
static char *column_time (Top *top, const Process *process) { (void) top; return text_duration_go (used_ns (process)); }

static char *
column_pcpu (Top *top, const Process *process)
{
  gint64 elapsed = elapsed_ns (top, process);
  return g_strdup_printf ("%.3f", elapsed > 0 ? 100.0 * (double) used_ns (process) / (double) elapsed : 0.0);
}

static char *
column_stime (Top *top, const Process *process)
{
  struct timespec when = { .tv_sec = (time_t) (g_get_real_time () / G_USEC_PER_SEC - elapsed_ns (top, process) / 1000000000) };
  return text_time_go (when, TRUE);
}

/* ---- the rest. Numbers of terminals: the kernel's admin-guide/devices.txt */

static char *
column_tty (Top *top, const Process *process)
{
  unsigned number = minor (process->tty), type = major (process->tty);
  (void) top;
  if (type >= 136 && type <= 143)
    return g_strdup_printf ("pts/%u", number + (type - 136) * 256);
  if (type == 4)
    return g_strdup_printf ("tty%s%u", number >= 64 ? "S" : "", number >= 64 ? number - 64 : number);
  return g_strdup (type == 5 && number == 1 ? "console" : "?");
}

static char *
column_seccomp (Top *top, const Process *process)
{
  static const char *const modes[] = { "disabled", "strict", "filter" };
  gint64 mode = number_at (line_of (process->status, "Seccomp"), 0);
  (void) top;
  return g_strdup (mode >= 0 && mode < 3 ? modes[mode] : "?");
}

static char *
column_label (Top *top, const Process *process)
{
  (void) top;
  return g_strdup (process->label != NULL && process->label[0] != '\0' ? process->label : "?");
}

static int
by_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static char *
caps_text (const Process *process, const char *key)
{
  uint64_t mask = g_ascii_strtoull (line_of (process->status, key), NULL, 16), all = caps_all ();
  if ((mask & all) == all || mask == 0)
    return g_strdup (mask == 0 ? "none" : "full");
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (int cap = 0; cap < 64; cap++)
    if (mask >> cap & 1 && caps_name (cap) != NULL)
      g_ptr_array_add (names, (char *) (uintptr_t) (caps_name (cap) + strlen ("CAP_")));
  g_ptr_array_sort (names, by_text);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (",", (char **) names->pdata);
}
static char *column_capamb (Top *top, const Process *process) { (void) top; return caps_text (process, "CapAmb"); }
static char *column_capbnd (Top *top, const Process *process) { (void) top; return caps_text (process, "CapBnd"); }
static char *column_capeff (Top *top, const Process *process) { (void) top; return caps_text (process, "CapEff"); }
static char *column_capinh (Top *top, const Process *process) { (void) top; return caps_text (process, "CapInh"); }
static char *column_capprm (Top *top, const Process *process) { (void) top; return caps_text (process, "CapPrm"); }

static const struct {
  const char *name, *aix, *header;
  Column text;
} columns[] = {
  { "args", "%a", "COMMAND", column_args },      { "capamb", NULL, "AMBIENT CAPS", column_capamb },   { "capbnd", NULL, "BOUNDING CAPS", column_capbnd },
  { "capeff", NULL, "EFFECTIVE CAPS", column_capeff }, { "capinh", NULL, "INHERITED CAPS", column_capinh }, { "capprm", NULL, "PERMITTED CAPS", column_capprm },
  { "comm", "%c", "COMMAND", column_comm },      { "etime", "%t", "ELAPSED", column_etime },          { "gid", NULL, "GID", column_gid },
  { "group", "%G", "GROUP", column_group },      { "groups", NULL, "GROUPS", column_groups },         { "hgid", NULL, "HGID", column_hgid },
  { "hgroup", NULL, "HGROUP", column_hgid },     { "hgroups", NULL, "HGROUPS", column_hgroups },      { "hpid", NULL, "HPID", column_hpid },
  { "huid", NULL, "HUID", column_huid },         { "huser", NULL, "HUSER", column_huser },            { "label", NULL, "LABEL", column_label },
  { "nice", "%n", "NI", column_nice },           { "pcpu", "%C", "%CPU", column_pcpu },               { "pgid", "%r", "PGID", column_pgid },
  { "pid", "%p", "PID", column_pid },            { "ppid", "%P", "PPID", column_ppid },               { "rgroup", "%g", "RGROUP", column_rgroup },
  { "ruser", "%u", "RUSER", column_ruser },      { "seccomp", NULL, "SECCOMP", column_seccomp },      { "state", NULL, "STATE", column_state },
  { "stime", NULL, "STIME", column_stime },      { "time", "%x", "TIME", column_time },               { "tty", "%y", "TTY", column_tty },
  { "uid", NULL, "UID", column_uid },            { "user", "%U", "USER", column_user },               { "vsz", "%z", "VSZ", column_vsz },
};

const char *const *
container_top_descriptors (void)
{
  static const char *names[G_N_ELEMENTS (columns) + 1];
  for (gsize i = 0; i < G_N_ELEMENTS (columns); i++)
    names[i] = columns[i].name;
  return names;
}

/* choose: the numbers of the columns that @words name. NULL: a word is none. */
static GArray *
choose (const char *const *words)
{
  static const char *const usual[] = { "user,pid,ppid,pcpu,etime,tty,time,args", NULL };
  g_autoptr (GArray) chosen = g_array_new (FALSE, FALSE, sizeof (gsize));
  for (const char *const *word = words[0] == NULL || (words[0][0] == '\0' && words[1] == NULL) ? usual : words; *word != NULL; word++)
    {
      g_auto (GStrv) parts = g_strsplit (*word, ",", -1);
      for (char **part = parts; *part != NULL; part++)
        {
          gsize i = 0;
          while (i < G_N_ELEMENTS (columns) && g_ascii_strcasecmp (*part, columns[i].name) != 0 && g_strcmp0 (*part, columns[i].aix) != 0)
            i++;
          if (i == G_N_ELEMENTS (columns))
            return NULL;
          g_array_append_val (chosen, i);
        }
    }
  return g_steal_pointer (&chosen);
}

static char *
table_text (Top *top, const GArray *chosen)
{
  GString *out = g_string_new (NULL);
  for (guint i = 0; i < chosen->len; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? "\t" : "", columns[g_array_index (chosen, gsize, i)].header);
  g_string_append_c (out, '\n');
  for (guint row = 0; row < top->processes->len; row++)
    {
      for (guint i = 0; i < chosen->len; i++)
        {
          g_autofree char *text = columns[g_array_index (chosen, gsize, i)].text (top, top->processes->pdata[row]);
          g_string_append_printf (out, "%s%s", i > 0 ? "\t" : "", text);
        }
      g_string_append_c (out, '\n');
    }
  return g_string_free (out, FALSE);
}

gboolean
container_top (Storage *storage, const ContainerView *view, const char *const *words, char **ret_text, gboolean *ret_table, GError **error)
{
  g_autoptr (GArray) chosen = choose (words);
  pid_t init;
  cleanup_fd int pidfd = live_open_init (storage, view->row->id, &init);
  if (pidfd < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "top can only be used on running containers");
  *ret_table = chosen != NULL;
  if (chosen == NULL)
    return container_ps (storage, view, pidfd, init, words, ret_text, error);
  g_auto (Top) top = { .root_fd = -1, .processes = g_ptr_array_new_with_free_func ((GDestroyNotify) process_free) };
  if (!top_open (&top, init, error))
    return FALSE;
  *ret_text = table_text (&top, chosen);
  return TRUE;
}
