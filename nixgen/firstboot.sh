# Moves what piwiz left on the firmware partition to its place, once.
# Safe to run twice, and safe when nothing is there. The three folders
# are arguments so that this can be tried out: FIRMWARE STATE SSH.
set -eu
firmware=${1:-/boot/firmware/piwiz}
state=${2:-/var/lib/piwiz}
ssh=${3:-/etc/ssh}
umask 077

# own GROUP FILE: only root can give a file away; a trial is not root.
own() {
  if [ "$(id -u)" = 0 ]; then chown "root:$1" "$2"; fi
}

# place SOURCE TARGET MODE GROUP: whole or not at all, also when the
# power fails: the data is on the disk before the name is.
place() {
  cp "$1" "$2.new"
  own "$4" "$2.new"
  chmod "$3" "$2.new"
  sync
  mv -f "$2.new" "$2"
}

wifi_group=root
if grep -q '^wpa_supplicant:' /etc/group 2>/dev/null; then
  wifi_group=wpa_supplicant
fi

mkdir -p "$state" "$ssh"
own "$wifi_group" "$state"
chmod 0750 "$state"
chmod 0755 "$ssh"

for name in wireless.conf wpa3.conf; do
  if [ -s "$firmware/$name" ]; then
    place "$firmware/$name" "$state/$name" 0640 "$wifi_group"
  elif [ ! -e "$state/$name" ]; then
    # The Wi-Fi service does not start at all without the file.
    place /dev/null "$state/$name" 0640 "$wifi_group"
  fi
done

key=ssh_host_ed25519_key
if [ -s "$firmware/$key" ] && [ ! -s "$ssh/$key" ]; then
  if [ -s "$firmware/$key.pub" ]; then
    place "$firmware/$key.pub" "$ssh/$key.pub" 0644 root
  fi
  place "$firmware/$key" "$ssh/$key" 0600 root
fi
sync

# Best effort: a card may keep old blocks that nobody can reach.
for file in "$firmware"/*; do
  if [ -f "$file" ]; then
    size=$(wc -c < "$file")
    head -c "$size" /dev/zero |
      dd of="$file" conv=notrunc 2>/dev/null || true
    sync
    rm -f "$file"
  fi
done
if [ -d "$firmware" ]; then rmdir "$firmware" || true; fi
sync
