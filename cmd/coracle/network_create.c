#include <stdio.h>

#include "cmd/common/session.h"
#include "pkg/base/error.h"
#include "pkg/engine/network.h"

static const CliOption options[] = {
  { "disable-dns", 0, CLI_BOOL, .help = "The containers on it do not find each other by name" },
  { "dns", 0, CLI_CSV, .help = "A name server that its DNS asks for all other names" },
  { "driver", 'd', CLI_STRING, .help = "What kind of network: bridge, macvlan or ipvlan", .value = "bridge", .values = CLI_VALUES ("bridge", "macvlan", "ipvlan"),
    .man = "bridge: a network of this user's containers, with a way out. macvlan and ipvlan put containers on top of an interface (parent=NAME; without it, that of the default route): of the network namespace that "
           "named networks share, where unshare --rootless-netns can make one; those of this machine are for real root alone." },
  { "gateway", 0, CLI_LIST, .help = "The gateway of the subnet in the same place among the --subnet; by default its first address", .arg = "ipSlice" },
  { "ignore", 0, CLI_BOOL, .help = "Do not mind a network of that name that is there already" },
  { "interface-name", 0, CLI_STRING, .help = "What the bridge is called; of macvlan and ipvlan, the interface of this machine" },
  { "internal", 0, CLI_BOOL, .help = "Without a way out" },
  { "ip-range", 0, CLI_LIST, .help = "Lease addresses from this part of the subnet in the same place alone (ADDRESS/BITS or FIRST-LAST)" },
  { "ipam-driver", 0, CLI_STRING, .help = "Who gives addresses: host-local or none", .values = CLI_VALUES ("host-local", "none", "dhcp") },
  { "ipv6", 0, CLI_BOOL, .help = "IPv6 as well: an IPv4 and an IPv6 subnet, found where none is given" },
  { "label", 0, CLI_LIST, .help = "Remember a label with the network (KEY[=VALUE])" },
  { "opt", 'o', CLI_LIST, .help = "An option of the driver (NAME=VALUE)",
    .man = "mtu=BYTES of its interfaces; metric=N of the default route; no_default_route=1: containers get none. Of a bridge: isolate=true: no traffic to and from other networks that have this too; isolate=strict: to and from none; "
           "vlan=ID. com.docker.network.bridge.name=NAME and com.docker.network.driver.mtu=BYTES are --interface-name and mtu." },
  { "route", 0, CLI_LIST, .help = "A route that every container on it gets (SUBNET,GATEWAY[,METRIC])" },
  { "subnet", 0, CLI_LIST, .help = "A subnet of it (ADDRESS/BITS); by default one that is free" },
  CLI_END
};

static int
network_create_run (const CliContext *context, const CliArgs *args, GError **error)
{
  const NetworkCreate request = {
    .name = cli_args_arg (args, 0), .driver = cli_args_string (args, "driver"), .interface = cli_args_string (args, "interface-name"), .ipam = cli_args_string (args, "ipam-driver"),
    .subnets = cli_args_list (args, "subnet"), .gateways = cli_args_list (args, "gateway"), .ranges = cli_args_list (args, "ip-range"), .routes = cli_args_list (args, "route"),
    .dns = cli_args_list (args, "dns"), .labels = cli_args_list (args, "label"), .options = cli_args_list (args, "opt"), .ipv6 = cli_args_bool (args, "ipv6"),
    .internal = cli_args_bool (args, "internal"), .disable_dns = cli_args_bool (args, "disable-dns"), .ignore = cli_args_bool (args, "ignore"),
  };
  g_auto (Session) session = { 0 };
  g_autofree char *name = NULL;
  if (!session_open (&session, context, FALSE, error) || !network_create (session.storage, &request, &name, error))
    return CLI_FAILED;
  puts (name);
  return 0;
}

const CliCommand cmd_network_create = {
  .names = "network create",
  .usage = "[NAME]",
  .summary = "Make a network",
  .description = "Describe a network that containers can be put on with --network NAME, and print its name. It comes to life with its first container.",
  .examples = "network create\nnetwork create --subnet 10.99.0.0/24 --internal back\n",
  .options = { options },
  .max_args = 1,
  .run = network_create_run,
};
