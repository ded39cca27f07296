/* container_policy: --restart: whether a container that has ended is started again. Source: podman-run(1) --restart. */
#pragma once

#include <glib.h>

#include "pkg/state/state.h"

typedef enum {
  POLICY_NO,
  POLICY_ON_FAILURE,
  POLICY_ALWAYS,
  POLICY_UNLESS_STOPPED,
} PolicyKind;

typedef struct {
  PolicyKind kind;
  guint retries;   /* of POLICY_ON_FAILURE; 0 = no limit */
} Policy;

/* policy_parse: "no", "on-failure[:N]", "always", "unless-stopped"; NULL and "" are "no". Errors: INVALID, in Podman's words. */
gboolean policy_parse (const char *text, Policy *ret_policy, GError **error);
/* policy_name: "no", "on-failure", …: without the number. */
const char *policy_name (const Policy *policy);
/* policy_of: of a row; POLICY_NO when it says nothing that can be understood. */
Policy policy_of (StateContainer *row);
/* policy_wants: another start after an end with @exit_code, which @row does not tell yet? Its "stopped_by_user" forbids every one; "restart_count" counts against the limit. */
gboolean policy_wants (StateContainer *row, int exit_code);
