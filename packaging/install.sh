#!/bin/sh
# Installs banger on this host, from a signed release.
#
#   curl -fsSLO <server>/install.sh && less install.sh && sh install.sh [--user] [--version v1.2.3] [--yes]
#
#   --user       for you alone, under ~/.local, without root: machines run under QEMU
#   --version    this release and not the latest stable one
#   --yes        does not ask before it uses root
#
# It needs curl, openssl, tar and sha256sum, and does what `banger update` does with a release before it believes it:
#   1. fetches SHA256SUMS and its signature, and asks openssl whether one of the keys below made it;
#   2. fetches the tarball and compares its digest with what was signed;
#   3. unpacks exactly the files that were signed, as plain files, and compares each of them;
#   4. lets the new banger say which release it is.
# Until then nothing is written outside a temporary directory and nothing runs as root. Root is used for one command,
# which is shown first: `banger system install --owner <you>`.
#
# exit codes (docs/exit-codes.md): 0 done · 1 it failed · 2 usage · 3 refused: a signature, a digest, or you said no ·
# 4 a program is missing
set -u
LC_ALL=C
export LC_ALL
umask 077

manifest_url='@MANIFEST_URL@'
public_keys='@PUBLIC_KEYS@'

say() { printf '%s\n' "$*" >&2; }
fail() { # CODE TEXT [HINT]
    say "install.sh: $2"
    [ -z "${3-}" ] || say "  $3"
    exit "$1"
}

version=
mode=system
yes=
while [ $# -gt 0 ]; do
    case $1 in
    --user) mode=user ;;
    --yes) yes=1 ;;
    --version)
        [ $# -gt 1 ] || fail 2 "--version wants a release, as v1.2.3"
        shift
        version=$1
        ;;
    --version=*) version=${1#*=} ;;
    # For mirrors and tests: where from, and whom to trust. Nothing is skipped.
    --manifest-url=*) manifest_url=${1#*=} ;;
    --pubkey-file=*)
        public_keys=$(cat -- "${1#*=}") || fail 2 "cannot read ${1#*=}"
        ;;
    -h | --help)
        sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) fail 2 "what is $1?" "sh install.sh [--user] [--version v1.2.3] [--yes]" ;;
    esac
    shift
done
is_version() { printf '%s\n' "$1" | grep -Eqx 'v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?'; }
[ -z "$version" ] || is_version "$version" || fail 2 "$version is no release; it must be like v1.2.3"

# ---- what this host has ---------------------------------------------------------------------------------------------

[ "$(uname -sm)" = "Linux x86_64" ] || fail 4 "banger runs on Linux on x86_64, and this is $(uname -sm)"
for program in curl openssl tar sha256sum awk; do
    command -v "$program" >/dev/null 2>&1 || fail 4 "there is no $program" "Install it with your package manager."
done
case $public_keys in
*PLACEHOLDER* | *@*)
    fail 3 "this install.sh has a placeholder for the key that releases are signed with; the maintainer must replace it and re-cut a release"
    ;;
esac

work=$(mktemp -d) || fail 1 "cannot make a temporary directory"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1

# ---- fetch ----------------------------------------------------------------------------------------------------------

fetch() { # WHAT URL BYTES FILE
    case $2 in
    https://*) schemes='=https' ;;
    http://127.* | 'http://[::1]'* | http://localhost[:/]*) schemes='=http,https' ;;
    *) fail 3 "fetch $1: $2 is neither https nor on this machine" ;;
    esac
    curl --fail --silent --show-error --location --max-redirs 5 --proto "$schemes" --proto-redir "$schemes" \
        --connect-timeout 15 --max-time 3600 --speed-limit 2048 --speed-time 30 --max-filesize "$3" \
        --output "$4" -- "$2" || fail 1 "fetch $1: curl could not (see above)" "It was asked for at $2"
    [ "$(wc -c <"$4")" -le "$3" ] || fail 3 "fetch $1: it is longer than $3 bytes"
}

# The text of a field of the manifest: of the whole, or of one release.
field() { sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' | head -n 1; }
absolute() { # URL, as it stands in the manifest
    case $1 in
    '') fail 3 "release $version has no signature, or lies nowhere" ;;
    *://*) printf '%s\n' "$1" ;;
    *..* | //*) fail 3 "release $version lies at $1, which is refused" ;;
    /*) printf '%s%s\n' "$(printf '%s\n' "$manifest_url" | sed 's,^\([a-z]*://[^/]*\).*,\1,')" "$1" ;;
    *) printf '%s/%s\n' "${manifest_url%/*}" "$1" ;;
    esac
}

fetch manifest "$manifest_url" 1048576 manifest.json
tr -d '\n\r' <manifest.json >manifest
grep -q '"schema_version"[[:space:]]*:[[:space:]]*1[[:space:]]*[,}]' manifest ||
    fail 3 "the manifest has a form that this install.sh does not know" "Fetch a newer install.sh."
[ -n "$version" ] || version=$(field latest_stable <manifest)
is_version "$version" || fail 3 "the manifest names no latest release"
# An object a line; the one of this release.
sed 's/[{}]/\n/g' manifest >objects
grep -F "\"$version\"" objects | grep '"tarball_url"' | head -n 1 >entry
[ -s entry ] || fail 1 "there is no release $version; there are: $(sed -n '/tarball_url/p' objects |
    sed -n 's/.*"version"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' | tr '\n' ' ')"
sums_url=$(absolute "$(field sha256sums_url <entry)") || exit
signature_url=$(absolute "$(field sha256sums_sig_url <entry)") || exit
tarball_url=$(absolute "$(field tarball_url <entry)") || exit

# ---- who made it ----------------------------------------------------------------------------------------------------

fetch SHA256SUMS "$sums_url" 16384 SHA256SUMS
fetch signature "$signature_url" 1024 signature.base64
tr -d ' \t\r\n' <signature.base64 | openssl base64 -d -A >signature 2>/dev/null
[ -s signature ] || fail 3 "the signature is not base64"
# Each key into a file of its own.
printf '%s\n' "$public_keys" | awk '/-----BEGIN PUBLIC KEY-----/ { n++ } n { print >("key." n) }'
trusted=
for key in key.*; do
    [ -e "$key" ] || continue
    if openssl dgst -sha256 -verify "$key" -signature signature SHA256SUMS >/dev/null 2>&1; then trusted=$key; fi
done
[ -n "$trusted" ] || fail 3 "the signature of SHA256SUMS was made by none of the keys that this install.sh trusts"

# Both forms of SHA256SUMS as one; any line that is neither is refused.
tr -d '\r' <SHA256SUMS | sed -e '/^#/d' -e '/^[[:space:]]*$/d' \
    -e 's/^SHA256 (\([^)]*\)) = \([0-9a-fA-F]*\)$/\2  \1/' -e 's/^\([0-9a-fA-F]*\) \*/\1  /' |
    sort -k 2 >sums
if grep -Evq '^[0-9a-fA-F]{64}  [0-9A-Za-z][0-9A-Za-z._+-]*$' sums; then
    fail 3 "SHA256SUMS has a line that is no entry"
fi
[ -z "$(awk '{ print $2 }' sums | uniq -d)" ] || fail 3 "SHA256SUMS lists a file twice"
name=banger-$version-linux-amd64.tar.gz
awk -v name="$name" '$2 == name' sums >tarball.sum
[ -s tarball.sum ] || fail 3 "SHA256SUMS does not list $name: it belongs to another release"
awk -v name="$name" '$2 != name' sums >files.sum
for program in banger bangerd bangerd-root banger-vsock-agent; do
    awk '{ print $2 }' files.sum | grep -qx -- "$program" || fail 3 "SHA256SUMS does not list $program"
done

# ---- what it is -----------------------------------------------------------------------------------------------------

say "fetching $name"
fetch tarball "$tarball_url" 268435456 "$name"
sha256sum --check --status --strict tarball.sum || fail 3 "$name is not what SHA256SUMS lists"
tar -tzf "$name" >names.raw 2>/dev/null || fail 3 "$name cannot be read"
sort names.raw >names
awk '{ print $2 }' files.sum >listed
cmp -s names listed || fail 3 "$name does not hold exactly the files that SHA256SUMS lists"
if tar -tvzf "$name" 2>/dev/null | grep -qv '^-'; then fail 3 "$name holds something else than files"; fi
mkdir release || exit 1
tar -xzf "$name" --no-same-owner --no-same-permissions -C release || fail 1 "unpack $name"
(cd release && sha256sum --check --status --strict ../files.sum) || fail 3 "a file in $name is not what SHA256SUMS lists"
chmod 0755 release release/*
cp SHA256SUMS release/SHA256SUMS && chmod 0644 release/SHA256SUMS
said=$(release/banger version </dev/null 2>/dev/null)
[ $? -ne 126 ] || fail 4 "no program can be run below $work" \
    "Where that is mounted noexec, name another directory: TMPDIR=\$HOME sh install.sh"
said=$(printf '%s\n' "$said" | sed -n 's/^version: *//p')
[ "$said" = "$version" ] || fail 3 "the banger in $name says that it is ${said:-nothing}, not $version"
say "banger $version is genuine"

# ---- install --------------------------------------------------------------------------------------------------------

if [ "$mode" = user ]; then
    : "${HOME:?}"
    base=${XDG_DATA_HOME:-$HOME/.local/share}/banger
    bin=$HOME/.local/bin
    if [ -e "$base/current" ] || [ -L "$base/current" ]; then
        fail 3 "banger is installed in $base already" "banger update --to $version"
    fi
    if [ -e "$bin/banger" ] && ! [ -L "$bin/banger" ]; then
        fail 3 "$bin/banger is there, and no install put it there" "Move it out of the way."
    fi
    # It puts whole and synced in place what a run that was cut off before may have left; nothing named that then.
    release/banger internal user-install || fail 1 "install into $base"
    say "installed: $bin/banger"
    case :$PATH: in
    *":$bin:"*) ;;
    *) say "  $bin is not on your PATH" ;;
    esac
    exit 0
fi

owner=${SUDO_USER:-$(id -un)}
[ "$owner" != root ] || fail 3 "machines belong to a user who is not root" \
    "Run this as that user; or: release/banger system install --owner USER, from an unpacked tarball."
say "
Root is used for one command:

    $work/release/banger system install --owner $owner --yes

It copies the programs to /usr/local/lib/banger and links banger into /usr/local/bin, writes /etc/banger, and starts two
services: bangerd, which runs as $owner, and bangerd-root, which does the few things that only root may do (network,
units, machines). \`sudo banger system uninstall --purge\` takes all of it back.
"
if [ -z "$yes" ]; then
    { printf 'Go on? [y/N] ' && read -r answer; } 2>/dev/null </dev/tty >/dev/tty ||
        fail 3 "there is no terminal to ask on" "Add --yes, or --user for an install without root."
    case $answer in
    [yY] | [yY][eE][sS]) ;;
    *) fail 3 "nothing was installed" ;;
    esac
fi
if [ "$(id -u)" -eq 0 ]; then
    release/banger system install --owner "$owner" --yes
else
    command -v sudo >/dev/null 2>&1 || fail 4 "there is no sudo" "Run this as root: SUDO_USER=$owner sh install.sh"
    sudo -- "$work/release/banger" system install --owner "$owner" --yes
fi
