{
  echo "#!$tools/bin/busybox sh"
  cat "$script"
} > "$out"
chmod 555 "$out"
