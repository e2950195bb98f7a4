//! What runs in the guest, for its `sh`: POSIX and what every image has, no git. Each is called as
//! `sh -c SCRIPT sh ARGUMENT…`.

/// Says what is at the path `$1`, in a word: `absent`, `empty`, `copy`, `changed`, `unfinished`, `other`.
///
/// A copy is changed if a file that was copied has another time, size or mode than it had, or something was committed.
/// Times are compared with what they were, and never with a clock: a guest's is not the host's.
pub const LOOK: &str = r#"
cd "$1" 2>/dev/null || { if [ -e "$1" ] || [ -L "$1" ]; then echo other; else echo absent; fi; exit 0; }
if [ -e .banger-unfinished ]; then echo unfinished; exit 0; fi
if [ ! -e .git/banger/stamp ]; then
    if [ -z "$(ls -A)" ]; then echo empty; else echo other; fi
    exit 0
fi
if [ -e .git/logs ]; then echo changed; exit 0; fi
now=$(xargs -0 stat -c '%y %z %s %f' -- <.git/banger/copied 2>&1)
if [ "$now" = "$(cat .git/banger/stamp)" ]; then echo copy; else echo changed; fi
"#;

/// Makes a directory beside `$1` for a copy that is not whole yet, prints its path, and stays until the end of its stdin.
/// The name says which process stays, by number and start. What others left that are gone goes first.
pub const STAGE: &str = r#"
begun() { cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null; }
above=${1%/*}
mkdir -p -- "$above/" && cd -- "$above/" || exit
own=.banger-$$-$(begun $$)
for stage in .banger-*-*; do
    name=${stage#.banger-}
    pid=${name%%-*} start=${name#*-}
    case $pid,$start in
    *[!0-9,]* | ,* | *,) continue ;;
    esac
    if [ ! -d "$stage" ] || [ -L "$stage" ]; then continue; fi
    if [ "$stage" = "$own" ] || [ "$(begun "$pid")" != "$start" ]; then rm -rf -- "$stage"; fi
done
mkdir -- "$own" && printf '%s\n' "$above/$own" && read -r _
"#;

/// Puts the copy at `$2` where `$1` is, which is absent or empty.
pub const LAND: &str = r#"
set -e
(cd "$2" && xargs -0 stat -c '%y %z %s %f' -- <.git/banger/copied >.git/banger/stamp 2>&1) || :
if [ -d "$1" ]; then rmdir -- "$1"; fi
mv -- "$2" "$1"
"#;

/// Takes the room that [`UPDATE`] needs besides the copy at `$1` itself: a directory cannot be linked, it is made anew, and
/// the times of each file are written down. Where it is not there, the copy before is left as it is.
pub const RESERVE: &str = r#"
set -e
files=$(tr -cd '\0' <"$1/.git/banger/copied" | wc -c)
room=$(find "$1" -type d -exec stat -c %s -- {} + | {
    room=262144
    while read -r size; do room=$((room + size)); done
    echo "$room"
})
head -c $((room + files * 128)) /dev/zero >"$1/.git/banger/room"
"#;

/// Brings the copy at `$1` up to the one at `$2`: what was copied before goes, what the guest made besides stays. Until
/// it is done, `.banger-unfinished` says so.
pub const UPDATE: &str = r#"
set -e
if [ -e "$1/.git/banger/readonly" ]; then umount -l -- "$1" 2>/dev/null || :; fi
cd "$1"
: >.banger-unfinished
if [ -e .git/banger/copied ]; then xargs -0 rm -rf -- <.git/banger/copied; fi
rm -rf .git
clear='cd "$1" || exit; shift
for f; do
    if [ -d "$f" ] && [ ! -L "$f" ]; then find "./$f" -depth -type d -exec rmdir -- {} + 2>/dev/null || :; fi
done'
xargs -0 sh -c "$clear" sh "$1" <"$2/.git/banger/copied"
rm -f -- "$2/.git/banger/room"
cp -alf -- "$2/." .
rm -rf -- "$2"
xargs -0 stat -c '%y %z %s %f' -- <.git/banger/copied >.git/banger/stamp 2>&1 || :
rm -f .banger-unfinished
"#;

/// Takes away the copy at `$1` that came to nothing.
pub const DISCARD: &str = r#"rm -rf -- "$1""#;

/// Prints the difference between what was copied to `$1`, or the commit `$2`, and what is there now: as `$3` says, a
/// `patch`, `stat` or `files`. Needs git; the guest's own index is not touched. Repositories that the guest made within
/// are left out, and named on stderr.
///
/// Exits with 3 where there is no git, 4 where there is no copy, 5 where there is no such commit.
pub const EXPORT: &str = r#"
cd "$1" 2>/dev/null || exit 4
command -v git >/dev/null || exit 3
if [ -n "$2" ]; then
    cd "$(git rev-parse --show-toplevel 2>/dev/null)" || exit 4
    git_dir=$(git rev-parse --absolute-git-dir) || exit 4
    against=$(git rev-parse --verify --quiet --end-of-options "$2^{commit}") || exit 5
    index=$git_dir/banger-export.$$
    trap 'rm -f "$index" "$index.lock"' EXIT
    cp "$git_dir/index" "$index" 2>/dev/null
else
    git_dir=$PWD/.git/banger
    against=$(cat "$git_dir/base" 2>/dev/null) || exit 4
    index=$git_dir/index
    # What can only be read has not changed.
    if [ -e "$git_dir/readonly" ] && ! touch "$git_dir/readonly" 2>/dev/null; then exit 0; fi
fi
export GIT_INDEX_FILE="$index"
g() {
    git "--git-dir=$git_dir" --work-tree=. -c core.fsmonitor=false -c core.hooksPath=/dev/null -c core.quotePath=false \
        -c advice.addEmbeddedRepo=false "$@"
}
case $3 in
stat) how='--stat=100 --summary' ;;
files) how='--name-only -z' ;;
*) how='--binary --full-index' ;;
esac
g add -A . || exit 1
IFS='
'
set -f
set -- .
if [ "$git_dir" = "$PWD/.git/banger" ]; then
    for path in $(g ls-files -s | sed -n 's/^160000 [^	]*	//p'); do
        echo "$path is a repository of its own, and left out" >&2
        set -- "$@" ":(exclude,literal)$path"
    done
fi
IFS=' '
g diff --cached --no-color --no-ext-diff --no-textconv --no-renames --ignore-submodules=all --src-prefix=a/ \
    --dst-prefix=b/ $how "$against" -- "$@"
"#;

/// Makes what was exported last from the copy at `$1` its base: the next export is what changed since.
pub const ADVANCE: &str = r#"
cd "$1/.git/banger" || exit
base=$(GIT_INDEX_FILE="$PWD/index" git --git-dir=. write-tree) || exit
echo "$base" >base.new && mv base.new base || exit
cd ../..
keep='for f; do if [ -e "$f" ] || [ -L "$f" ]; then printf "%s\0" "$f"; fi; done'
xargs -0 sh -c "$keep" sh <.git/banger/copied >.git/banger/copied.new
mv .git/banger/copied.new .git/banger/copied
xargs -0 stat -c '%y %z %s %f' -- <.git/banger/copied >.git/banger/stamp 2>&1
"#;

/// Succeeds where [`PROTECT`] can.
pub const HAS_MOUNT: &str = "command -v mount";

/// Makes the copy at `$1` one that can only be read, until the guest stops. Doing it twice is doing it once.
pub const PROTECT: &str = r#"
if [ -e "$1/.git/banger/readonly" ] && ! touch "$1/.git/banger/readonly" 2>/dev/null; then exit 0; fi
touch "$1/.git/banger/readonly" && mount --bind -- "$1" "$1" && mount -o remount,bind,ro -- "$1"
"#;

/// Runs the command after `$1` with the tools that mise has for the repository at `$1`; without a command, a shell.
pub const WITH_TOOLS: &str = r#"
export PATH="$PATH:/root/.local/bin" MISE_TRUSTED_CONFIG_PATHS="$1"
shift
if [ $# -eq 0 ]; then set -- "${SHELL:-/bin/sh}" -i; fi
if command -v mise >/dev/null; then exec mise exec -- "$@"; fi
exec "$@"
"#;

/// Installs with mise the tools that the repository at `$1` asks for, and mise where it is not there. What is said goes
/// into the log `$2`; its last lines are printed where something fails.
pub const INSTALL_TOOLS: &str = r#"
log=$2
mkdir -p -- "${log%/*}" && cd "$1" || exit
export PATH="$PATH:/root/.local/bin" MISE_TRUSTED_CONFIG_PATHS="$1" MISE_YES=1
install() {
    if ! command -v mise; then
        script=$(mktemp) || return
        if command -v curl; then
            curl -fsSL --connect-timeout 15 --max-time 300 -o "$script" https://mise.run || return
        elif command -v wget; then
            wget -T 15 -O "$script" https://mise.run || return
        else
            echo "mise is not there, and neither curl nor wget to get it"
            return 1
        fi
        sh "$script" || return
        rm -f "$script"
    fi
    mise install
}
install >"$log" 2>&1 </dev/null && exit 0
tail -n 3 -- "$log" >&2
exit 1
"#;
