/* registries_conf: what registries.conf says: where a name is really fetched from, and what a short name means.
 * Source: containers-registries.conf(5), both versions, and containers-registries.conf.d(5). */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef enum { SHORT_NAMES_PERMISSIVE, SHORT_NAMES_ENFORCING, SHORT_NAMES_DISABLED } ShortNameMode;

typedef struct {
  char *location;           /* "HOST[:PORT][/PATH]" */
  gboolean insecure;
  char *pull;               /* "all", "digest-only", "tag-only" */
} RegistriesMirror;

typedef struct {
  char *prefix, *location;
  gboolean insecure, blocked;
  GPtrArray *mirrors;       /* of RegistriesMirror */
} RegistriesEntry;

typedef struct {
  char **search;            /* unqualified-search-registries; NULL: no file says any */
  ShortNameMode mode;
  GPtrArray *entries;       /* of RegistriesEntry */
  GHashTable *aliases;      /* short name → full one without tag */
  GHashTable *alias_files;  /* short name → the file that says so */
  char **helpers;           /* credential-helpers; NULL: no file says any */
  char *path;               /* the main file, for errors */
  char *search_path;        /* the file that has .search; NULL: none */
  gboolean any;             /* at least one file was there */
} RegistriesConf;
void registries_conf_free (RegistriesConf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistriesConf, registries_conf_free)

/* registries_conf_read: $CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/registries.conf, else that of /etc/containers; over it *.conf of registries.conf.d there and here, and the
 * aliases that were chosen before (short-name-aliases.conf). Errors: INVALID, with the file's name. */
RegistriesConf *registries_conf_read (GError **error);
/* registries_conf_new, registries_conf_add: from documents in memory: each one goes over those before. @path: what it is called. Errors: INVALID. */
RegistriesConf *registries_conf_new (void);
gboolean registries_conf_add (RegistriesConf *conf, json_t *document, const char *path, GError **error);

/* Where one name may be fetched from. */
typedef struct {
  char *registry, *repository;   /* "mirror.example:5000", "library/alpine" */
  gboolean insecure, mirror;
} RegistriesPlace;
void registries_place_free (RegistriesPlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegistriesPlace, registries_place_free)

/* registries_places: @registry and @path of a name → RegistriesPlace, mirrors first, then the registry itself. @digest: the name has one.
 * Errors: DENIED it is blocked; INVALID a rewrite that makes no name. */
GPtrArray *registries_places (const RegistriesConf *conf, const char *registry, const char *path, gboolean digest, GError **error);

/* registries_destination: where @registry and @path are pushed to: there itself, neither mirrors nor rewrites. Free with registries_place_free. Errors: DENIED it is blocked. */
RegistriesPlace *registries_destination (const RegistriesConf *conf, const char *registry, const char *path, GError **error);

/* registries_short: full names, without tag, that the short name @path may mean, in order; NULL-terminated, free with g_strfreev. Without any registries.conf it is looked for at docker.io.
 * @given: as the user wrote it, for the error. @ret_alias: it is an alias, and the only one. Errors: NOT_FOUND. */
char **registries_short (const RegistriesConf *conf, const char *path, const char *given, gboolean *ret_alias, GError **error);
/* registries_remember: note the alias that the user chose, in ~/.cache/containers/short-name-aliases.conf. */
gboolean registries_remember (const char *path, const char *full, GError **error);
