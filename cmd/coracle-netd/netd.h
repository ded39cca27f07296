/* coracle-netd: see network/netd.h for what it is. Its parts:
 *
 *   main.c      begin and end; the second process that waits for the first to die
 *   loop.c      what is waited for
 *   serve.c     what commands ask
 *   members.c   containers, their networks and addresses; their files
 *   job.c       children that work inside the shared namespace
 *   uplink.c    the way out
 *   names.c     the process that serves names, and what it is told
 *   dns.c       names, in that process
 *   guard.c     what each process gives up */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "network/config.h"
#include "network/slirp.h"

typedef struct Netd Netd;

/* ---- loop.c */
typedef struct Loop Loop;
typedef struct Watch Watch;
typedef void (*WatchFunc) (Watch *watch, uint32_t events, void *data);
Loop *loop_new (void);
/* loop_watch: @fd is the watch's from now on. @events: EPOLLIN … */
Watch *loop_watch (Loop *loop, int fd, uint32_t events, WatchFunc call, void *data);
void loop_change (Watch *watch, uint32_t events);
int loop_fd (const Watch *watch);
/* loop_drop: stop and close. NULL is fine. It may be called from within any call. */
void loop_drop (Watch *watch);
/* loop_turn: wait for @timeout_ms at most, and call. */
void loop_turn (Loop *loop, int timeout_ms);

/* ---- members.c */
typedef struct {
  NetAddress address, gateway;   /* gateway: size 0 = none */
  uint8_t prefix;
} Lease;
/* One container on one network. */
typedef struct {
  NetConfig *config;             /* owned */
  char *interface;               /* inside */
  char *link;                    /* outside: below the bridge; "" = there is none: macvlan, ipvlan */
  uint8_t mac[6];
  GArray *leases;                /* of Lease */
  char **aliases;                /* its own words, then id and host name */
  json_t *wanted;                /* NETWORK, as it was asked for, without "config" */
} Attachment;
void attachment_free (Attachment *attachment);
typedef struct {
  char *id, *name, *hostname;
  char **dns;                    /* its own name servers; NULL = the network's */
  GPtrArray *attachments;        /* of Attachment */
  int ns;                        /* its network namespace; -1 */
  int user_ns;                   /* whose it is to be, while it is made; borrowed; -1: ours */
  Watch *life;                   /* its monitor; NULL: it is being set up, by @client, or awaited */
  void *client;
  gboolean awaited;              /* somebody starts it, who spoke with one of us that was killed: it has its addresses, and is connected when it lives */
} Member;

struct Netd {
  Loop *loop;
  const char *run_root, *libexec;
  int run_fd;                    /* O_PATH of RUN_ROOT */
  int folder_fd;                 /* RUN_ROOT/netd */
  int ns;                        /* the shared network namespace */
  GHashTable *members;           /* id → Member */
  GHashTable *networks;          /* name → Live: those that have a bridge now */
  GHashTable *last;              /* "SUBNET" of a network → NetAddress given last */
  guint links;                   /* number of the last veth */
  Watch *listener, *signals;
  int waiting;                   /* connections */
  gboolean awaits;               /* members */
  SlirpNetwork slirp;
  pid_t slirp_pid;
  gint64 slirp_begun;
  pid_t spare;
  int spare_socket;
  pid_t names;
  int names_socket;              /* to it; in it: to the first process */
  gint64 names_begun;
  json_t *servers;               /* the host's name servers: an array of texts */
};

/* A network that has a bridge. */
typedef struct {
  NetConfig *config;             /* owned: the newest */
  guint users;
  guint dns_port;                /* 0 = 53 */
  gboolean bare;                 /* no rules are made for it */
  GArray *sockets;               /* of int: its name server's, UDP and TCP in turn: in the first process */
  GPtrArray *dns;                /* of Watch: the same where they are served */
} Live;
Live *live_new (const NetConfig *config);

/* member_new: of the request "setup"; attachments with leases are made by member_attach. Errors: INVALID. */
Member *member_new (json_t *request, GError **error);
void member_free (Member *member);
/* member_attach: addresses, a hardware address and interface names for NETWORK. The member is not changed. Errors: INVALID, EXISTS: Podman's words. */
Attachment *member_attach (Netd *netd, const Member *member, json_t *network, GError **error);
Attachment *member_find (const Member *member, const char *network);
/* member_record: RUN_ROOT/ID/network.json. */
json_t *member_json (const Member *member);
gboolean member_record (Netd *netd, const Member *member, GError **error);
/* member_parse: of such an object; NULL: it is none. */
Member *member_parse (json_t *object);
/* members_read: from the files of containers that are alive, those that are not known yet. */
GPtrArray *members_read (Netd *netd);
/* member_is_alive: somebody holds RUN_ROOT/ID. */
gboolean member_is_alive (Netd *netd, const char *id);
/* member_open_monitor, member_open_ns: descriptors, or -1. */
int member_open_monitor (Netd *netd, const char *id);
int member_open_ns (Netd *netd, const char *id);

/* ---- networks: serve.c */
/* net_is_bridge: has it a bridge of its own? Else its interfaces are made on top of another. */
gboolean net_is_bridge (const NetConfig *config);
/* net_join: @attachments of @member come to life: bridges, links, rules, name servers. @again: some may be there. Errors: what the job says; then nothing is left of it. */
gboolean net_join (Netd *netd, Member *member, GPtrArray *attachments, gboolean again, GError **error);
/* net_leave: the links of @attachments go, and with the last user of a network its bridge. @ns: the namespace they are in, where it lives on; -1. */
void net_leave (Netd *netd, const GPtrArray *attachments, int ns);
/* serve_begin: listen. serve_restore: what files say of containers that live. serve_idle: nobody is there any more. */
/* netd_tables: the empty tables of members and networks. */
void netd_tables (Netd *netd);
gboolean serve_begin (Netd *netd, int listener, GError **error);
void serve_restore (Netd *netd);
/* serve_await: look after those that are awaited. FALSE: nobody is. */
gboolean serve_await (Netd *netd);
gboolean serve_idle (const Netd *netd);

/* ---- job.c */
typedef struct {
  int ns;                        /* of the container; -1: make one */
  int user_ns;                   /* that it is to belong to; -1: ours */
  const GPtrArray *attachments;  /* to be connected; NULL */
  const GPtrArray *bridges;      /* of Live: to be made; NULL */
  const GPtrArray *dead;         /* of char *: names of links to be removed; NULL */
  const GPtrArray *dead_inside;  /* the same inside @ns; NULL */
  const char *firewall;          /* NULL = as it is */
  gboolean again;                /* what is there already is fine */
} Job;
enum { JOB_FDS_MAX = 128 };
/* job_run: @ret_fds: the container's namespace if it was made, then for every bridge with DNS, and each of its gateways, a UDP and a TCP socket. */
gboolean job_run (const Netd *netd, const Job *job, int ret_fds[JOB_FDS_MAX], guint *ret_n, GError **error);
/* job_namespace: make the shared namespace, with the tap of its way out sent over @slirp_socket. Returns a descriptor or -1. */
int job_namespace (const Netd *netd, int slirp_socket, GError **error);
/* job_tap: give the tap a new server. */
gboolean job_tap (const Netd *netd, int slirp_socket, GError **error);

/* ---- uplink.c */
/* uplink_spawn: returns the socket for the tap, or -1. */
int uplink_spawn (Netd *netd, guint pause_ms, GError **error);
void uplink_ended (Netd *netd);

/* ---- names.c */
/* names_begin: start it and tell it all. names_ended: it was killed: another one takes its place. */
void names_begin (Netd *netd);
void names_ended (Netd *netd);
/* names_watch_resolver: from now on it is told when the host has other name servers. */
void names_watch_resolver (Netd *netd);
/* names_member …: tell it. @from: the first of the network's sockets that are new. */
void names_member (Netd *netd, const Member *member);
void names_gone (Netd *netd, const char *id);
void names_network (Netd *netd, const Live *live, guint from);
void names_drop (Netd *netd, const char *network);
/* names_hear: in it: take in all that has been told by now. */
void names_hear (Netd *netd);

/* ---- guard.c */
/* guard_first: the first process, and what it starts: no files but those it needs, the capabilities of networks alone, a filter. FALSE: errno. */
gboolean guard_first (const Netd *netd);
/* filter_names: what the process that serves names may ask of the kernel. */
bool filter_names (void);

/* ---- main.c */
/* netd_keep_only: close all descriptors but @fds, the standard ones and the lock. */
void netd_keep_only (int *const *fds, size_t n);

/* ---- dns.c */
/* dns_serve: @fd, bound to a gateway of @network. */
Watch *dns_serve (Netd *netd, const char *network, int fd, gboolean tcp);
/* dns_tick: end what waited for too long. Returns ms until the next, -1 = none. */
int dns_tick (void);
