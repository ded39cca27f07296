#include "cmd/coracle/create_options.h"
#include "cmd/coracle/fetch_options.h"
#include "cmd/coracle/health_options.h"
#include "cmd/coracle/life_options.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/coracle/limit_options.h"
#include "pkg/base/error.h"
#include "pkg/engine/container.h"
#include "pkg/engine/container_defaults.h"
#include "pkg/engine/container_network.h"

static const char *const privacy[] = { "private", "host", NULL };

const CliOption create_options[] = {
  { "add-host", 0, CLI_CSV, .help = "Name one more host in the container's /etc/hosts (HOST[;HOST...]:IP)",
    .man = "Add a line to /etc/hosts of the container: HOST[;HOST...]:IP. The address host-gateway stands for the one by which the container reaches this machine. Not together with "
           "--no-hosts." },
  { "annotation", 0, CLI_LIST, .help = "Put an annotation into the runtime configuration (KEY=VALUE)",
    .man = "Put KEY=VALUE among the annotations of the container's config.json, where runtimes and their hooks find it." },
  { "cap-add", 0, CLI_CSV, .help = "Give a capability on top of the usual ones; ALL gives every one", .complete = CLI_COMPLETE_CAPABILITY,
    .man = "Give capabilities that containers do not have by default, by name with or without CAP_; ALL gives every one. They count within the container's user namespace only. A command that does "
           "not run as root gets just those named here." },
  { "cap-drop", 0, CLI_CSV, .help = "Take a capability away; ALL takes every one", .complete = CLI_COMPLETE_CAPABILITY,
    .man = "Take capabilities away, by name with or without CAP_; ALL takes every one, except those named by --cap-add." },
  { "chrootdirs", 0, CLI_LIST, .help = "Folders in the container that programs will change their root to", .arg = "strings",
    .man = "Folders in the container that programs there will change their root to: what is mounted on /etc/hosts and /etc/resolv.conf is mounted below them, too." },
  { "cgroup-conf", 0, CLI_LIST, .help = "Write a value into a file of the container's cgroup (FILE=VALUE)", .arg = "stringArray",
    .man = "Write VALUE into FILE of the container's cgroup (version 2), as in memory.high=1073741824." },
  { "cgroup-parent", 0, CLI_STRING, .help = "Make the container's cgroup below this one",
    .man = "A path, below the mount of the cgroup tree or, if it does not begin with /, below what is delegated to this user; made if missing. Or the name of a systemd slice, as in my.slice." },
  { "cgroups", 0, CLI_STRING, .help = "Which cgroups are made: enabled, disabled, no-conmon or split", .value = "enabled", .values = CLI_VALUES ("enabled", "disabled", "no-conmon", "split"),
    .man = "enabled: one for the container, where one can be made. disabled: none, the container stays in that of the command. no-conmon: one for the container, and the monitor stays where "
           "the command was. split: the command's own is divided in one for the container and one, supervisor, for the rest: for systemd units with Delegate=yes." },
  { "cgroupns", 0, CLI_STRING, .help = "Whose view of the cgroup tree: private, host, container:NAME or ns:PATH", .values = privacy },
  { "cidfile", 0, CLI_STRING, .help = "Save the container's ID in this file, which must not exist yet", .complete = CLI_COMPLETE_FILE },
  { "device", 0, CLI_LIST, .help = "Let the container use a device of this machine (PATH[:PLACE[:rwm]])", .complete = CLI_COMPLETE_FILE,
    .man = "Show the device PATH inside the container, at PLACE if that is given. A folder stands for all devices in it. Without real root the device is bound, so that the container may do with it "
           "what the calling user may, whatever the permissions r, w and m say." },
  { "default-mounts-file", 0, CLI_STRING, .hidden = TRUE, .help = "Read this file instead of mounts.conf", .complete = CLI_COMPLETE_FILE },
  { "device-cgroup-rule", 0, CLI_LIST, .hidden = TRUE, .help = "Allow devices by a rule of the devices cgroup", .arg = "strings" },
  { "dns", 0, CLI_CSV, .help = "Ask this name server instead of the default one",
    .man = "The name servers in the container's /etc/resolv.conf, instead of the default: the network's own server in front of those of this machine." },
  { "dns-option", 0, CLI_CSV, .help = "Options for the resolver, as in resolv.conf(5)", .alias = "dns-opt" },
  { "dns-search", 0, CLI_CSV, .help = "Domains in which short host names are looked up; \".\" for none" },
  { "entrypoint", 0, CLI_STRING, .help = "Program that runs the command, in place of the image's ENTRYPOINT",
    .man = "What is run, with the command's words as its arguments: one word, or a JSON array of words. The empty text runs the command by itself. The image's CMD is not used then." },
  { "env", 'e', CLI_LIST, .help = "Define an environment variable (NAME[=VALUE])",
    .man = "Define NAME as VALUE. NAME alone takes the value from the caller's environment, and does nothing if it has none. NAME* takes all variables that begin so." },
  { "env-file", 0, CLI_LIST, .help = "Define the environment variables listed in a file", .complete = CLI_COMPLETE_FILE,
    .man = "Define what the lines of a file say, each as --env takes it. Empty lines and those beginning with # are skipped. --env is stronger." },
  { "env-host", 0, CLI_BOOL, .help = "Pass on all environment variables of the caller",
    .man = "Pass on all environment variables of the caller. --env and --env-file are stronger, the image's own are weaker." },
  { "env-merge", 0, CLI_LIST, .help = "Define an environment variable by those of the image (NAME=VALUE with $NAME)", .arg = "stringArray",
    .man = "Define NAME as VALUE, in which $OTHER and ${OTHER} stand for the variables of the image, as in PATH=/opt/bin:$PATH. --env is stronger." },
  { "expose", 0, CLI_CSV, .help = "Expose a port or a range of ports, for --publish-all (PORT[-PORT][/PROTOCOL])", .arg = "strings",
    .man = "Say that the container listens on a port, or a range of ports, as the image's EXPOSE does. That alone opens nothing: --publish-all publishes what is exposed." },
  { "gidmap", 0, CLI_CSV, .help = "Group ids of the container's own ([+ug]CONTAINER:[@]ID[:COUNT])", .arg = "strings", .man = "As --uidmap, for groups. If only one of the two is given it is for both." },
  { "gpus", 0, CLI_STRING, .help = "GPUs that the container may use, by their CDI names",
    .man = "all, or the numbers of GPUs. They are looked for as CDI devices, nvidia.com/gpu=NUMBER. This version reads no CDI files, so none is found: --device shows the container a device by its path." },
  { "group-add", 0, CLI_CSV, .help = "One more group for the command; keep-groups keeps those of the caller",
    .man = "Make the command a member of these groups of the image, by name or number. The word keep-groups, alone, keeps the caller's own groups instead, so that files which only they may open can be "
           "used; inside they show as nobody's." },
  { "group-entry", 0, CLI_STRING, .help = "Line to append to the container's /etc/group",
    .man = "The line that is appended to /etc/group when the group of --user has none there, and in any case if this is given. $GROUPNAME, $GID and $USERLIST are replaced." },
  { "hostname", 'h', CLI_STRING, .help = "Host name that the container has; by default its short ID",
    .man = "The host name inside; without it the first 12 digits of the ID, with --network=host the name of this machine. Not with --uts=host." },
  { "hosts-file", 0, CLI_STRING, .help = "The file that the container's /etc/hosts begins with; none or image", .complete = CLI_COMPLETE_FILE,
    .man = "Begin the container's /etc/hosts with this file instead of that of this machine: an absolute path; none: with nothing; image: with the image's own." },
  { "hostuser", 0, CLI_LIST, .help = "Add this user of this machine to /etc/passwd inside", .arg = "strings",
    .man = "Add the line that a user of this machine, named or numbered, has in its passwd to the container's /etc/passwd. --user can then name that user; its id must be one that the container has." },
  { "http-proxy", 0, CLI_BOOL, .help = "Pass on the proxy variables of the caller's environment", .value = "true",
    .man = "Pass on http_proxy, https_proxy, ftp_proxy and no_proxy, in small and capital letters, where the caller has them. What --env says is stronger." },
  { "image-volume", 0, CLI_CHOICE, .help = "What becomes of the volumes that the image declares: bind, tmpfs or ignore", .values = CLI_VALUES ("bind", "anonymous", "tmpfs", "ignore"),
    .value = "bind",
    .man = "For each volume that the image declares: bind makes an anonymous volume with the image's files (anonymous is another word for it), tmpfs a filesystem in memory, and ignore leaves the folder as it is." },
  { "init", 0, CLI_BOOL, .help = "Make a small init pid 1, which passes signals on and reaps orphans",
    .man = "Make a small init pid 1 of the container, which starts the command, passes signals on to it and reaps orphans. It is mounted on /run/podman-init." },
  { "init-path", 0, CLI_STRING, .help = "Another init for --init, a file of this machine", .complete = CLI_COMPLETE_FILE },
  { "interactive", 'i', CLI_BOOL, .help = "Connect standard input", .man = "Connect the command's standard input. Without it that is empty." },
  { "ip", 0, CLI_STRING, .help = "The IPv4 address on the one named network that the container is on", .man = "The container's IPv4 address, of a subnet of the one named network that it is on." },
  { "ip6", 0, CLI_STRING, .help = "The IPv6 address on the one named network that the container is on", .man = "The container's IPv6 address, of a subnet of the one named network that it is on." },
  { "ipc", 0, CLI_STRING, .help = "Whose shared memory and queues: private, host, none, shareable, container:NAME or ns:PATH", .values = CLI_VALUES ("private", "host", "none", "shareable"),
    .man = "shareable, the default, makes a namespace of its own for shared memory, semaphores and message queues, which other containers may join; private one that they may not; host uses that of this machine with its /dev/shm; "
           "none is private, without /dev/shm. container:NAME joins that of a container, with its /dev/shm; ns:PATH a namespace alone." },
  { "kernel-memory", 0, CLI_SIZE, .hidden = TRUE, .help = "No longer of effect", .arg = "<number>[<unit>]" },
  { "label", 'l', CLI_LIST, .help = "Remember a label with the container (KEY[=VALUE])" },
  { "label-file", 0, CLI_LIST, .help = "Remember the labels listed in a file", .complete = CLI_COMPLETE_FILE },
  { "mac-address", 0, CLI_STRING, .help = "The hardware address on the one named network that the container is on",
    .man = "The hardware address of the interface to the one named network that the container is on, as in 92:d0:c6:0a:29:33." },
  { "mount", 0, CLI_LIST, .help = "Mount something, in words (type=TYPE,src=SOURCE,dst=PLACE,...)",
    .man = "Mount on the folder or file PLACE, in words separated by commas. Types:\n\n"
           "bind: a path of this machine (src=). ro, bind-propagation=, bind-nonrecursive, relabel=, U.\n\n"
           "volume, the default: a named volume (src=), made if missing, or an anonymous one. ro, U, subpath=, copy, nocopy, nocreate.\n\n"
           "image: an image of the store (src=), to look at. rw: what is written is gone with the next start; subpath=.\n\n"
           "artifact: files of an artifact of the store (src=), read-only: below a folder of the image's each under its title, else the only one as PLACE. title= or digest= choose one, name= is another name.\n\n"
           "glob: whatever of this machine a pattern (src=) finds, each in the folder PLACE or, without one, where it is. As for bind.\n\n"
           "tmpfs, ramfs: an empty filesystem in memory, filled with what the image has there. ro, tmpfs-size=, tmpfs-mode=, U, notmpcopyup.\n\n"
           "devpts: a new instance of the terminals' filesystem. uid=, gid=, mode=, max=." },
  { "name", 0, CLI_STRING, .help = "Call the container by this name", .man = "Call the container by this name. Without it two words are made up." },
  { "network", 0, CLI_LIST, .help = "Network to be in: slirp, none, host, bridge, NAME, container:NAME or ns:PATH", .alias = "net", .values = CLI_VALUES ("slirp", "none", "host", "bridge"), .complete = CLI_COMPLETE_NETWORK,
    .man = "slirp, the default, also private and slirp4netns: a network of its own, with a way out through a process of the user. none: only a loopback. host: the network of this machine, and with it every service on its loopback and its abstract Unix sockets, such as those of a desktop session. ns:PATH: an existing network namespace. container:NAME: that of another container, with its names of hosts.\n\n"
           "NAME or ID of a network made by **network create**, or bridge for the default one: containers on the same network reach each other, by name where the network has DNS. Further ones, each with a --network of its own, or "
           "parted by commas, make the container a member of them all. Behind NAME: may follow ip=ADDRESS, ip6=ADDRESS, mac=ADDRESS, alias=NAME, interface_name=NAME and host_interface_name=NAME, parted by commas.\n\n"
           "Behind slirp: or slirp4netns: may follow, parted by commas: cidr=NETWORK (10.0.2.0/24; the container is its .100, the gateway .2, the name server .3), mtu=NUMBER (65520), enable_ipv6=false, "
           "allow_host_loopback=true (the gateway's address leads to this machine's loopback, which is out of reach otherwise), outbound_addr= and outbound_addr6=ADDRESS or INTERFACE (what connections come from), "
           "port_handler=slirp4netns or rootlesskit (who connects to a published port is seen by the container, or is not), and accel=on: TCP connections to other machines, or to this one by an address "
           "of its own, are made by a socket of this machine and are as fast as those of its programs. It is for programs that are not known to be ill-disposed: such a socket's own address is this machine's, and shows its "
           "interfaces to who asks. A copy of the socket in another process, made before it is connected, a port that it was bound to, and what **exec** starts are left out, and those go by slirp; a kernel may keep "
           "it to root.\n\n"
           "pasta: takes those of pasta(1)'s options that mean something here: -m, -a, -n, -g, --dns-forward, -I, -o, -4, -6, --map-gw, and what is so anyway; the network is slirp." },
  { "network-alias", 0, CLI_CSV, .help = "One more name by which the containers on its named networks find it" },
  { "no-hostname", 0, CLI_BOOL, .help = "Leave the image's /etc/hostname alone", .man = "Do not put a /etc/hostname of the container's own over that of the image." },
  { "no-hosts", 0, CLI_BOOL, .help = "Leave /etc/hosts as the image has it" },
  { "oom-score-adj", 0, CLI_INT, .help = "How early to be killed when memory runs out (-1000 to 1000)",
    .man = "How early the kernel kills the container when memory runs out, from -1000 to 1000. Without real root it cannot become lower than the caller's own, and is raised to that." },
  { "passwd", 0, CLI_BOOL, .help = "Give a user whom the image does not know a line in /etc/passwd and /etc/group", .value = "true" },
  { "passwd-entry", 0, CLI_STRING, .help = "Line to append to the container's /etc/passwd",
    .man = "The line that is appended to /etc/passwd when the user of --user has none there, and in any case if this is given. $USERNAME, $UID, $GID, $NAME and $HOME are replaced." },
  { "personality", 0, CLI_STRING, .help = "Execution domain of the command: LINUX or LINUX32", .values = CLI_VALUES ("LINUX", "LINUX32"),
    .man = "LINUX32: the command sees a 32-bit machine, as with setarch(8)." },
  { "pid", 0, CLI_STRING, .help = "Whose processes are seen: private, host, container:NAME or ns:PATH", .values = privacy,
    .man = "private: the container sees its own processes. host: it sees all of this machine's, and may send signals to those of the user who started it, its own monitor included." },
  { "pidfile", 0, CLI_STRING, .help = "Save the process ID of the container's first process in this file", .complete = CLI_COMPLETE_FILE },
  { "platform", 0, CLI_STRING, .help = "Take the image for this system (OS/ARCH[/VARIANT])",
    .man = "Take the image that is for OS/ARCH or OS/ARCH/VARIANT, as in linux/arm64, instead of for this machine." },
  { "privileged", 0, CLI_BOOL, .help = "Drop most walls: all capabilities, devices and paths, no system call filter",
    .man = "All capabilities, no system call filter, no masked and no read-only paths, all devices of this machine. That is never more than the calling user may do." },
  { "publish", 'p', CLI_CSV, .help = "Publish a port of the container ([[ADDRESS:][HOSTPORT]:]PORT[/PROTOCOL])", .arg = "strings",
    .man = "Make a TCP port of the container, or with /udp a UDP port, reachable at HOSTPORT of this machine: at all its addresses, or at ADDRESS alone (an IPv6 address in brackets). Both may be ranges of the "
           "same length, as in 8000-8005:9000-9005. Without HOSTPORT a free port is chosen, once, when the container is made; the command port tells which. Ports below the sysctl "
           "net.ipv4.ip_unprivileged_port_start are root's.\n\n"
           "The service inside sees the client's own address; clients on this machine's loopback appear as the gateway." },
  { "publish-all", 'P', CLI_BOOL, .help = "Publish all exposed ports on free ports of this machine",
    .man = "Publish all ports that the image or --expose exposes, on free ports of this machine, chosen when the container is made. The command port tells which." },
  { "pull", 0, CLI_STRING, .help = "When to fetch the image: always, missing, never, newer", .value = "missing", .values = CLI_VALUES ("never", "missing", "newer", "always"),
    .man = "When to fetch the image: always, when it is missing, never, or when the registry has a newer one; with newer, a registry that cannot be reached does not matter where there is an image." },
  { "quiet", 'q', CLI_BOOL, .help = "Print no notices of how the container is made, and nothing of how its image is fetched" },
  { "read-only", 0, CLI_BOOL, .help = "Forbid writing to the root filesystem",
    .man = "Forbid writing to the root filesystem. Volumes, /dev, and with --read-only-tmpfs also /run, /tmp and /var/tmp, stay writable." },
  { "read-only-tmpfs", 0, CLI_BOOL, .help = "With --read-only, leave room in memory on /run, /tmp and /var/tmp", .value = "true",
    .man = "With --read-only: mount filesystems in memory on /run, /tmp and /var/tmp. If false these are read-only too, and so are /dev and /dev/shm." },
  { "replace", 0, CLI_BOOL, .help = "Remove the container that has this name already", .man = "If a container of the name given by --name exists, stop it if it runs and remove it first." },
  { "rm", 0, CLI_BOOL, .help = "Remove the container, and its anonymous volumes, as soon as it ends" },
  { "rootfs", 0, CLI_BOOL, .help = "Use a folder of this machine as root filesystem: the first argument is no image",
    .man = "The first argument is a folder with a root filesystem, which is used as it is: the container writes to it. With :O behind it the folder stays as it is: what the container writes is gone with its next start." },
  { "security-opt", 0, CLI_LIST, .help = "Harden or loosen: seccomp=, mask=, unmask=, proc-opts=, label=, no-new-privileges",
    .man = "One of these at a time:\n\n"
           "seccomp=FILE, seccomp=unconfined: another system call filter, or none.\n\n"
           "no-new-privileges: programs with a set-user-ID bit or file capabilities gain nothing.\n\n"
           "mask=PATH[:PATH...]: hide these paths as well. unmask=PATH[:PATH...], unmask=ALL: show what is hidden or read-only by default; patterns are possible.\n\n"
           "proc-opts=OPTIONS: mount options for /proc, as in hidepid=2.\n\n"
           "label=disable, apparmor=unconfined: nothing more to switch off, since neither is used here." },
  { "shm-size", 0, CLI_SIZE, .help = "Room in /dev/shm", .arg = "<number>[<unit>]", .value = "65536k",
    .man = "Room in /dev/shm, in bytes or with one of the units b, k, m and g. 0 sets no limit." },
  { "shm-size-systemd", 0, CLI_SIZE, .help = "Room in each filesystem in memory that --systemd mounts", .arg = "<number>[<unit>]" },
  { "stop-signal", 0, CLI_STRING, .help = "Signal that asks the container to end; SIGTERM unless the image says another", .complete = CLI_COMPLETE_SIGNAL },
  { "stop-timeout", 0, CLI_UINT, .help = "Seconds between the stop signal and SIGKILL", .value = "10" },
  { "subgidname", 0, CLI_STRING, .help = "Take the group ids of this name in /etc/subgid", .man = "As --subuidname, for groups." },
  { "subuidname", 0, CLI_STRING, .help = "Take the user ids of this name in /etc/subuid",
    .man = "The container's ids from 0 on are the ranges that /etc/subuid has for this name. They must be among those that the caller has." },
  { "sysctl", 0, CLI_CSV, .help = "Set a kernel parameter of the container's own namespaces (NAME=VALUE)",
    .man = "Set a kernel parameter: net.* with a network of its own, and those of message queues, semaphores and shared memory with an IPC namespace of its own." },
  { "systemd", 0, CLI_STRING, .help = "Prepare the container for systemd: true, false or always", .value = "true", .values = CLI_VALUES ("true", "false", "always"),
    .man = "true: if the command is systemd, /sbin/init, /usr/sbin/init or /usr/local/sbin/init. always: whatever it is. Then /run, /run/lock, /tmp and /var/log/journal are in memory, the stop signal is SIGRTMIN+3, "
           "the container's cgroup is writable, the variable container_uuid is set, and --privileged shows no virtual consoles." },
  { "timeout", 0, CLI_UINT, .help = "Kill the container after so many seconds", .man = "Kill the container if it still runs after so many seconds. 0, the default, lets it run." },
  { "tmpfs", 0, CLI_LIST, .help = "Mount an empty filesystem in memory (PLACE[:OPTION,...])", .arg = "tmpfs",
    .man = "Mount a filesystem in memory on PLACE and copy what the image has there into it (not with the option notmpcopyup). Options are those of tmpfs(5), as in size=64m,mode=1777; nosuid "
           "and nodev unless suid or dev is among them." },
  { "tty", 't', CLI_BOOL, .help = "Run the command on a terminal of its own" },
  { "tz", 0, CLI_STRING, .help = "Time zone, as in Europe/Berlin; \"local\" for that of this machine" },
  { "uidmap", 0, CLI_CSV, .help = "User ids of the container's own ([+ug]CONTAINER:[@]ID[:COUNT])", .arg = "strings",
    .man = "COUNT ids (one without it) from CONTAINER on are those from ID on: for real root the host's; for anybody else 0 is the own id and 1, 2 and so on those of the ranges in /etc/subuid. @ID means the host's id, which must be in those "
           "ranges. Given several times, for several ranges. A word that begins with + takes what it needs away from those before it, and if there are none but such words, the container's ids that are free are filled with the rest. "
           "u: for user ids alone, g: for group ids alone; else it is for both if only one of --uidmap and --gidmap is given. Not together with --userns." },
  { "ulimit", 0, CLI_CSV, .help = "Resource limit (NAME=SOFT[:HARD]); \"host\" for the caller's",
    .man = "Set the limit NAME of setrlimit(2), in small letters without RLIMIT_, as in nofile=1024:2048; -1 is no limit. The word host takes over all of the caller's." },
  { "umask", 0, CLI_STRING, .help = "Permissions that new files do not get, octal", .value = "0022" },
  { "unsetenv", 0, CLI_LIST, .help = "Leave out one of the default environment variables" },
  { "unsetenv-all", 0, CLI_BOOL, .help = "Leave out all default environment variables, also the image's",
    .man = "Leave out all environment variables that are there by default or come from the image. What --env and --env-file define stays." },
  { "user", 'u', CLI_STRING, .help = "Run as this user and group (USER[:GROUP], names or numbers)",
    .man = "Run as USER and in GROUP, each a name of the image or a number. Without GROUP it is the user's own, along with the further groups that /etc/group of the image lists. Without this option it is the image's USER, or "
           "root, which outside is the calling user." },
  { "userns", 0, CLI_STRING, .help = "Which ids there are: host, single, keep-id, nomap, auto, container:NAME or ns:PATH", .values = CLI_VALUES ("host", "single", "keep-id", "nomap", "auto"),
    .man = "The variable PODMAN_USERNS and userns of containers.conf say what it is without this option; else it is host.\n\n"
           "host: the user's ranges of /etc/subuid and /etc/subgid, behind the own id, which is root inside.\n\n"
           "single: the own id alone. That needs no range and is the default where there is none: "
           "changing a file's owner to an id that does not exist then seems to succeed and does nothing, so that package managers work; running as another user fails.\n\n"
           "keep-id[:uid=UID,gid=GID,size=SIZE]: the calling user has the same id inside, or those given, and without --user runs the command; the other ids are those of the ranges, at most SIZE in all.\n\n"
           "nomap: all ids but the caller's own, so that its files are nobody's inside.\n\n"
           "auto[:size=SIZE,uidmapping=CONTAINER:ID:COUNT,gidmapping=CONTAINER:ID:COUNT]: ids that no other container of this kind has: as many as the image's accounts need and at least 1024, or SIZE. For real root they "
           "come from the range of the user containers.\n\n"
           "container:NAME, ns:PATH: those of another container or of a namespace that there is.\n\n"
           "With all but the first two, the image's files are shown with the right owners by a copy of its layers that has them, made at the first use of such a mapping and shared by all containers with the same one. On Linux "
           "6.16 and later it holds next to no data." },
  { "uts", 0, CLI_STRING, .help = "Whose host name: private, host, container:NAME or ns:PATH", .values = privacy },
  { "volume", 'v', CLI_LIST, .help = "Mount a path or a volume ([SOURCE:]PLACE[:OPTION,...])", .complete = CLI_COMPLETE_FILE,
    .man = "Mount SOURCE on PLACE inside. A SOURCE that begins with / or . is a path of this machine and must exist. Any other is the name of a volume, made if missing and at first filled with what the image has at PLACE. "
           "Without SOURCE an anonymous volume is made, which goes with the container (--rm, rm --volumes).\n\n"
           "Options: ro, rw; exec, noexec; suid, nosuid; dev, nodev (a volume is nosuid and nodev by itself, a path is as it is on this machine); U gives all of it to the container's user; copy, nocopy and nocreate for volumes; O leaves SOURCE as it is: what is written goes into a folder of the container's, gone with its next start, or with upperdir=PATH and workdir=PATH into these; bind without, rbind with what is mounted below; private, rprivate, "
           "slave, rslave, shared, rshared: whether later mounts pass; z and Z relabel on SELinux." },
  { "workdir", 'w', CLI_STRING, .help = "Folder in which the command starts" },
  CLI_END
};

/* take_text, take_list: what was given, in place of what containers.conf says. Empty text is as good as none, as scripts with an empty variable expect, but for
 * the entrypoint, where it means that there is none. */
static void
take_text (char **at, const CliArgs *args, const char *name)
{
  if (!cli_args_is_set (args, name) || (cli_args_string (args, name)[0] == '\0' && strcmp (name, "entrypoint") != 0))
    return;
  g_free (*at);
  *at = g_strdup (cli_args_string (args, name));
}

static void
take_list (char ***at, const CliArgs *args, const char *name)
{
  if (!cli_args_is_set (args, name))
    return;
  g_strfreev (*at);
  *at = g_strdupv ((char **) cli_args_list (args, name));
}

static void
take_number (gint64 *at, const CliArgs *args, const char *name)
{
  if (cli_args_is_set (args, name))
    *at = cli_args_int (args, name);
}

static void
read_texts (ContainerOptions *options, const CliArgs *args)
{
  const struct {
    const char *name;
    char **at;
  } texts[] = {
    { "cgroup-parent", &options->cgroup_parent }, { "cgroups", &options->cgroups }, { "cgroupns", &options->cgroupns },         { "cidfile", &options->cidfile },   { "entrypoint", &options->entrypoint }, { "hostname", &options->hostname }, { "hosts-file", &options->base_hosts_file },
    { "image-volume", &options->image_volume }, { "init-path", &options->init_path }, { "ipc", &options->ipc },             { "name", &options->name },
    { "passwd-entry", &options->passwd_entry }, { "group-entry", &options->group_entry }, { "pid", &options->pid },
    { "pidfile", &options->pidfile },           { "platform", &options->platform }, { "stop-signal", &options->stop_signal }, { "tz", &options->tz },
    { "pull", &options->pull },                 { "umask", &options->umask },               { "user", &options->user },         { "userns", &options->userns },         { "uts", &options->uts },
    { "workdir", &options->workdir }, { "systemd", &options->systemd }, { "personality", &options->personality }, { "subuidname", &options->subuidname }, { "subgidname", &options->subgidname },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    take_text (texts[i].at, args, texts[i].name);
}

static void
read_lists (ContainerOptions *options, const CliArgs *args)
{
  const struct {
    const char *name;
    char ***at;
  } lists[] = {
    { "add-host", &options->add_hosts }, { "cap-add", &options->cap_add },     { "cap-drop", &options->cap_drop }, { "cgroup-conf", &options->cgroup_conf },
    { "device", &options->device },      { "dns", &options->dns },               { "dns-option", &options->dns_option }, { "dns-search", &options->dns_search },
    { "env", &options->env },            { "env-file", &options->env_file },     { "expose", &options->expose }, { "publish", &options->publish },     { "group-add", &options->group_add },   { "hostuser", &options->host_users }, { "label", &options->label },
    { "label-file", &options->label_file }, { "mount", &options->mounts },       { "security-opt", &options->security_opt }, { "sysctl", &options->sysctl },
    { "tmpfs", &options->tmpfs },        { "ulimit", &options->ulimit },         { "unsetenv", &options->unsetenv },   { "volume", &options->volumes },
    { "env-merge", &options->env_merge }, { "chrootdirs", &options->chrootdirs },
    { "uidmap", &options->uidmap },      { "gidmap", &options->gidmap },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (lists); i++)
    take_list (lists[i].at, args, lists[i].name);
}

static void
read_flags (ContainerOptions *options, const CliArgs *args)
{
  const struct {
    const char *name;
    gboolean *at;
  } flags[] = {
    { "env-host", &options->env_host },     { "http-proxy", &options->http_proxy }, { "init", &options->init },           { "interactive", &options->interactive },
    { "no-hosts", &options->no_hosts },     { "no-hostname", &options->no_hostname },     { "passwd", &options->passwd },         { "privileged", &options->privileged }, { "read-only", &options->read_only },
    { "publish-all", &options->publish_all }, { "read-only-tmpfs", &options->read_only_tmpfs }, { "replace", &options->replace }, { "rm", &options->rm },           { "tty", &options->tty },
    { "unsetenv-all", &options->unsetenv_all },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (flags); i++)
    if (cli_args_is_set (args, flags[i].name))
      *flags[i].at = cli_args_bool (args, flags[i].name);
}

/* read_userns: podman-run(1) --userns: the flag, PODMAN_USERNS, containers.conf; the mappings take the place of the last two. */
static gboolean
read_userns (ContainerOptions *options, const CliArgs *args, GError **error)
{
  static const char *const maps[] = { "uidmap", "gidmap", "subuidname", "subgidname" };
  const char *given = cli_args_is_set (args, "userns") ? cli_args_string (args, "userns") : g_getenv ("PODMAN_USERNS");
  if (given != NULL)
    {
      g_free (options->userns);
      options->userns = g_strdup (given);
    }
  if (options->userns != NULL && (options->userns[0] == '\0' || strcmp (options->userns, "host") == 0))
    g_clear_pointer (&options->userns, g_free);
  for (size_t i = 0; i < G_N_ELEMENTS (maps); i++)
    if (cli_args_is_set (args, maps[i]))
      {
        if (cli_args_is_set (args, "userns") && options->userns != NULL)
          return coracle_throw (error, CORACLE_ERROR_INVALID, "--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive");
        g_clear_pointer (&options->userns, g_free);
      }
  return TRUE;
}

/* read_annotations: those of containers.conf stay, and a later one of the same key wins. */
static void
read_annotations (ContainerOptions *options, const CliArgs *args)
{
  g_autoptr (GStrvBuilder) all = g_strv_builder_new ();
  if (options->annotation != NULL)
    g_strv_builder_addv (all, (const char **) options->annotation);
  g_strv_builder_addv (all, (const char **) (uintptr_t) cli_args_list (args, "annotation"));
  g_strfreev (options->annotation);
  options->annotation = g_strv_builder_end (all);
}

/* given: as take_text: empty is as good as none. */
static const char *
given (const CliArgs *args, const char *name)
{
  const char *text = cli_args_string (args, name);
  return text != NULL && text[0] != '\0' ? text : NULL;
}

static gboolean
read_network (ContainerOptions *options, const CliArgs *args, GError **error)
{
  const NetworkFlags flags = { .aliases = cli_args_list (args, "network-alias"), .ip = given (args, "ip"), .ip6 = given (args, "ip6"), .mac = given (args, "mac-address") };
  const char *hosts = options->base_hosts_file;
  if (cli_args_is_set (args, "hosts-file") && hosts != NULL && hosts[0] != '/' && strcmp (hosts, "none") != 0 && strcmp (hosts, "image") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--hosts-file: %s: neither an absolute path nor \"none\" or \"image\"", hosts);
  return container_network_read (options, cli_args_list (args, "network"), &flags, error);
}

/* check_ports: Podman's own words; without a network of its own there is nothing to publish. */
static void
check_ports (const ContainerOptions *options, const CliArgs *args)
{
  static const struct { const char *word, *mode; } shared[] = { { "host", "host" }, { "none", "none" }, { "container:", "container" }, { "ns:", "path" } };
  const char *network = options->network != NULL ? options->network : "";
  for (size_t i = 0; i < G_N_ELEMENTS (shared); i++)
    if (cli_args_list (args, "publish")[0] != NULL && (i < 2 ? strcmp (network, shared[i].word) == 0 : g_str_has_prefix (network, shared[i].word)))
      fprintf (stderr, "Port mappings have been discarded because \"%s\" network namespace mode does not support them\n", shared[i].mode);
}

/* read_image: the first argument: an image, or with --rootfs a folder. */
static gboolean
read_image (ContainerOptions *options, const CliArgs *args, GError **error)
{
  if (cli_args_count (args) == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "requires at least 1 arg(s), only received 0");
  const char *first = cli_args_arg (args, 0);
  options->command = g_strdupv ((char **) cli_args_argv (args) + 1);
  if (!cli_args_bool (args, "rootfs"))
    options->image = g_strdup (first);
  else if (g_str_has_suffix (first, ":idmap") || strstr (first, ":idmap=") != NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--rootfs %s: the option idmap is not supported in this version", first);
  else
    {
      options->rootfs_overlay = g_str_has_suffix (first, ":O");
      g_autofree char *folder = g_strndup (first, strlen (first) - (options->rootfs_overlay ? 2 : 0));
      if (folder[0] == '\0')
        return coracle_throw (error, CORACLE_ERROR_INVALID, "--rootfs \"%s\": no folder is named", first);
      options->rootfs = g_canonicalize_filename (folder, NULL);
    }
  return TRUE;
}

/* check_limits: what only words of this version are said about. */
static gboolean
check_limits (const CliArgs *args, GError **error)
{
  if (cli_args_is_set (args, "kernel-memory"))
    g_warning ("The --kernel-memory flag is no longer supported. This flag is a noop.");
  const char *gpus = cli_args_string (args, "gpus");
  if (gpus != NULL && gpus[0] != '\0')
    return coracle_throw (error, CORACLE_ERROR_CANNOT_INVOKE, "setting up CDI devices: unresolvable CDI devices nvidia.com/gpu=%s", gpus);
  if (cli_args_list (args, "device-cgroup-rule")[0] != NULL)
    return geteuid () != 0
               ? coracle_throw (error, CORACLE_ERROR_INVALID, "device cgroup rules are not supported in rootless mode or in a user namespace")
               : coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--device-cgroup-rule: unsupported in this version");
  return TRUE;
}

/* check_names: who has no network, or another's, has nobody of its own to ask for a name. */
static gboolean
check_names (const ContainerOptions *options, const CliArgs *args, GError **error)
{
  static const char *const flags[] = { "dns", "dns-search", "dns-option" };
  const char *network = options->network != NULL ? options->network : "";
  gboolean other = g_str_has_prefix (network, "container:"), none = strcmp (network, "none") == 0;
  if (other && options->add_hosts != NULL && options->add_hosts[0] != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid config provided: cannot set extra host entries when the container is joined to another containers network namespace: invalid configuration");
  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
    if ((other || none) && cli_args_is_set (args, flags[i]))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "conflicting options: dns and the network mode: %s", other ? "container" : "none");
  return TRUE;
}

/* check_together: flags that contradict each other; podman-run(1) names them. */
static gboolean
check_together (const ContainerOptions *options, const CliArgs *args, GError **error)
{
  if (options->replace && options->name == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot replace container without --name being set");
  if (cli_args_bool (args, "no-hosts") && options->add_hosts != NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--no-hosts and --add-host cannot be set together");
  if (options->hostname != NULL && g_strcmp0 (options->uts, "host") == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set hostname when running in the host UTS namespace: invalid configuration");
  if (g_strcmp0 (options->ipc, "host") == 0 && cli_args_is_set (args, "shm-size"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set shm-size when running in the host IPC namespace: invalid configuration");
  return check_names (options, args, error);
}

ContainerOptions *
create_options_read (const CliContext *context, const CliArgs *args, GError **error)
{
  g_autoptr (ContainerOptions) options = container_options_from_conf (context->runtime, error);
  if (options == NULL || !container_options_add_mounts (options, cli_args_string (args, "default-mounts-file"), error))
    return NULL;
  read_texts (options, args);
  read_lists (options, args);
  read_flags (options, args);
  read_annotations (options, args);
  take_number (&options->shm_size, args, "shm-size");
  take_number (&options->shm_size_systemd, args, "shm-size-systemd");
  take_number (&options->stop_timeout, args, "stop-timeout");
  take_number (&options->timeout, args, "timeout");
  take_number (&options->oom_score_adj, args, "oom-score-adj");
  options->has_oom_score_adj = options->has_oom_score_adj || cli_args_is_set (args, "oom-score-adj");
  if (options->name != NULL && options->name[0] == '/')
    memmove (options->name, options->name + 1, strlen (options->name));   /* Docker writes names with one */
  /* who adds hosts wants the file, whatever containers.conf says */
  options->no_hosts = options->no_hosts && options->add_hosts == NULL;

  if (context->cgroup_manager != NULL)
    {
      g_free (options->cgroup_manager);
      options->cgroup_manager = g_strdup (context->cgroup_manager);
    }
  if (!limit_options_read (options, args, error) || !read_userns (options, args, error) || !read_image (options, args, error) || !read_network (options, args, error) || !check_together (options, args, error) || !check_limits (args, error) || !fetch_options_read (options, args, error)
      || !life_options_read (options, args, error) || !health_options_read (options, args, error))
    return NULL;
  check_ports (options, args);
  limit_options_drop (options);
  options->create_command = g_strdupv (context->argv);
  options->cwd = g_get_current_dir ();
  if (context->hooks_dir != NULL)
    {
      g_strfreev (options->hooks_dir);
      options->hooks_dir = g_strdupv ((char **) context->hooks_dir);
    }
  return g_steal_pointer (&options);
}

void
create_notice (const char *text, void *data)
{
  const CliArgs *args = data;
  gboolean quiet = args != NULL && cli_args_bool (args, "quiet"), warning = g_str_has_prefix (text, CONTAINER_WARNING);
  if (warning && quiet)
    g_warning ("%s", text + strlen (CONTAINER_WARNING));
  else if (!quiet)
    fprintf (stderr, "%s%s\n", warning ? "" : "Notice: ", text);
}
