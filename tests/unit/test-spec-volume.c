#include "pkg/base/error.h"
#include "pkg/spec/volume.h"

#include <string.h>

/* One line that says all of a mount. */
static char *
describe (const SpecMount *m)
{
  g_autofree char *options = g_strjoinv (",", m->options);
  g_autoptr (GString) s = g_string_new (NULL);
  g_string_append_printf (s, "%s %s>%s %s", spec_mount_type_name (m->type), m->source != NULL ? m->source : "", m->destination != NULL ? m->destination : "", options);
  g_string_append (s, m->relabel == SPEC_RELABEL_SHARED ? " z" : m->relabel == SPEC_RELABEL_PRIVATE ? " Z" : "");
  g_string_append (s, m->chown ? " U" : "");
  g_string_append (s, m->copy ? " copy" : "");
  g_string_append (s, m->create ? "" : " nocreate");
  if (m->overlay)
    g_string_append_printf (s, " O %s %s", m->upper != NULL ? m->upper : "-", m->work != NULL ? m->work : "-");
  g_string_append (s, m->glob ? " glob" : "");
  const char *const blob[][2] = { { "title", m->title }, { "digest", m->digest }, { "name", m->name } };
  for (size_t i = 0; i < G_N_ELEMENTS (blob); i++)
    if (blob[i][1] != NULL)
      g_string_append_printf (s, " %s=%s", blob[i][0], blob[i][1]);
  if (m->subpath != NULL)
    g_string_append_printf (s, " sub=%s", m->subpath);
  gboolean ro = g_strv_contains ((const char *const *) m->options, "ro");
  g_assert_cmpint (m->read_only, ==, ro);
  g_assert_true (m->propagation == NULL || strstr (options, m->propagation) != NULL);
  g_assert_cmpint (m->recursive, ==, g_str_has_prefix (options, "rbind"));
  return g_strdup (s->str);
}

typedef SpecMount *(*Parse) (const char *text, GError **error);
typedef struct {
  const char *text, *want, *error;
} Case;

static SpecMount *
parse_volume (const char *text, GError **error)
{
  return spec_volume_parse (text, "/cwd/x", error);
}

static SpecMount *
parse_mount (const char *text, GError **error)
{
  return spec_mount_parse (text, "/cwd/x", error);
}

static void
run_cases (Parse parse, const Case *cases, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SpecMount) mount = parse (cases[i].text, &error);
      g_test_message ("%s", cases[i].text);
      if (cases[i].error == NULL)
        {
          g_assert_no_error (error);
          g_autofree char *said = describe (mount);
          g_assert_cmpstr (said, ==, cases[i].want);
          continue;
        }
      g_assert_null (mount);
      g_assert_nonnull (error);
      if (strstr (error->message, cases[i].error) == NULL)
        g_error ("\"%s\" lacks \"%s\"", error->message, cases[i].error);
    }
}

static void
test_volume (void)
{
  static const Case cases[] = {
    { "/a:/b", "bind /a>/b rbind,rprivate,rw" },
    { "/a:/b:ro", "bind /a>/b rbind,rprivate,ro" },
    { "/a:/b:ro,Z,U", "bind /a>/b rbind,rprivate,ro Z U" },
    { "/a/../c/:/b/./d//:rw,z", "bind /c>/b/d rbind,rprivate,rw z" },
    { "./src:/b:bind,rslave,exec,suid,dev", "bind /cwd/x/src>/b bind,rslave,rw,suid,dev,exec" },
    { "..:/b", "bind /cwd>/b rbind,rprivate,rw" },
    { ".:/b:copy,noexec", "bind /cwd/x>/b rbind,rprivate,rw,noexec" },
    { "data:/b", "volume data>/b rbind,rprivate,rw,nosuid,nodev copy" },
    { "data:/b:nocopy,nocreate", "volume data>/b rbind,rprivate,rw,nosuid,nodev nocreate" },
    { "/b", "volume >/b rbind,rprivate,rw,nosuid,nodev copy" },
    { "/a:/b:", "bind /a>/b rbind,rprivate,rw" },
    { "", NULL, "incorrect volume format" },
    { ":/b", NULL, "host directory cannot be empty" },
    { "/a:", NULL, "container directory cannot be empty" },
    { "/a:b", NULL, "invalid container path \"b\", must be an absolute path" },
    { "/a:/", NULL, "destination can't be '/'" },
    { "/a:/b/..", NULL, "destination can't be '/'" },
    { "/a:/b:ro:x", NULL, "incorrect volume format" },
    { "/a:/b:rx", NULL, "invalid mount option \"rx\"" },
    { "/a:/b:ro,", NULL, "invalid mount option \"\"" },
    { "/a:/b:ro,rw", NULL, "invalid options \"ro,rw\", can only specify 1 'rw' or 'ro' option" },
    { "/a:/b:z,Z", NULL, "can only specify 1 'z' or 'Z' option" },
    { "/a:/b:shared,rslave", NULL, "can only specify 1 '[r]shared'" },
    { "/a:/b:O", "bind /a>/b rbind,rprivate,rw O - -" },
    { "data:/b:ro,O,U", "volume data>/b rbind,rprivate,ro,nosuid,nodev U copy O - -" },
    { "/a:/b:O,upperdir=/u/../v,workdir=/w", "bind /a>/b rbind,rprivate,rw O /v /w" },
    { "/a:/b:O,upperdir=/u", NULL, "must specify both upperdir and workdir" },
    { "/a:/b:upperdir=/u,workdir=/w", NULL, "option O is missing" },
    { "/a:/b:O,upperdir=u,workdir=/w", NULL, "upperdir=u: must be an absolute path" },
    { "/a:/b:O,upperdir=/u,upperdir=/u,workdir=/w", NULL, "can only specify 1 'upperdir' per overlay mount" },
    { "/a:/b:idmap=uids=0-1-1", NULL, "not supported" },
    { "/a:/b:nocreate", NULL, "nocreate: invalid mount option" },
    { "da ta:/b", NULL, "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*" },
    { "_x:/b", NULL, "names must match" },
    { "a/b:/b", NULL, "names must match" },
  };
  run_cases (parse_volume, cases, G_N_ELEMENTS (cases));
}

static void
test_mount (void)
{
  static const Case cases[] = {
    { "type=bind,src=/a,dst=/b", "bind /a>/b rbind,rprivate,rw" },
    { "type=bind,source=./a,target=/b,ro", "bind /cwd/x/a>/b rbind,rprivate,ro" },
    { "destination=/b,source=/a,readonly=true,type=bind", "bind /a>/b rbind,rprivate,ro" },
    { "type=bind,src=/a,dst=/b,ro=false,U=true,relabel=shared", "bind /a>/b rbind,rprivate,rw z U" },
    { "type=bind,src=/a,dst=/b,rw=false,relabel=private", "bind /a>/b rbind,rprivate,ro Z" },
    { "type=bind,src=/a,dst=/b,bind-propagation=rshared,bind-nonrecursive,exec", "bind /a>/b bind,rshared,rw,exec" },
    { "type=bind,src=/a,dst=/b,noexec=false,suid=false", "bind /a>/b rbind,rprivate,rw,nosuid,exec" },
    { "type=bind,\"src=/a,b\",dst=/b", "bind /a,b>/b rbind,rprivate,rw" },
    { "type=bind,\"src=/a\"\"b\",dst=/b", "bind /a\"b>/b rbind,rprivate,rw" },
    { "type=tmpfs,dst=/t", "tmpfs >/t rw,nosuid,nodev copy" },
    { "type=tmpfs,dst=/t,tmpfs-size=1M,tmpfs-mode=0700,notmpcopyup,noatime", "tmpfs >/t rw,nosuid,nodev,noatime,size=1048576,mode=0700" },
    { "type=tmpfs,dst=/t,noswap,U", "tmpfs >/t rw,nosuid,nodev,noswap U copy" },
    { "type=ramfs,dst=/t,tmpfs-size=512", "ramfs >/t rw,nosuid,nodev,size=512 copy" },
    { "type=devpts,destination=/dev/pts,uid=1,gid=5,mode=620,max=10", "devpts >/dev/pts rw,nosuid,noexec,uid=1,gid=5,mode=620,max=10" },
    { "type=volume,src=v,dst=/d,subpath=a/b", "volume v>/d rbind,rprivate,rw,nosuid,nodev copy sub=a/b" },
    { "src=v,dst=/d", "volume v>/d rbind,rprivate,rw,nosuid,nodev copy" },
    { "type=volume,dst=/d,nocopy", "volume >/d rbind,rprivate,rw,nosuid,nodev" },
    { "type=glob,src=/a*,dst=/b,ro", "bind /a*>/b rbind,rprivate,ro glob" },
    { "type=glob,src=a*", "bind /cwd/x/a*> rbind,rprivate,rw glob" },
    { "type=artifact,src=quay.io/a:1,dst=/b,title=t,name=n", "artifact quay.io/a:1>/b ro,nosuid,nodev title=t name=n" },
    { "type=artifact,src=a,dst=/b,digest=sha256:1", "artifact a>/b ro,nosuid,nodev digest=sha256:1" },
    { "type=image,src=fedora,dst=/i", "image fedora>/i ro,nosuid,nodev" },
    { "type=image,src=fedora,dst=/i,rw=true", "image fedora>/i rw,nosuid,nodev" },
    { "type=image,src=fedora,dst=/i,readwrite=false", "image fedora>/i ro,nosuid,nodev" },
    { "", NULL, "invalid mount option" },
    { "type=bind,src=/a", NULL, "must set volume destination" },
    { "type=bind,dst=/a", NULL, "must set source" },
    { "type=nfs,dst=/a", NULL, "invalid filesystem type \"nfs\"" },
    { "type=artifact,dst=/b", NULL, "must set source artifact" },
    { "type=artifact,src=a,dst=/b,ro", NULL, "ro: invalid mount option" },
    { "type=artifact,src=a,dst=/b,name=x/y", NULL, "cannot be a file in a folder" },
    { "type=image,src=a,dst=/b,title=x", NULL, "title: invalid mount option" },
    { "type=glob,dst=/b", NULL, "must set source for a glob mount" },
    { "type=glob,src=/a,tmpfs-size=1", NULL, "tmpfs-size: invalid mount option" },
    { "type", NULL, "type: must provide an argument" },
    { "type=bind,src,dst=/b", NULL, "src: must provide an argument for option" },
    { "type=bind,src=,dst=/b", NULL, "src: must provide an argument for option" },
    { "type=bind,src=/a,dst=b", NULL, "must be an absolute path" },
    { "type=bind,src=/a,dst=/b,ro,rw", NULL, "cannot pass 'readonly', 'ro', or 'rw' options more than once" },
    { "type=bind,src=/a,dst=/b,ro=maybe", NULL, "ro: \"maybe\" must be \"true\" or \"false\"" },
    { "type=bind,src=/a,dst=/b,colour=red", NULL, "colour: invalid mount option" },
    { "type=bind,src=/a,dst=/b,tmpfs-size=1", NULL, "tmpfs-size: invalid mount option" },
    { "type=tmpfs,dst=/b,bind-propagation=shared", NULL, "bind-propagation: invalid mount option" },
    { "type=bind,src=/a,dst=/b,bind-propagation=none", NULL, "invalid propagation \"none\"" },
    { "type=bind,src=/a,dst=/b,relabel=x", NULL, "relabel: \"x\" must be" },
    { "type=bind,src=/a,dst=/b,idmap", NULL, "not supported" },
    { "type=tmpfs,dst=/b,tmpfs-mode=9", NULL, "mode: invalid value \"9\"" },
    { "type=tmpfs,dst=/b,tmpfs-size=much", NULL, "size: " },
    { "type=tmpfs,dst=/b,tmpfs-size=-5", NULL, "size: " },
    { "type=tmpfs,dst=/b,tmpcopyup=1", NULL, "tmpcopyup: takes no value" },
    { "type=volume,src=a b,dst=/b", NULL, "names must match" },
    { "type=volume,src=v,dst=/d,subpath=a/../../b", NULL, "must stay inside" },
    { "type=bind,\"src=/a,dst=/b", NULL, "a quote out of place" },
    { "type=bind,src=/a\"b,dst=/b", NULL, "a quote out of place" },
    { "type=bind,\"src=/a\"x,dst=/b", NULL, "a quote out of place" },
  };
  run_cases (parse_mount, cases, G_N_ELEMENTS (cases));
}

static void
test_tmpfs (void)
{
  static const Case cases[] = {
    { "/tmp", "tmpfs >/tmp rw,nosuid,nodev copy" },
    { "/tmp:", "tmpfs >/tmp rw,nosuid,nodev copy" },
    { "/tmp:rw,size=787448k,mode=1777", "tmpfs >/tmp rw,nosuid,nodev,size=806346752,mode=1777 copy" },
    { "/tmp:ro,exec,dev,suid,notmpcopyup,size=50%", "tmpfs >/tmp ro,suid,dev,exec,size=50%" },
    { "/tmp:uid=5,gid=6,nr_inodes=10k,U", "tmpfs >/tmp rw,nosuid,nodev,uid=5,gid=6,nr_inodes=10k U copy" },
    { "", NULL, "container directory cannot be empty" },
    { "tmp", NULL, "must be an absolute path" },
    { "/tmp:size=", NULL, "size: " },
    { "/tmp:mode=rwx", NULL, "mode: invalid value \"rwx\"" },
    { "/tmp:rbind", NULL, "rbind: invalid mount option" },
    { "/tmp:z", NULL, "relabel: invalid mount option" },
    { "/tmp:ro,rw", NULL, "can only specify 1 'rw' or 'ro'" },
    { "/tmp:O", NULL, "O: invalid mount option" },
    { "/tmp:what", NULL, "invalid mount option \"what\"" },
  };
  run_cases (spec_tmpfs_parse, cases, G_N_ELEMENTS (cases));
}

static void
test_together (void)
{
  const char *const v1[] = { "/a:/b", "/a:/b/", "/c", NULL }, *const v2[] = { "/a:/b", "/z:/b", NULL }, *const v3[] = { "/b", "/b", NULL };
  const char *const t1[] = { "/t", NULL }, *const t2[] = { "/b", NULL }, *const m1[] = { "type=bind,src=/a,dst=/m", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = spec_mounts_parse (v1, m1, t1, "/", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, 4);
  g_assert_cmpstr (((SpecMount *) list->pdata[0])->destination, ==, "/m");
  g_assert_cmpstr (((SpecMount *) list->pdata[3])->destination, ==, "/t");
  const char *const *const wrong[][2] = { { v2, NULL }, { v1, t2 }, { v3, NULL } };
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_null (spec_mounts_parse (wrong[i][0], NULL, wrong[i][1], "/", &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, "/b: duplicate mount destination");
      g_clear_error (&error);
    }
  g_autoptr (SpecMount) missing = spec_volume_parse ("/nonexistent/x:/b", "/", NULL), there = spec_volume_parse ("/:/b", "/", NULL);
  g_assert_true (spec_mount_source_check (there, &error));
  g_assert_false (spec_mount_source_check (missing, &error));
  g_assert_cmpstr (error->message, ==, "statfs /nonexistent/x: no such file or directory");
  g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_NOT_FOUND);
}

static void
test_glob (void)
{
  const char *const mounts[] = { "type=glob,src=/proc/self/stat*,dst=/in,ro", "type=bind,src=/a,dst=/b", NULL }, *const twice[] = { "type=glob,src=/proc/self/stat,dst=/in", "type=glob,src=/proc/self/stat,dst=/in", NULL },
                    *const other[] = { "type=glob,src=/proc/self/stat,dst=/in", "type=bind,src=/a,dst=/in/stat", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = spec_mounts_parse (NULL, mounts, NULL, "/", &error), same = spec_mounts_parse (NULL, twice, NULL, "/", NULL), clash = spec_mounts_parse (NULL, other, NULL, "/", NULL);
  g_assert_true (spec_mounts_expand (list, &error));
  /* stat, statm, status: what there is in /proc of any kernel */
  g_assert_cmpuint (list->len, ==, 4);
  const SpecMount *first = list->pdata[0], *last = list->pdata[3];
  g_autofree char *said = describe (first);
  g_assert_cmpstr (said, ==, "bind /proc/self/stat>/in/stat rbind,rprivate,ro");
  g_assert_cmpstr (last->destination, ==, "/b");
  g_assert_true (spec_mounts_expand (same, &error) && same->len == 1);
  g_assert_false (spec_mounts_expand (clash, &error));
  g_assert_cmpstr (error->message, ==, "/in/stat: duplicate mount destination");
  g_clear_error (&error);
  static const char *const wrong[] = { "/nonexistent/*", "/" };
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *word = g_strdup_printf ("type=glob,src=%s,dst=/in", wrong[i]);
      const char *const one[] = { word, NULL };
      g_autoptr (GPtrArray) none = spec_mounts_parse (NULL, one, NULL, "/", NULL);
      g_assert_false (spec_mounts_expand (none, &error));
      g_assert_nonnull (strstr (error->message, i == 0 ? "no file paths matching glob \"/nonexistent/*\"" : "finds the root folder"));
      g_clear_error (&error);
    }
}

/* An image's volume is a path in the container: what it says after a colon is no mount of the host. */
static void
test_image (void)
{
  static const char *const paths[] = { "/data", "/etc/shadow:/x", "/:/host", "name:/x:ro,suid", "/x:suid,exec", "/a/../../b" };
  static const char *const cleaned[] = { "/data", "/etc/shadow:/x", "/:/host", NULL, "/x:suid,exec", "/b" };
  for (size_t i = 0; i < G_N_ELEMENTS (paths); i++)
    for (int tmpfs = 0; tmpfs < 2; tmpfs++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (SpecMount) mount = spec_image_volume (paths[i], tmpfs, &error);
        g_assert_cmpstr (mount != NULL ? mount->destination : NULL, ==, cleaned[i]);
        if (mount == NULL)
          {
            g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
            continue;
          }
        g_assert_null (mount->source);
        g_assert_cmpint (mount->type, ==, tmpfs ? SPEC_MOUNT_TMPFS : SPEC_MOUNT_VOLUME);
        g_assert_true (!tmpfs || g_strv_contains ((const char *const *) mount->options, "nosuid"));
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/spec/volume", test_volume);
  g_test_add_func ("/spec/mount", test_mount);
  g_test_add_func ("/spec/tmpfs", test_tmpfs);
  g_test_add_func ("/spec/glob", test_glob);
  g_test_add_func ("/spec/image-volume", test_image);
  g_test_add_func ("/spec/mounts-together", test_together);
  return g_test_run ();
}
