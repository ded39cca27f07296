/* volume: what --volume, --mount and --tmpfs ask for, checked and in one form. Nothing here touches the file system but spec_mounts_expand, spec_path_check and spec_mount_source_check.
 * Texts of errors are Podman's where scripts match them. All errors are INVALID, or UNSUPPORTED for what is known and not done. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

typedef enum { SPEC_MOUNT_BIND, SPEC_MOUNT_VOLUME, SPEC_MOUNT_TMPFS, SPEC_MOUNT_RAMFS, SPEC_MOUNT_DEVPTS, SPEC_MOUNT_IMAGE, SPEC_MOUNT_ARTIFACT } SpecMountType;
typedef enum { SPEC_RELABEL_NONE, SPEC_RELABEL_SHARED, SPEC_RELABEL_PRIVATE } SpecRelabel;   /* nothing, z, Z */

typedef struct {
  SpecMountType type;
  char *source;               /* bind: absolute host path, cleaned. volume: its name; NULL = anonymous. image, artifact: its name. Else NULL */
  char *destination;          /* absolute in the container, cleaned: no "..", no "/" at the end */
  char **options;             /* for OCI's "options", complete: "rbind", "rprivate", "ro", "nosuid", "nodev", "size=…". A volume's are those of
                                 the bind mount of its folder */
  gboolean read_only;
  gboolean recursive;         /* bind, volume: rbind, Podman's default */
  const char *propagation;    /* bind, volume: "rprivate" unless asked otherwise. A static string; else NULL */
  SpecRelabel relabel;
  gboolean chown;             /* U: change the owner to the container's user: recursively for bind and volume; for tmpfs, uid= and gid= */
  gboolean copy;              /* volume: fill a new one from the image's folder. tmpfs, ramfs: copy the image's folder into it (tmpcopyup) */
  gboolean create;            /* volume: make it if it does not exist (not "nocreate") */
  gboolean overlay;           /* O: bind, volume: what is written goes into a folder of the container's own, gone with the next start, or into @upper */
  char *upper, *work;         /* absolute, cleaned; both or neither */
  gboolean glob;              /* bind: @source is a pattern (spec_mounts_expand), and @destination the folder for what it finds; NULL: each where it is */
  char *digest, *title;       /* artifact: which of its blobs; NULL = all */
  char *name;                 /* artifact: what they are called in a folder; NULL = as they are */
  char *subpath;              /* volume, image: mount only this part; relative or absolute, without ".."; NULL = all */
} SpecMount;
void spec_mount_free (SpecMount *mount);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SpecMount, spec_mount_free)

/* spec_volume_parse: --volume [SOURCE:]DESTINATION[:OPTIONS]. A source beginning with "/" or "." is a path (relative to @cwd, absolute), else
 * a volume's name. */
SpecMount *spec_volume_parse (const char *text, const char *cwd, GError **error);

/* spec_mount_parse: --mount type=TYPE,KEY=VALUE,… (comma-separated values: "a field, quoted" may hold commas). Without type: volume. */
SpecMount *spec_mount_parse (const char *text, const char *cwd, GError **error);

/* spec_image_volume: what an image declares as a volume: @path is a path in the container and nothing else; a colon in it is a character like any other, for an image must not
 * name folders of the host. @tmpfs: a tmpfs instead of an anonymous volume. */
SpecMount *spec_image_volume (const char *path, gboolean tmpfs, GError **error);

/* spec_tmpfs_parse: --tmpfs DESTINATION[:OPTIONS]. */
SpecMount *spec_tmpfs_parse (const char *text, GError **error);

/* spec_mounts_parse: the three flags' values (each NULL-terminated or NULL) as an array of SpecMount, in the order mounts, volumes, tmpfs.
 * A destination named twice is an error, "/x: duplicate mount destination", unless both say the same. Free with g_ptr_array_unref. */
GPtrArray *spec_mounts_parse (const char *const *volumes, const char *const *mounts, const char *const *tmpfs, const char *cwd, GError **error);

/* spec_mounts_expand: in the place of each pattern (type=glob) in @mounts what it finds in the file system now. Errors: NOT_FOUND nothing; as above. */
gboolean spec_mounts_expand (GPtrArray *mounts, GError **error);

/* spec_path_check: does @path of the host exist? Errors: NOT_FOUND "statfs /x: no such file or directory"; SYSTEM. */
gboolean spec_path_check (const char *path, struct stat *ret_st, GError **error);
/* spec_mount_source_check: does a bind mount's source exist? Errors: as above. TRUE for other types. */
gboolean spec_mount_source_check (const SpecMount *mount, GError **error);

/* spec_mount_type_name: "bind", "volume", "tmpfs" … */
const char *spec_mount_type_name (SpecMountType type);

/* spec_volume_name_check: [a-zA-Z0-9][a-zA-Z0-9_.-]*. */
gboolean spec_volume_name_check (const char *name, GError **error);
