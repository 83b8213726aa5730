{ lib, pkgs }: pkgs.writeScript "extlinux-conf-builder.sh" ./extlinux-conf-builder.sh
