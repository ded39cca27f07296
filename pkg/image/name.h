/* name: image references, "[registry[:port]/]path[:tag][@digest]": their grammar, full forms, and the order in which a short one is looked up.
 *
 * A first component is a registry when it has a '.' or ':', an upper-case letter, or is "localhost"; otherwise the name is short.
 * Source: the grammar in github.com/distribution/reference (doc comment), podman-pull(1), podman-tag(1), podman-images(1) filters. */
#pragma once

#include <glib.h>

typedef struct {
  char *registry;   /* "docker.io", "localhost", "[::1]:5000"; NULL in a short name */
  char *path;       /* "library/alpine", at least one component */
  char *tag;        /* NULL if not given */
  char *digest;     /* "sha256:…" (or sha384, sha512), NULL if not given */
} ImageName;

void image_name_free (ImageName *name);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ImageName, image_name_free)

/* image_name_parse: take @text apart as it stands, adding nothing; a leading "docker://" is dropped.
 * Errors: INVALID, in Podman's words ("invalid reference format", "… repository name must be lowercase"). The caller adds the text typed, if he wants it. */
ImageName *image_name_parse (const char *text, GError **error);

/* image_name_to_string: the parts put together again. */
char *image_name_to_string (const ImageName *name);

/* image_name_normalize: the full form under which a name is stored: a short name gets @registry ("localhost" for what is made here: tag, import, build, commit;
 * "docker.io" for what is pulled), one component under docker.io gets "library/", and what has neither tag nor digest gets ":latest".
 * With a digest, a tag is dropped: the digest says it all. Errors: INVALID as image_name_parse. */
char *image_name_normalize (const char *text, const char *registry, GError **error);

/* image_name_candidates: the full names to look for, in order, when a user typed @text: the name itself when it has a registry, else localhost/TEXT, then
 * docker.io/library/TEXT or docker.io/TEXT. Free with g_strfreev. Errors: INVALID as image_name_parse. (Ids are the caller's: state_image_find.) */
char **image_name_candidates (const char *text, GError **error);

/* image_name_familiar: @full without "docker.io/" and "docker.io/library/", as Docker shows it; the tag stays. */
char *image_name_familiar (const char *full);

/* image_name_split: @full into what `images` prints under REPOSITORY and TAG: "<none>" for either that is missing. Free both with g_free. */
void image_name_split (const char *full, char **ret_repository, char **ret_tag);

/* image_name_matches: does the pattern of `--filter reference=` fit @full? It may fit the whole name, the name without its registry, or the last component alone,
 * each with or without the tag. '*' and '?' stop at '/'; "[a-z]", "[^a]" and '\' as in Go's path.Match; a broken pattern fits nothing. */
gboolean image_name_matches (const char *pattern, const char *full);

/* image_name_is_digest: "sha256:" and 64, "sha384:" and 96, or "sha512:" and 128 lower-case hex digits, nothing else. */
gboolean image_name_is_digest (const char *text);
