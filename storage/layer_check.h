/* layer_check: is a layer's folder still what its blob makes? */
#pragma once

#include "storage/storage.h"

/* layer_check: unpack the blob of @row once more, into @work, and compare every name, kind, mode, owner, time, content, link and attribute with what lies in ROOT/layers.
 * @ret_problem: NULL: all is as it was made, or no blob is kept to tell, or the folder is not ours; else the first that is not, for people; free with g_free.
 * @ret_folder: with a problem of the folder alone the name in @work of one as it should be; NULL when the blob is what is broken. Free with g_free.
 * Runs in: the user namespace. Errors: DENIED owners outside the map of now; NO_SPACE; SYSTEM. */
gboolean layer_check (Storage *storage, const StorageWork *work, const StateLayer *row, char **ret_problem, char **ret_folder, GError **error);

/* layer_mend: put @folder of @work in the place of the layer's, which is then in @work. @free_to: asked while nobody can begin to use the layer: is nobody using it? *@ret_done: FALSE: in use,
 * or somebody is making images or containers now. Errors: SYSTEM. */
gboolean layer_mend (Storage *storage, const StorageWork *work, const char *diff_id, const char *folder, gboolean (*free_to) (Storage *storage, const char *diff_id), gboolean *ret_done, GError **error);
