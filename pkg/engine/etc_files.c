#include "pkg/engine/etc_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_words.h"
#include "pkg/spec/values.h"

/* put: FOLDER/etc/NAME with @text, bound to @destination. */
static gboolean
put (const EtcFiles *files, json_t *mounts, int dir, const char *name, const char *destination, const char *text, gsize size, mode_t mode,
     GError **error)
{
  cleanup_fd int fd = openat (dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  int errsv = errno;
  if (fd < 0)
    return coracle_throw_errno (error, errsv, "writing %s for the container", destination);
  int r = fd_write_all (fd, text, size);
  if (r == 0 && fchmod (fd, mode) < 0) /* whatever the umask */
    r = -errno;
  if (r < 0)
    return coracle_throw_errno (error, -r, "writing %s for the container", destination);
  g_autofree char *source = g_build_filename (files->folder, "etc", name, NULL);
  json_array_append_new (mounts, json_pack ("{s:s, s:s, s:s, s:[s, s]}", "destination", destination, "type", "bind", "source", source, "options", "bind", "rprivate"));
  return TRUE;
}

/* read_base_hosts: containers.conf(5) base_hosts_file: the host's own file unless another one is named; "none", and "image" for the image's. */
static gboolean
read_base_hosts (const EtcFiles *files, char **ret_text)
{
  const char *file = files->options->base_hosts_file;
  if (g_strcmp0 (file, "none") == 0)
    return FALSE;
  if (g_strcmp0 (file, "image") != 0)
    return path_read_file (AT_FDCWD, file != NULL ? file : "/etc/hosts", 1 << 20, ret_text, NULL, NULL);
  cleanup_fd int fd = path_open_in_root (files->root_fd, "/etc/hosts", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  return fd >= 0 && fd_read_file (fd, 1 << 20, ret_text, NULL, NULL);
}

/* hosts_names: all names that @text has addresses for; a set. */
static GHashTable *
hosts_names (const char *text)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      (*line)[strcspn (*line, "#")] = '\0';
      g_auto (GStrv) words = g_strsplit_set (*line, " \t", -1);
      for (char **word = words; *word != NULL; word++)
        if (word != words && (*word)[0] != '\0')
          (void) g_hash_table_add (names, g_strdup (*word));
    }
  return names;
}

/* add_host: a line with those of two names that have no address yet: a name that the user, or the base file, has given away is not ours to give. @names: that are taken. */
static void
add_host (GString *text, GHashTable *names, const char *address, const char *name, const char *other)
{
  gboolean first = !g_hash_table_contains (names, name), second = other != NULL && !g_hash_table_contains (names, other);
  if (first || second)
    g_string_append_printf (text, "%s\t%s%s%s\n", address, first ? name : "", first && second ? " " : "", second ? other : "");
}

/* hosts_text: podman-run(1) --add-host, --no-hosts: what the user asked for first, for the first line that has a name counts. */
static char *
hosts_text (const EtcFiles *files)
{
  GString *text = g_string_new (NULL);
  g_autofree char *base = NULL;
  for (const char *const *line = files->hosts; line != NULL && *line != NULL; line++)
    g_string_append_printf (text, "%s\n", *line);
  if (read_base_hosts (files, &base))
    {
      g_string_append (text, base);
      if (text->len > 0 && text->str[text->len - 1] != '\n')
        g_string_append_c (text, '\n');
    }
  g_autoptr (GHashTable) names = hosts_names (text->str);
  add_host (text, names, "127.0.0.1", "localhost", NULL);
  add_host (text, names, "::1", "localhost", NULL);
  g_autofree char *host = words_host_address (files->options, files->slirp);
  if (host != NULL)
    add_host (text, names, host, "host.containers.internal", "host.docker.internal");
  if (files->address != NULL)
    add_host (text, names, files->address, files->hostname, files->name);
  for (const char *const *address = files->addresses; address != NULL && *address != NULL; address++)
    add_host (text, names, *address, files->hostname, files->name);
  return g_string_free (text, FALSE);
}

char *
etc_files_resolv (const EtcFiles *files)
{
  static const char *const domain[] = { "dns.podman", NULL };
  const ContainerOptions *options = files->options;
  const char *const *dns = (const char *const *) options->dns, *const *search = (const char *const *) options->dns_search;
  g_autofree char *host = NULL;
  gboolean own = files->name_servers != NULL && files->name_servers[0] != NULL && !(dns != NULL && g_strcmp0 (dns[0], "none") == 0);
  (void) path_read_file (AT_FDCWD, "/etc/resolv.conf", 1 << 20, &host, NULL, NULL);
  /* the network's server asks those of --dns */
  return slirp_resolv_conf (host != NULL ? host : "", own ? NULL : files->slirp, own ? files->name_servers : dns, own && (search == NULL || search[0] == NULL) ? domain : search,
                            (const char *const *) options->dns_option);
}

/* containerenv_text: podman-run(1), "/run/.containerenv". The engine is called as in the variable "container": it is the word that programs look for. */
static char *
containerenv_text (const EtcFiles *files)
{
  if (!files->options->privileged)
    return g_strdup ("");
  return g_strdup_printf ("engine=\"podman-" CORACLE_VERSION "\"\nname=\"%s\"\nid=\"%s\"\nimage=\"%s\"\nimageid=\"%s\"\nrootless=%d\n", files->name, files->id,
                          files->image_name != NULL ? files->image_name : "", files->image_id != NULL ? files->image_id : "", 1);
}

/* put_localtime: podman-run(1) --tz: a copy of the host's file for the zone. */
static gboolean
put_localtime (const EtcFiles *files, json_t *mounts, int dir, GError **error)
{
  g_autofree char *zone = NULL, *data = NULL;
  gsize size;
  if (files->options->tz == NULL)
    return TRUE;
  if (!spec_timezone_file (files->options->tz, &zone, error))
    return FALSE;
  if (zone == NULL)
    return TRUE;
  if (!path_read_file (AT_FDCWD, zone, 1 << 20, &data, &size, error))
    return FALSE;
  return put (files, mounts, dir, "localtime", "/etc/localtime", data, size, 0644, error);
}

/* put_apt: with a single id apt cannot become its sandbox user, and gives up when it cannot: it is told to stay root (apt.conf(5) APT::Sandbox::User). */
static gboolean
put_apt (const EtcFiles *files, json_t *mounts, int dir, GError **error)
{
  static const char text[] = "APT::Sandbox::User \"root\";\n";
  cleanup_fd int fd = files->single ? path_open_in_root (files->root_fd, "/etc/apt/apt.conf.d", O_PATH | O_DIRECTORY, 0) : -1;
  return fd < 0 || put (files, mounts, dir, "apt.conf", "/etc/apt/apt.conf.d/00coracle-single-id", text, strlen (text), 0644, error);
}

/* append_account: the image's passwd or group with more lines, @line last (may be NULL); NULL when the file is not there. */
static char *
append_account (const EtcFiles *files, const char *path, const char *const *lines, const char *line)
{
  cleanup_fd int fd = path_open_in_root (files->root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  g_autofree char *text = NULL;
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode) || !fd_read_file (fd, 16 << 20, &text, NULL, NULL))
    return NULL;
  GString *out = g_string_new (text);
  if (out->len > 0 && out->str[out->len - 1] != '\n')
    g_string_append_c (out, '\n');
  for (; lines != NULL && *lines != NULL; lines++)
    g_string_append_printf (out, "%s\n", *lines);
  if (line != NULL)
    g_string_append_printf (out, "%s\n", line);
  return g_string_free (out, FALSE);
}

/* replace_marks: podman-run(1) --passwd-entry: $USERNAME $UID $GID $NAME $HOME; --group-entry: $GROUPNAME $GID $USERLIST. */
static char *
replace_marks (const char *entry, const UserInfo *user, const char *home)
{
  g_autofree char *uid = g_strdup_printf ("%u", user->uid), *gid = g_strdup_printf ("%u", user->gid);
  const char *name = user->name != NULL ? user->name : uid;
  const struct {
    const char *mark, *value;
  } marks[] = { { "$USERNAME", name }, { "$GROUPNAME", gid }, { "$USERLIST", name }, { "$UID", uid }, { "$GID", gid }, { "$NAME", "container user" }, { "$HOME", home } };
  g_autoptr (GString) text = g_string_new (entry);
  for (size_t i = 0; i < G_N_ELEMENTS (marks); i++)
    g_string_replace (text, marks[i].mark, marks[i].value, 0);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* put_passwd: a user by number whom the image does not know gets a line, so that programs that ask for their name work (podman-run(1) --passwd). */
static gboolean
put_passwd (const EtcFiles *files, json_t *mounts, int dir, GError **error)
{
  const ContainerOptions *options = files->options;
  gboolean missing = files->user->name == NULL || options->passwd_entry != NULL, more = files->host_users != NULL && files->host_users[0] != NULL;
  /* a line of the user's own choice takes the place of the caller's */
  const char *own = options->passwd_entry == NULL ? files->own_passwd : NULL;
  if (!options->passwd || (!missing && !more && own == NULL))
    return TRUE;
  g_autoptr (GStrvBuilder) lines = g_strv_builder_new ();
  if (more)
    g_strv_builder_addv (lines, (const char **) (uintptr_t) files->host_users);
  if (own != NULL)
    g_strv_builder_add (lines, own);
  g_auto (GStrv) all = g_strv_builder_end (lines);
  const char *home = options->workdir != NULL ? options->workdir : "/";
  g_autofree char *line = replace_marks (options->passwd_entry != NULL ? options->passwd_entry : "$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/sh", files->user, home);
  g_autofree char *text = append_account (files, "/etc/passwd", (const char *const *) all, missing ? line : NULL);
  return text == NULL || put (files, mounts, dir, "passwd", "/etc/passwd", text, strlen (text), 0644, error);
}

/* put_group: the same for the group of a user given by number. */
static gboolean
put_group (const EtcFiles *files, json_t *mounts, int dir, GError **error)
{
  const ContainerOptions *options = files->options;
  gboolean own = files->own_group != NULL && options->group_entry == NULL, missing = (!files->user->group_known && !(own && files->user->gid == files->own_gid)) || options->group_entry != NULL;
  if (!options->passwd || (!missing && !own))
    return TRUE;
  g_autofree char *line = replace_marks (options->group_entry != NULL ? options->group_entry : "$GROUPNAME:x:$GID:$USERLIST", files->user, "/");
  g_autofree char *text = append_account (files, "/etc/group", own ? (const char *const[]){ files->own_group, NULL } : NULL, missing ? line : NULL);
  return text == NULL || put (files, mounts, dir, "group", "/etc/group", text, strlen (text), 0644, error);
}

static int
open_folder (const EtcFiles *files, GError **error)
{
  g_autofree char *folder = g_build_filename (files->folder, "etc", NULL);
  if (!path_mkdirs (folder, 0755, error))
    return -1;
  int dir = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int errsv = errno;
  if (dir < 0)
    coracle_throw_errno (error, errsv, "opening %s", folder);
  return dir;
}

gboolean
etc_files_write (const EtcFiles *files, json_t *mounts, GError **error)
{
  const ContainerOptions *options = files->options;
  cleanup_fd int dir = open_folder (files, error);
  if (dir < 0)
    return FALSE;
  g_autofree char *hosts = hosts_text (files);
  if (!options->no_hosts && !put (files, mounts, dir, "hosts", "/etc/hosts", hosts, strlen (hosts), 0644, error))
    return FALSE;
  g_autofree char *resolv = files->no_network ? NULL : etc_files_resolv (files);
  if (resolv != NULL && !put (files, mounts, dir, "resolv.conf", "/etc/resolv.conf", resolv, strlen (resolv), 0644, error))
    return FALSE;
  g_autofree char *hostname = g_strconcat (files->hostname, "\n", NULL);
  g_autofree char *containerenv = containerenv_text (files);
  return (options->no_hostname || put (files, mounts, dir, "hostname", "/etc/hostname", hostname, strlen (hostname), 0644, error))
         && put (files, mounts, dir, "containerenv", "/run/.containerenv", containerenv, strlen (containerenv), 0700, error);
}

gboolean
etc_files_write_accounts (const EtcFiles *files, json_t *mounts, GError **error)
{
  cleanup_fd int dir = open_folder (files, error);
  return dir >= 0 && put_passwd (files, mounts, dir, error) && put_group (files, mounts, dir, error) && put_localtime (files, mounts, dir, error)
         && put_apt (files, mounts, dir, error);
}
