#!/usr/bin/env bats
# 440-wordpress: WordPress as people run it: nginx, php-fpm and MariaDB, each an image made of Debian's packages by run and commit, on one named network, found by name, one port
# published; its install page fetched from the host and rendered by Chromium. Some minutes and 300 MB of packages, so only where it is asked for: make check STAGES=wordpress, or
# CORACLE_TEST_WORDPRESS=1. What it leaves to look at (install.png, install.html, front.png, the logs): in $CORACLE_TEST_ARTEFACTS.

load helpers

setup_file() {
  basic_setup_file
  export CORACLE_TEST_TIMEOUT=900 DEBIAN_TAR=
  : "${CORACLE_TEST_ARTEFACTS:=$TEST_STORE/artefacts}"
  export CORACLE_TEST_ARTEFACTS
  mkdir -p "$CORACLE_TEST_ARTEFACTS"
  [ -n "${CORACLE_TEST_WORDPRESS-}" ] || return 0
  DEBIAN_TAR=$(fixture debian.tar 2>"$TEST_STORE/why") || DEBIAN_TAR=
  [ -z "$DEBIAN_TAR" ] || coracle import -q --change 'CMD ["bash"]' "$DEBIAN_TAR" debian
}

setup() {
  [ -n "${CORACLE_TEST_WORDPRESS-}" ] || skip "takes minutes: make check STAGES=wordpress"
  [ -n "$DEBIAN_TAR" ] || skip "no Debian image could be made: $(tail -n 1 "$TEST_STORE/why")"
  needs python3
  artefacts=$CORACLE_TEST_ARTEFACTS
}

# no clean-up between the tests: each goes on where the one before was
teardown() { :; }

# built NAME PACKAGES CHANGE… <SCRIPT: a Debian with the packages, then the script, then commit with the changes.
built() {
  local name=$1 packages=$2 changes=() change
  shift 2
  for change in "$@"; do changes+=(--change "$change"); done
  coracle run --name "make-$name" -i -e DEBIAN_FRONTEND=noninteractive debian bash -euc "apt-get update -q && apt-get install -y -q --no-install-recommends $packages && bash -eu" >"$artefacts/make-$name.log" 2>&1 \
    || { tail -n 30 "$artefacts/make-$name.log"; fail "making $name"; }
  not_like "$(cat "$artefacts/make-$name.log")" "(^|[^a-z])(E|W): " "apt has nothing to complain about"
  coracle commit -q "${changes[@]}" "make-$name" "$name"
  coracle rm "make-$name"
}

# page PATH [FORM]: the site's page, from the host; $status, $output
page() {
  run python3 -c '
import sys, urllib.parse, urllib.request
form = sys.argv[2].encode() if len(sys.argv) > 2 else None
with urllib.request.urlopen(sys.argv[1], form, timeout=60) as answer:
  sys.stdout.write(answer.read().decode())' "http://127.0.0.1:$port$1" "${@:2}"
}

has_page() { page "$@" && [ "$status" = 0 ]; }

port_of() { port=$(coracle port web 80/tcp | sed -n '1s/.*://p') && [ -n "$port" ]; }

# render NAME PATH: the page in Chromium, as a picture and as what it holds when its scripts have run
render() {
  rm -f "$artefacts/$1.png"
  coracle run --rm --network host --shm-size 256m -v "$artefacts:/out" chromium --window-size=1000,1300 --screenshot="/out/$1.png" "http://127.0.0.1:$port$2" >"$artefacts/$1-chromium.log" 2>&1
  coracle run --rm --network host --shm-size 256m chromium --dump-dom "http://127.0.0.1:$port$2" >"$artefacts/$1.html" 2>>"$artefacts/$1-chromium.log"
}

# colours PNG: width, height and how many different colours
colours() {
  python3 -c '
import struct, sys, zlib
data, at, parts = open(sys.argv[1], "rb").read(), 8, b""
assert data[:8] == b"\x89PNG\r\n\x1a\n"
while at < len(data):
  size, kind = struct.unpack(">I4s", data[at:at + 8])
  if kind == b"IHDR": width, height, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
  if kind == b"IDAT": parts += data[at + 8:at + 8 + size]
  at += size + 12
each = {2: 3, 6: 4}[colour]
raw, line, seen = zlib.decompress(parts), bytearray(width * each), set()
for y in range(height):
  kind, row = raw[y * (width * each + 1)], bytearray(raw[y * (width * each + 1) + 1:(y + 1) * (width * each + 1)])
  for x in range(len(row)):
    a, b, c = (row[x - each], line[x], line[x - each]) if x >= each else (0, line[x], 0)
    p = a + b - c
    row[x] = row[x] + (0, a, b, (a + b) // 2, a if abs(p - a) <= abs(p - b) and abs(p - a) <= abs(p - c) else b if abs(p - b) <= abs(p - c) else c)[kind] & 255
  line = row
  seen.update(bytes(row[i:i + 3]) for i in range(0, len(row), each))
print(width, height, len(seen))' "$1"
}

@test "wordpress: MariaDB, by run and commit; its server is not root" {
  built db mariadb-server 'USER mysql' 'CMD ["mariadbd", "--init-file=/etc/mysql/first.sql"]' 'EXPOSE 3306' 'VOLUME /var/lib/mysql' <<'END'
install -d -o mysql -g mysql /run/mysqld
printf '[mysqld]\nbind-address = 0.0.0.0\n' >/etc/mysql/mariadb.conf.d/99-network.cnf
cat >/etc/mysql/first.sql <<'SQL'
CREATE DATABASE IF NOT EXISTS wordpress;
GRANT ALL ON wordpress.* TO wordpress@'%' IDENTIFIED BY 'secret';
SQL
END
}

@test "wordpress: php-fpm with WordPress, by run and commit" {
  built php 'php-fpm php-mysql wordpress wordpress-theme-twentytwentythree nginx' 'CMD ["php-fpm8.2", "--nodaemonize"]' 'EXPOSE 9000' <<'END'
cd /etc/php/8.2/fpm
sed -i 's|^listen = .*|listen = 9000|; s|^;access.log = .*|access.log = /proc/self/fd/2|; s|^;catch_workers_output = .*|catch_workers_output = yes|; s|^;clear_env = .*|clear_env = no|' pool.d/www.conf
sed -i 's|^error_log = .*|error_log = /proc/self/fd/2|' php-fpm.conf
mkdir -p /run/php
chown -R www-data: /var/lib/wordpress
cat >/etc/wordpress/config-default.php <<'PHP'
<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'wordpress');
define('DB_PASSWORD', getenv('DB_PASSWORD'));
define('DB_HOST', 'db');
define('WP_CONTENT_DIR', '/var/lib/wordpress/wp-content');
define('WP_HTTP_BLOCK_EXTERNAL', true);
PHP
END
}

@test "wordpress: nginx, by run and commit" {
  built web nginx 'CMD ["nginx", "-g", "daemon off;"]' 'EXPOSE 80' 'STOPSIGNAL SIGQUIT' <<'END'
cat >/etc/nginx/sites-available/default <<'CONF'
server {
  listen 80 default_server;
  root /usr/share/wordpress;
  index index.php;
  access_log /dev/stdout;
  error_log /dev/stderr;
  location / { try_files $uri $uri/ /index.php?$args; }
  location ~ \.php$ { include fastcgi.conf; fastcgi_pass php:9000; }
}
CONF
END
}

@test "wordpress: Chromium, by run and commit" {
  built chromium 'chromium fonts-dejavu-core' 'ENTRYPOINT ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=20000"]' </dev/null
}

@test "wordpress: three containers on one network, found by name, published on one port" {
  run_coracle_out 0 network create -o isolate=strict site
  run_coracle_out 0 volume create data
  run_coracle_out 0 run -d --name db --network site -v data:/var/lib/mysql db
  run_coracle_out 0 run -d --name php --network site -e DB_PASSWORD=secret -v files:/usr/share/wordpress -v scripts:/usr/share/javascript php
  run_coracle_out 0 run -d --name web --network site -v files:/usr/share/wordpress:ro -v scripts:/usr/share/javascript:ro -p 80 web
  run_coracle_out 0 ps --format '{{.Names}} {{.Networks}} {{.State}}'
  is "$(sort <<<"$output")" $'db site running\nphp site running\nweb site running'
  run_coracle_out 0 exec web getent hosts db php
  like "${lines[0]}" '^10\.89\.[0-9]+\.2 '
  like "${lines[1]}" '^10\.89\.[0-9]+\.3 '
  wait_for 60 coracle exec php php -r 'exit (@mysqli_connect ("db", "wordpress", "secret", "wordpress") ? 0 : 1);'
  run_coracle_out 0 exec db id -un
  is "$output" mysql
}

@test "wordpress: the install page, from the host and in Chromium" {
  port_of
  wait_for 30 has_page /wp-admin/install.php
  printf '%s\n' "$output" >"$artefacts/install-fetched.html"
  has "$output" "WordPress &rsaquo; Installation"
  render install /wp-admin/install.php
  has "$(cat "$artefacts/install.html")" "famous five-minute WordPress installation"
  has "$(cat "$artefacts/install.html")" "Site Title"
  run colours "$artefacts/install.png"
  like "$output" '^1000 1300 [0-9]{2,}$' "a picture of many colours"
  # every style and script that the page names is there
  local path
  for path in $(grep -oE "(href|src)=['\"]http://127\.0\.0\.1:$port/[^'\"]*\.(css|js)[^'\"]*" "$artefacts/install.html" | sed -E "s|.*:$port||; s|&#038;\|&amp;|\&|g"); do
    page "$path"
    is "$status" 0 "$path"
  done
}

@test "wordpress: installed, it has a front page; clients' addresses and php's words are in the logs" {
  port_of
  page '/wp-admin/install.php?step=2' 'weblog_title=A+boat+for+one&user_name=skipper&admin_password=correct+horse+battery&admin_password2=correct+horse+battery&pw_weak=on&admin_email=skipper%40example.org&Submit=Install&language='
  has "$output" "WordPress has been installed"
  page /
  has "$output" "A boat for one"
  render front /
  has "$(cat "$artefacts/front.html")" "A boat for one"
  run_coracle_out 0 exec db mariadb -e 'SELECT user_login FROM wordpress.wp_users' -N -u wordpress -psecret
  is "$output" skipper
  coracle logs web >"$artefacts/web.log" 2>&1
  coracle logs php >"$artefacts/php.log" 2>&1
  coracle logs db >"$artefacts/db.log" 2>&1
  like "$(cat "$artefacts/web.log")" '"POST /wp-admin/install.php\?step=2 HTTP/1.1" 200 '
  has "$(cat "$artefacts/php.log")" "POST /wp-admin/install.php"
  has "$(cat "$artefacts/db.log")" "ready for connections"
  local address
  address=$(ip -4 -o addr show scope global | awk '{ sub("/.*", "", $4); print $4; exit }')
  [ -n "$address" ] || return 0
  python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()' "http://$address:$port/wp-includes/css/buttons.css"
  like "$(coracle logs web 2>&1 | tail -n 1)" "^$address - - .*buttons.css" "who asked"
}

@test "wordpress: nobody on another network reaches the database" {
  local ip
  ip=$(coracle inspect -f '{{.NetworkSettings.Networks.site.IPAddress}}' db)
  reach='exec 3<>/dev/tcp/$1/3306 && head -c 5 <&3 >/dev/null && echo reached'
  run_coracle_out 0 run --rm --network site debian timeout 5 bash -c "$reach" bash db
  is "$output" reached "on the same network"
  run_coracle_out 0 network create elsewhere
  run_coracle 2 run --rm --network elsewhere debian getent hosts db
  local network
  for network in elsewhere podman slirp pasta none; do
    run_coracle '?' run --rm --network "$network" debian timeout 3 bash -c "$reach" bash "$ip"
    not_like "$output" reached "by its address from $network"
    isnt "$status" 0
    run_coracle '?' run --rm --network "$network" debian timeout 3 bash -c "$reach" bash db
    not_like "$output" reached "by its name from $network"
  done
  # nor do the machine and its other users, for its port is not published
  run timeout 3 bash -c "$reach" bash "$ip"
  not_like "$output" reached "from the machine"
}

@test "wordpress: stopped and started again it is the same site; removed, nothing is left" {
  run_coracle_out 0 stop web php db
  run_coracle_out 0 ps -a --format '{{.Names}} {{.ExitCode}}'
  has "$output" "db 0"
  has "$output" "web 0"
  run_coracle_out 0 start db php web
  port_of
  wait_for 60 has_page /
  has "$output" "A boat for one"
  run_coracle_out 0 rm -f web php db
  run_coracle_out 0 network rm site elsewhere
  run_coracle_out 0 volume rm data files scripts
  no_leaks
}
