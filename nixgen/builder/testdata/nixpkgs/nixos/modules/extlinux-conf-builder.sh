# Fills the folder -d with what U-Boot needs to start the system -c.
set -eu
timeout=0 system="" target=/boot
while getopts "t:c:d:g:n:r" option; do
  case $option in
    t) timeout=$OPTARG ;;
    c) system=$OPTARG ;;
    d) target=$OPTARG ;;
    *) ;;
  esac
done
mkdir -p "$target/extlinux" "$target/nixos"
# taken FILE: a file of the store under a name that it keeps.
taken() {
  name=$(readlink -f "$1")
  name=${name#/nix/store/}
  name=$(echo "$name" | tr / -)
  [ -e "$target/nixos/$name" ] || cp "$1" "$target/nixos/$name"
  echo "../nixos/$name"
}
{
  echo "TIMEOUT ${timeout}0"
  echo "DEFAULT nixos-default"
  echo "LABEL nixos-default"
  echo "  MENU LABEL NixOS - Default"
  echo "  LINUX $(taken "$system/kernel")"
  [ ! -e "$system/initrd" ] || echo "  INITRD $(taken "$system/initrd")"
  echo "  APPEND init=$system/init $(cat "$system/kernel-params")"
} > "$target/extlinux/extlinux.conf"
