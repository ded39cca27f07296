/* destination: where push sends images: a place that was named, opened. Linked by coracle-image only. */
#pragma once

#include "pkg/engine/image_out.h"
#include "pkg/engine/image_ready.h"
#include "pkg/image/name.h"
#include "pkg/registry/sink_registry.h"

typedef struct Transport Transport;

typedef struct {
  ArchiveSink *sink;            /* NULL: not open yet */
  const Transport *transport;   /* NULL: a registry */
  char *path;
  const char *reference;        /* of a local place: the name that was given; borrowed from the text; NULL: none */
  ImageName *name;              /* in a registry; with a tag or a digest */
  RegistriesConf *conf;
  RegistriesPlace *place;
  Registry *registry;
} Destination;
void destination_clear (Destination *destination);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Destination, destination_clear)

/* destination_parse: @text: [docker://]NAME, docker-archive:PATH[:NAME], oci-archive:PATH[:NAME], oci:PATH[:NAME], dir:PATH; borrowed. Errors: INVALID, UNSUPPORTED, in Podman's words. */
gboolean destination_parse (const char *text, Destination *ret_destination, GError **error);
/* destination_open: make its sink, or reach and greet the registry. Errors: those of the sinks, of registries_destination and registry_place_open. */
gboolean destination_open (Destination *destination, const char *text, const RegistryAccess *access, GError **error);

/* destination_names: what an image will be called there: added to @names (of char*, owned), and a NULL. @own: the name by which it was found, which a docker-archive keeps; or NULL. */
gboolean destination_names (const Destination *destination, const char *own, GPtrArray *names, GError **error);

/* destination_know: tell a registry's sink where @image's layers may be; nothing for others. destination_remember: note where they are now. */
void destination_know (const Destination *destination, Storage *storage, const StateImage *image);
void destination_remember (const Destination *destination, Storage *storage, const ReadyImage *ready);

/* destination_wish: how an image is to be made ready for it. Errors: UNSUPPORTED v2s2 in an OCI layout. */
gboolean destination_wish (const Destination *destination, const ImagePush *request, ReadyWish *ret_wish, GError **error);
