/* plan-check: does a plan keep what plan.h promises: every reference inside of the block, every text ended there, every list whole? What init and the monitor read
 * without looking. */
#pragma once

#include <glib.h>
#include <string.h>

#include "pkg/runtime/plan.h"

static gboolean
plan_text_ok (const GByteArray *bytes, PlanRef ref, gboolean needed)
{
  if (ref == 0)
    return !needed;
  return ref >= sizeof (RuntimePlan) && ref < bytes->len && memchr (bytes->data + ref, '\0', bytes->len - ref) != NULL;
}

static gboolean
plan_list_ok (const GByteArray *bytes, PlanList list, size_t size)
{
  return list.n == 0 || (list.at >= sizeof (RuntimePlan) && list.at % 8 == 0 && list.at < bytes->len && (bytes->len - list.at) / size >= list.n);
}

static gboolean
plan_texts_ok (const GByteArray *bytes, PlanList list)
{
  if (!plan_list_ok (bytes, list, sizeof (PlanRef)))
    return FALSE;
  const PlanRef *refs = (const PlanRef *) (const void *) (bytes->data + list.at);
  for (uint32_t i = 0; i < list.n; i++)
    if (!plan_text_ok (bytes, refs[i], TRUE))
      return FALSE;
  return TRUE;
}

static gboolean
plan_pairs_ok (const GByteArray *bytes, PlanList list)
{
  if (!plan_list_ok (bytes, list, sizeof (PlanSysctl)))
    return FALSE;
  const PlanSysctl *pairs = (const PlanSysctl *) (const void *) (bytes->data + list.at);
  for (uint32_t i = 0; i < list.n; i++)
    if (!plan_text_ok (bytes, pairs[i].key, TRUE) || !plan_text_ok (bytes, pairs[i].value, TRUE))
      return FALSE;
  return TRUE;
}

static gboolean
plan_mounts_ok (const GByteArray *bytes, PlanList list)
{
  if (!plan_list_ok (bytes, list, sizeof (PlanMount)))
    return FALSE;
  const PlanMount *mounts = (const PlanMount *) (const void *) (bytes->data + list.at);
  for (uint32_t i = 0; i < list.n; i++)
    if (!plan_text_ok (bytes, mounts[i].source, mounts[i].kind == PLAN_MOUNT_BIND) || !plan_text_ok (bytes, mounts[i].target, TRUE)
        || !plan_text_ok (bytes, mounts[i].fstype, mounts[i].kind == PLAN_MOUNT_FS) || !plan_texts_ok (bytes, mounts[i].options))
      return FALSE;
  return TRUE;
}

static gboolean
plan_devices_ok (const GByteArray *bytes, PlanList list)
{
  if (!plan_list_ok (bytes, list, sizeof (PlanDevice)))
    return FALSE;
  const PlanDevice *devices = (const PlanDevice *) (const void *) (bytes->data + list.at);
  for (uint32_t i = 0; i < list.n; i++)
    if (!plan_text_ok (bytes, devices[i].path, TRUE) || !plan_text_ok (bytes, devices[i].source, FALSE))
      return FALSE;
  return TRUE;
}

static gboolean
plan_hooks_ok (const GByteArray *bytes, PlanList list)
{
  if (!plan_list_ok (bytes, list, sizeof (PlanHook)))
    return FALSE;
  const PlanHook *hooks = (const PlanHook *) (const void *) (bytes->data + list.at);
  for (uint32_t i = 0; i < list.n; i++)
    if (!plan_text_ok (bytes, hooks[i].path, TRUE) || !plan_texts_ok (bytes, hooks[i].argv) || !plan_texts_ok (bytes, hooks[i].envp))
      return FALSE;
  return TRUE;
}

static inline gboolean
plan_ok (const GByteArray *bytes)
{
  const RuntimePlan *plan = (const RuntimePlan *) (const void *) bytes->data;
  const PlanRef optional[] = { plan->slirp_program, plan->hostname, plan->domainname, plan->cwd, plan->seccomp, plan->seccomp_single };
  for (size_t i = 0; i < G_N_ELEMENTS (optional); i++)
    if (i < 4 ? !plan_text_ok (bytes, optional[i], FALSE) : optional[i] >= bytes->len)
      return FALSE;
  return plan->magic == PLAN_MAGIC && plan->size == bytes->len && plan_text_ok (bytes, plan->rootfs, plan->exec_pidfd < 0) && plan_text_ok (bytes, plan->state_json, plan->exec_pidfd < 0)
         && plan_list_ok (bytes, plan->kept, sizeof (int32_t)) && plan_list_ok (bytes, plan->kept_from, sizeof (int32_t))
         && plan_list_ok (bytes, plan->joins, sizeof (PlanJoin)) && plan_texts_ok (bytes, plan->slirp_envp) && plan_hooks_ok (bytes, plan->hooks_runtime)
         && plan_hooks_ok (bytes, plan->hooks_container) && plan_hooks_ok (bytes, plan->hooks_start) && plan_mounts_ok (bytes, plan->mounts)
         && plan_devices_ok (bytes, plan->devices) && plan_pairs_ok (bytes, plan->links) && plan_texts_ok (bytes, plan->masked) && plan_texts_ok (bytes, plan->readonly)
         && plan_pairs_ok (bytes, plan->sysctls) && plan_list_ok (bytes, plan->limits, sizeof (PlanLimit)) && plan_list_ok (bytes, plan->groups, sizeof (uint32_t))
         && plan_texts_ok (bytes, plan->argv) && plan->argv.n > 0 && plan_texts_ok (bytes, plan->envp) && plan_texts_ok (bytes, plan->exec_paths)
         && plan->argv.n + plan->envp.n <= 262144;
}
