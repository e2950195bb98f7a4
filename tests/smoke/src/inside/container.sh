#!/bin/sh
# Keeps a container: container.sh enter|boot|probe NAME DIR ROOT PROGRAMS
#
# All that it makes (mounts, interfaces, processes) is in namespaces of its own and goes when its first process is
# killed. NAME is its control group's, DIR is where it keeps what it writes, ROOT the system that it starts from.
set -eu
step=$1 name=$2 dir=$3 root=$4 programs=$5

case $step in
enter | probe)
    mount --make-rprivate /
    # What the container's manager keeps of it there is nobody else's affair.
    mount -t tmpfs -o mode=0755 none /run
    mkdir /run/cgroup
    mount -t cgroup2 none /run/cgroup
    mkdir "/run/cgroup/$name"
    echo $$ >"/run/cgroup/$name/cgroup.procs"
    next=boot
    [ "$step" = enter ] || next=end
    exec unshare --cgroup --net --pid --fork --kill-child --mount-proc sh "$0" "$next" "$name" "$dir" "$root" "$programs"
    ;;
esac

umount /run/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "$dir/upper" "$dir/work" "$dir/root" "$dir/dev"
mount -t overlay -o "lowerdir=$root,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/root"

# Devices as the host has them, in nodes that are this container's: their owners and modes are changed in there.
mount -t tmpfs -o mode=0755 none "$dir/dev"
devices=
for device in net/tun fuse kvm; do
    [ -c "/dev/$device" ] || continue
    mkdir -p "$dir/dev/$(dirname "$device")"
    # Numbers of devices are told in hex.
    # shellcheck disable=SC2046  # two words: the major and the minor number
    mknod -m 0600 "$dir/dev/$device" c $(stat -c '0x%t 0x%T' "/dev/$device")
    devices="$devices --bind=$dir/dev/$device:/dev/$device"
done

# The outside: the container's gateway, and an address beyond it.
ip link set lo up
ip link add outside type bridge
ip address add 198.51.100.1/24 dev outside
ip address add 203.0.113.1/32 dev lo
ip link set outside up
[ "$step" = boot ] || exit 0

# Calls of the system are not filtered: services are held by what their units say.
export SYSTEMD_SECCOMP=0
again=133
while [ "$again" -eq 133 ] || [ -e "$dir/again" ]; do
    rm -f "$dir/again"
    again=0
    # 133 says that it rebooted.
    # shellcheck disable=SC2086  # one word a device
    systemd-nspawn --quiet --boot --register=no --keep-unit --machine=smoke --directory="$dir/root" \
        --network-bridge=outside --capability=all --console=pipe --kill-signal=SIGRTMIN+3 --resolv-conf=off \
        --timezone=off --link-journal=no $devices "--bind-ro=$programs:/opt/banger" || again=$?
done
exit "$again"
