/* account: the users and groups of this machine. /etc/passwd and /etc/group are read here; whoever is not in them is asked for by getent(1), which knows the name services
 * (LDAP, sssd, systemd). So a program linked statically needs no modules of the C library's, and one that starts often no nsswitch. Runs in: the parent; may spawn. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  char *name, *gecos, *home, *shell;   /* owned, never NULL */
  uid_t uid;
  gid_t gid;
} Account;
void account_free (Account *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Account, account_free)

/* account_of_uid, account_of_name: NULL: there is none. */
Account *account_of_uid (uid_t uid);
Account *account_of_name (const char *name);

/* account_group_name: of @gid; NULL: it has none. */
char *account_group_name (gid_t gid);

/* account_find: the first entry of @text, lines as in passwd(5), whose name is @name (not NULL) or whose uid is @uid. Lines that are none are passed over. */
Account *account_find (const char *text, const char *name, uid_t uid);

/* account_find_group: the name of the first entry of @text, lines as in group(5), with @gid. */
char *account_find_group (const char *text, gid_t gid);
